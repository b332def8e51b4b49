"""Ends that cross: several runs, two threads, a signal in the middle of a line, a request that hangs."""

from __future__ import annotations

import signal
import textwrap
import threading
import time
from dataclasses import replace

import pytest
from fake_server import FakeServer
from test_exits import DEADLINE, launch, run_to_end

import spikescope
from spikescope import exits
from spikescope.transport import outbox
from spikescope.transport.connection import Connection
from spikescope.transport.kept_run import KeptRun, find_kept_runs


def kept_steps(directory, run_id: str | None = None) -> list[int]:
    """Of frames in folders that no process holds any more."""
    steps = []
    for folder in find_kept_runs(directory, run_id):
        kept = KeptRun(folder, max_bytes=10**6)
        assert kept.lock(), f"{folder} is held"
        for kind, payload, _ in kept.spool.records():
            item = outbox.Item.of_record(kind, payload)
            if item.frame is not None:
                steps.append(item.frame.step)
        kept.release()
    return steps


class SlowRun:
    """Takes all the time that it is given."""

    def __init__(self, clock: Clock, said: list[str]) -> None:
        self._clock, self._said = clock, said

    def begin_finish(self, status: str) -> None:
        self._said.append(f"begin {status}")

    def end_finish(self, timeout: float) -> None:
        self._said.append(f"end {timeout:.0f}")
        self._clock.now += timeout


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


def test_all_open_runs_together_take_the_time_of_one(monkeypatch):
    clock, said = Clock(), []
    monkeypatch.setattr(exits, "time", clock)
    monkeypatch.setattr(exits, "EXIT_TIMEOUT", 15.0)
    monkeypatch.setattr(exits, "_runs", {SlowRun(clock, said) for _ in range(3)})
    exits._finish_all()
    assert said == ["begin finished"] * 3 + ["end 15", "end 0", "end 0"]


def test_an_interrupt_at_the_end_leaves_no_run_out(monkeypatch):
    clock, said = Clock(), []
    monkeypatch.setattr(exits, "time", clock)

    class Interrupted(SlowRun):
        def end_finish(self, timeout: float) -> None:
            super().end_finish(0)
            raise KeyboardInterrupt

    monkeypatch.setattr(exits, "_runs", {Interrupted(clock, said) for _ in range(2)})
    exits._finish_all()
    assert said == ["begin finished"] * 2 + ["end 0"] * 2


