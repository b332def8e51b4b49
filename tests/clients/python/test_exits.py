"""Every way in which a training process ends, in real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from spikescope.transport.kept_run import KeptRun, find_kept_runs

BEGIN = """
import os, sys, time, spikescope
sys.path.insert(0, os.environ["TEST_FOLDER"])
import patience
run = spikescope.init("demo", id="run-1", url=os.environ["TEST_URL"], directory="kept", layers=[])
"""


# Until a signal ends it. One that comes just before a single long sleep begins would be looked at
# only after that sleep: Python's handlers run between two instructions of the main thread.
WAIT_FOR_SIGNAL = "for _ in range(60000):\n    time.sleep(0.01)\n"

# Of a process that hangs, in seconds.
DEADLINE = 300


def launch(server, tmp_path, code: str) -> subprocess.Popen:
    script = tmp_path / "job.py"
    script.write_text(BEGIN + textwrap.dedent(code))
    environment = {**os.environ, "TEST_URL": server.url, "PYTHONUNBUFFERED": "1"}
    environment["TEST_FOLDER"] = str(Path(__file__).parent)
    return subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_to_end(server, tmp_path, code: str) -> tuple[int, str, str]:
    process = launch(server, tmp_path, code)
    out, err = process.communicate(timeout=DEADLINE)
    return process.returncode, out, err


@pytest.mark.parametrize(
    ("ending", "status", "code"),
    [
        ("", "finished", 0),
        ("sys.exit(3)", "finished", 3),
        ("raise ValueError('of the job')", "failed", 1),
        ("raise KeyboardInterrupt", "stopped", None),
        ("run.finish('stopped'); run.finish()", "stopped", 0),
    ],
)
def test_a_process_that_ends_tells_the_server_how(server, tmp_path, ending, status, code):
    returned, _, _ = run_to_end(server, tmp_path, f"run.log(loss=1.0, step=0)\n{ending}\n")
    assert server.runs["run-1"]["status"] == status
    assert server.steps("run-1") == [0]
    if code is not None:
        assert returned == code


def test_a_with_block_that_raises_marks_the_run_as_failed_and_lets_the_error_pass(server, tmp_path):
    code = """
    try:
        with run:
            run.log(loss=1.0, step=0)
            raise RuntimeError("of the job")
    except RuntimeError as error:
        print("caught", error)
    """
    _, out, _ = run_to_end(server, tmp_path, code)
    assert out == "caught of the job\n"
    assert server.runs["run-1"]["status"] == "failed"


def test_sigterm_stops_the_run_and_still_ends_the_process_by_the_signal(server, tmp_path):
    process = launch(server, tmp_path, "run.log(loss=1.0, step=0)\nprint('ready')\n" + WAIT_FOR_SIGNAL)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == -signal.SIGTERM
    assert server.steps("run-1") == [0]
    assert server.runs["run-1"]["status"] == "stopped"


def test_sigterm_while_a_run_finishes_puts_what_is_left_on_disk(server, tmp_path):
    # A server that took the run and answers nothing more.
    code = """
    run.log(loss=0.0, step=0)
    run.flush()
    print("begun", flush=True)
    sys.stdin.readline()
    for step in range(1, 4):
        run.log(loss=float(step), step=step)
    # Once it is to stop it asks the server no more.
    spikescope.exits.SIGTERM_TIMEOUT = patience.RESERVE
    run.finish(timeout=600.0)
    """
    process = launch(server, tmp_path, code)
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline() == "begun\n"
    server.faults.extend(["hang"] * 50)
    seen = len(server.requests)
    process.stdin.write("\n")
    process.stdin.flush()
    server.wait_for(lambda: len(server.requests) > seen)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == -signal.SIGTERM
    (folder,) = find_kept_runs(tmp_path / "kept")
    kept = KeptRun(folder, max_bytes=10**6)
    assert kept.lock()
    assert not kept.spool.is_empty
    kept.release()


def test_a_job_with_its_own_handler_of_sigterm_keeps_it(server, tmp_path):
    code = """
    import signal
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    other = spikescope.init("demo", id="run-2", url=os.environ["TEST_URL"], directory="kept", layers=[])
    print("ready")
    """
    process = launch(server, tmp_path, textwrap.dedent(code) + WAIT_FOR_SIGNAL)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 7


def test_what_a_killed_process_had_on_disk_is_delivered_by_its_successor(server, tmp_path):
    server.stop()
    code = """
    for step in range(50):
        run.log(loss=float(step), step=step)
    run.flush(0.0)
    while run.counts.kept_on_disk < 50:
        time.sleep(0.01)
    print("ready")
    time.sleep(600)
    """
    process = launch(server, tmp_path, code)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.communicate(timeout=DEADLINE)
    server.start()
    run_to_end(server, tmp_path, "run.log(loss=0.0, step=50)\n")
    assert server.steps("run-1", 1) == list(range(50))
    assert server.steps("run-1", 2) == [50]
    assert not list(find_kept_runs(tmp_path / "kept"))


def test_a_forked_child_posts_nothing_and_ends_as_it_would_without_us(server, tmp_path):
    code = """
    run.log(loss=1.0, step=0)
    child = os.fork()
    if child == 0:
        run.log(loss=9.0, step=1)
        run.finish()
        sys.exit(5)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status))
    run.log(loss=2.0, step=1)
    """
    _, out, _ = run_to_end(server, tmp_path, code)
    assert out == "5\n"
    assert server.scalars("run-1") == {0: 1.0, 1: 2.0}
    assert server.runs["run-1"]["status"] == "finished"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_that_are_handed_the_run_work_and_post_nothing(server, tmp_path, method):
    (tmp_path / "work.py").write_text(
        "import os\ndef work(run):\n    run.log(loss=9.0, step=9)\n    return run.id, os.getpid()\n"
    )
    code = f"""
    import multiprocessing
    from work import work
    if __name__ == "__main__":
        run.log(loss=1.0, step=0)
        with multiprocessing.get_context("{method}").Pool(1) as pool:
            name, pid = pool.apply(work, (run,))
        print(name, pid != os.getpid())
    """
    if method == "spawn":
        code = code.replace("from work import work", "").replace(
            'if __name__ == "__main__":', 'if __name__ == "__main__":\n        from work import work'
        )
    _, out, err = run_to_end(server, tmp_path, code)
    assert out == "run-1 True\n", err
    assert 9 not in server.steps("run-1")


def test_a_closed_standard_error_and_a_lost_reference_harm_nobody(server, tmp_path):
    code = """
    sys.stderr.close()
    os.close(2)
    run.log(loss="text", step=0)
    run.log(loss=1.0, step=0)
    del run
    """
    _returned, _, _ = run_to_end(server, tmp_path, code)
    assert server.runs["run-1"]["status"] == "finished"
    assert server.scalars("run-1") == {0: 1.0}


def test_the_lock_of_a_dead_process_is_free_and_that_of_a_living_one_is_not(tmp_path):
    kept = KeptRun(tmp_path / "a", max_bytes=1000)
    kept.save({"create": {}})
    assert not KeptRun(tmp_path / "a", max_bytes=1000).lock()
    kept.release()
    assert KeptRun(tmp_path / "a", max_bytes=1000).lock()