class Unreachable(Connection):
    """Looks up a name for ever, which nothing interrupts."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9")
        self.is_asked, self.answer = threading.Event(), threading.Event()

    def _send(self, *_: object) -> outbox.Outcome:
        self.is_asked.set()
        self.answer.wait()
        return outbox.Outcome("retry", code="no_connection", message="nobody answered")


def test_a_request_that_cannot_be_interrupted_costs_no_step(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(outbox, "SPILL_RESERVE", 0.1)
    monkeypatch.setattr(outbox, "ABORT_TIMEOUT", 0.1)
    connection = Unreachable()
    disabled = spikescope.init("demo", id="run-1", mode="disabled", directory="kept")
    settings = replace(disabled._settings, mode="online")
    run = spikescope.Run(settings, layers=[], connection=connection)
    run.log(loss=0.0, step=0)
    assert connection.is_asked.wait(DEADLINE)
    for step in range(1, 20):
        run.log(loss=float(step), step=step)
    run.finish(timeout=0.1)
    assert kept_steps(tmp_path / "kept") == list(range(20))
    assert "spikescope sync" in capsys.readouterr().err
    thread = run._posts.outbox._thread
    connection.answer.set()
    thread.join(DEADLINE)
    assert not thread.is_alive()
    # It came back to a run that was put away, and touched nothing.
    assert kept_steps(tmp_path / "kept") == list(range(20))


def test_an_interrupt_in_the_middle_of_log_loses_no_step_before_it(server):
    run = spikescope.init("demo", id="run-1", url=server.url, directory="kept", layers=[])
    run.log(loss=0.0, step=0)
    emit = run._assembly._emit

    def interrupted(step):
        run._assembly._emit = emit
        raise KeyboardInterrupt

    run._assembly._emit = interrupted
    with pytest.raises(KeyboardInterrupt):
        run.log(loss=1.0, step=1)
    run.finish("stopped")
    assert server.steps("run-1") == [0]


def test_a_machine_that_takes_its_time_to_put_steps_away_loses_none(monkeypatch, tmp_path):
    monkeypatch.setattr(outbox, "SPILL_RESERVE", 0.2)
    connection = Unreachable()
    connection.answer.set()
    disabled = spikescope.init("demo", id="run-1", mode="disabled", directory="kept")
    run = spikescope.Run(replace(disabled._settings, mode="online"), layers=[], connection=connection)
    make = run._posts.items.make

    def make_slowly(step):
        time.sleep(0.05)
        return make(step)

    run._posts.items.make = make_slowly
    for step in range(30):
        run.log(loss=float(step), step=step)
    run.finish(timeout=0.0)
    assert kept_steps(tmp_path / "kept") == list(range(30))


def test_a_connection_that_was_aborted_sends_nothing_more(server):
    connection = Connection(server.url)
    connection.abort()
    assert connection.post_json("/api/v1/runs", {"id": "run-1"}).kind == "retry"
    assert server.requests == []


def test_a_signal_between_two_lines_of_log_loses_no_step(server, tmp_path):
    # It comes when a step is no longer open and not yet queued, with the lock of both held.
    code = """
    import signal
    run.log(loss=0.0, step=0)
    emit = run._assembly._emit
    def interrupted(step):
        if step.number == 1:
            signal.raise_signal(signal.SIGTERM)
        emit(step)
    run._assembly._emit = interrupted
    for step in range(1, 10_000_000):
        run.log(loss=float(step), step=step)
    """
    returned, _, err = run_to_end(server, tmp_path, code)
    assert returned == -signal.SIGTERM, err
    steps = server.steps("run-1") + kept_steps(tmp_path / "kept")
    assert steps[:2] == [0, 1]
    assert server.runs["run-1"]["status"] == "stopped"


def test_an_interrupt_during_finish_puts_the_rest_on_disk(server, tmp_path):
    code = """
    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run.log(loss=0.0, step=0)
    run.flush()
    print("begun", flush=True)
    sys.stdin.readline()
    for step in range(1, 4):
        run.log(loss=float(step), step=step)
    try:
        run.finish()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    """
    process = launch(server, tmp_path, code)
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline() == "begun\n"
    server.faults.extend(["hang"] * 50)
    seen = len(server.requests)
    process.stdin.write("\n")
    process.stdin.flush()
    server.wait_for(lambda: len(server.requests) > seen)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=DEADLINE)
    assert out == "interrupted\n"
    assert kept_steps(tmp_path / "kept") == [1, 2, 3]


def test_a_finish_in_a_thread_that_ends_with_the_process_is_waited_for(server, tmp_path):
    code = """
    import threading
    spikescope.exits.EXIT_TIMEOUT = 1.0
    run.log(loss=0.0, step=0)
    run.flush()
    print("begun", flush=True)
    sys.stdin.readline()
    run.log(loss=1.0, step=1)
    threading.Thread(target=run.finish, daemon=True).start()
    sys.stdin.readline()
    """
    process = launch(server, tmp_path, code)
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline() == "begun\n"
    server.faults.extend(["hang"] * 50)
    seen = len(server.requests)
    process.stdin.write("\n")
    process.stdin.flush()
    server.wait_for(lambda: len(server.requests) > seen)
    process.communicate("\n", timeout=DEADLINE)
    assert process.returncode == 0
    assert kept_steps(tmp_path / "kept") == [1]


def test_where_no_thread_can_be_started_the_end_itself_delivers(server, tmp_path):
    code = f"""
    run.finish()
    import threading
    def refuse(self):
        raise RuntimeError("can't create new thread at interpreter shutdown")
    threading.Thread.start = refuse
    {BEGIN_ANOTHER.format(id="run-2").strip()}
    for step in range(5):
        run.log(loss=float(step), step=step)
    """
    _, _, err = run_to_end(server, tmp_path, code)
    assert server.steps("run-2") == list(range(5)), err
    assert server.runs["run-2"]["status"] == "finished"


BEGIN_ANOTHER = (
    'run = spikescope.init("demo", id="{id}", url=os.environ["TEST_URL"], directory="kept", layers=[])\n'
)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize(("ending", "status"), [("pass", "finished"), ("raise ValueError", "failed")])
def test_a_worker_process_ends_the_run_that_it_began(
    server: FakeServer, tmp_path, method: str, ending: str, status: str
):
    begin = BEGIN_ANOTHER.format(id="run-2").strip()
    (tmp_path / "work.py").write_text(
        f"import os, sys\nsys.path.insert(0, os.environ['TEST_FOLDER'])\nimport patience, spikescope\n"
        f"def work():\n    {begin}\n    run.log(loss=1.0, step=0)\n    {ending}\n"
    )
    code = f"""
    if __name__ == "__main__":
        import multiprocessing
        from work import work
        child = multiprocessing.get_context("{method}").Process(target=work)
        child.start()
        child.join()
    """
    code = "run.finish()\n" + textwrap.dedent(code)
    _, _, err = run_to_end(server, tmp_path, code)
    assert server.steps("run-2") == [0], err
    assert server.runs["run-2"]["status"] == status
