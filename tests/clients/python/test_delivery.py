"""What a run delivers to a server that misbehaves."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from fake_server import FakeServer
from patience import RESERVE, wait_for

import spikescope
import spikescope.exits
from spikescope.settings import Settings
from spikescope.transport import backlog, spool
from spikescope.transport.connection import Connection
from spikescope.transport.kept_run import find_kept_runs


def start(server: FakeServer, **options):
    options.setdefault("id", "run-1")
    return spikescope.init("demo", url=server.url, directory="kept", layers=[], **options)


def test_delivers_steps_events_and_the_end_in_order(server, capsys):
    with start(server, tags=["a"], config={"batch": 8}) as run:
        for step in range(20):
            run.log(loss=1 / (step + 1), lr=0.1, step=step)
            if step == 10:
                run.event("ckpt-10", kind="checkpoint")
    stored = server.runs["run-1"]
    assert server.steps("run-1") == list(range(20))
    assert server.scalars("run-1", "learning_rate")[7] == 0.1
    assert stored["status"] == "finished"
    assert stored["events"] == [{"attempt": 1, "step": 10, "kind": "checkpoint", "title": "ckpt-10"}]
    assert stored["create"]["config"] == {"batch": 8}
    assert run.url == f"{server.url}/runs/run-1"
    assert f"spikescope: {run.url}" in capsys.readouterr().err
    assert not Path("kept").exists() or not list(find_kept_runs(Path("kept")))


@pytest.mark.parametrize("fault", ["drop", "stored_drop", 503, 429, 408, 502, 500, "html"])
def test_repeats_what_met_a_fault_and_loses_nothing(server, fault):
    server.faults.extend([None, fault, fault])
    run = start(server)
    for step in range(5):
        run.log(loss=float(step), step=step)
    run.finish()
    assert server.steps("run-1") == list(range(5))
    assert run.counts.dropped == 0
    assert server.runs["run-1"]["status"] == "finished"


def test_waits_as_long_as_the_server_asks_and_no_less(server):
    server.retry_after = "1"
    server.faults.extend([None, 429])
    run = start(server)
    run.log(loss=1.0, step=0)
    assert run.flush()
    assert [fault for _, fault, _ in server.requests] == ["None", "429", "None"]
    assert run.counts.retries == 1
    run.finish()


def test_replays_an_outage_from_disk_in_order(server, tmp_path):
    run = start(server)
    run.log(loss=0.0, step=0)
    assert run.flush()
    server.stop()
    for step in range(1, 400):
        run.log(loss=float(step), step=step)
    run.event("while away")
    assert not run.flush(0.1)
    wait_for(lambda: run.counts.kept_on_disk == 400, "an outage is kept on disk")
    assert list(Path("kept").rglob("*.spool"))
    server.start()
    assert run.flush()
    assert server.steps("run-1") == list(range(400))
    assert server.runs["run-1"]["events"][0]["title"] == "while away"
    run.finish()
    assert not list(Path("kept").rglob("*.spool"))


def test_keeps_what_a_dead_server_did_not_take_and_the_next_process_delivers_it(server, capsys):
    server.stop()
    run = start(server)
    for step in range(10):
        run.log(loss=float(step), step=step)
    run.finish(timeout=0.0)
    assert "spikescope sync" in capsys.readouterr().err
    server.start()
    second = start(server)
    for step in range(8, 15):
        second.log(loss=100.0 + step, step=step)
    second.finish()
    assert server.steps("run-1", 1) == list(range(10))
    assert server.steps("run-1", 2) == list(range(8, 15))
    assert server.runs["run-1"]["attempts"] == [0, 8]
    assert not list(find_kept_runs(Path("kept")))


def test_a_run_that_is_there_waits_for_its_first_step_before_it_goes_on(server):
    start(server).log(loss=1.0, step=4)
    spikescope.exits._finish_all()
    run = start(server)
    assert run.flush()
    run.event("loaded the checkpoint")
    assert run.attempt is None
    run.log(loss=2.0, step=3)
    run.finish()
    assert server.runs["run-1"]["attempts"] == [0, 3]
    assert server.runs["run-1"]["events"][0]["attempt"] == 2


def test_a_server_that_hangs_holds_up_neither_log_nor_the_end_for_long(server):
    server.faults.extend([None, "hang"])
    run = start(server)
    run.log(loss=1.0, step=0)
    server.wait_for(lambda: len(server.requests) == 1)
    run.log(loss=2.0, step=1)
    run.finish(timeout=RESERVE + 0.5)
    [folder] = find_kept_runs(Path("kept"))
    kept = list(spool.Spool(folder, max_bytes=10**9).records())
    assert [record.kind for record in kept] == [b"F", b"F", b"X"]


def test_a_wrong_token_is_waited_for_and_nothing_is_thrown_away(server, capsys):
    server.faults.extend([401] * 50)
    run = start(server, token="secret")
    run.log(loss=1.0, step=0)
    wait_for(lambda: run.counts.retries > 0)
    run.finish(timeout=0.0)
    # At the first refusal: the next try is half a minute away.
    assert "SPIKESCOPE_TOKEN needs a token of scope ingest" in capsys.readouterr().err
    assert server.requests[0][2]["Authorization"] == "Bearer secret"
    assert list(find_kept_runs(Path("kept")))
    assert run.counts.dropped == 0


@pytest.mark.parametrize(
    ("make_url", "words"),
    [
        (lambda url: "http://127.0.0.1:9", "http://127.0.0.1:9 cannot be reached: Connection refused"),
        (lambda url: url.replace("http:", "https:"), "does not speak TLS there, try http://"),
        (lambda url: url, "answers, but not as Spikescope does: is the address right?"),
    ],
    ids=["nobody listens", "https for http", "another server"],
)
def test_a_wrong_address_is_said_with_what_to_do_about_it(server, capsys, make_url, words):
    server.faults.extend(["html"] * 20)
    run = spikescope.init("demo", url=make_url(server.url), directory="kept", id="run-1", layers=[])
    run.log(loss=1.0, step=0)
    # The second of them is said.
    wait_for(lambda: run.counts.retries > 1)
    run.finish(timeout=0.0)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("spikescope:")]
    assert words in said[0]
    assert "kept until it can be delivered" in said[0]
    assert said[1].endswith("is kept for: spikescope sync kept")


def test_a_request_over_which_the_server_breaks_costs_only_itself(server, monkeypatch):
    monkeypatch.setattr("spikescope.transport.backoff.FIRST_WAIT", 0.001)
    run = start(server)
    run.log(loss=0.0, step=0)
    assert run.flush()
    server.faults.extend([500] * 10)
    run.log(loss=1.0, step=1)
    run.log(loss=2.0, step=2)
    run.finish()
    assert server.steps("run-1") == [0, 2]
    assert run.counts.dropped == 1


def test_a_batch_that_is_too_large_is_halved(server):
    run = start(server)
    run.log(loss=0.0, step=0)
    assert run.flush()
    server.faults.extend(["hang", 413, 413])
    for step in range(1, 9):
        run.log(loss=float(step), step=step)
    server.release.set()
    run.finish()
    assert server.steps("run-1") == list(range(9))


def test_a_run_that_was_ended_elsewhere_is_kept_on_disk(server, capsys):
    run = start(server)
    run.log(loss=0.0, step=0)
    assert run.flush()
    server.runs["run-1"]["status"] = "stopped"
    run.log(loss=1.0, step=1)
    run.finish()
    assert "the run has ended" in capsys.readouterr().err
    [folder] = find_kept_runs(Path("kept"))
    assert json.loads((folder / "run.json").read_text())["attempt"] == 1


def test_goes_on_with_a_run_that_ended_before_it_had_a_step(server, capsys):
    with pytest.raises(RuntimeError), start(server) as run:
        raise RuntimeError("at the start")
    assert server.runs["run-1"]["status"] == "failed"
    run = start(server)
    for step in range(40, 45):
        run.log(loss=float(step), step=step)
    run.finish()
    assert server.steps("run-1", 2) == list(range(40, 45))
    assert run.counts.dropped == 0
    assert server.runs["run-1"]["status"] == "finished"
    assert "ended" not in capsys.readouterr().err


def test_opens_a_run_that_is_ended_under_it_no_second_time(server, capsys):
    with pytest.raises(RuntimeError), start(server):
        raise RuntimeError("at the start")
    run = start(server)
    run.log(loss=1.0, step=0)
    assert run.flush()
    server.runs["run-1"]["status"] = "stopped"
    run.log(loss=1.0, step=1)
    run.finish()
    assert server.steps("run-1") == [0]
    assert "the run has ended" in capsys.readouterr().err


def test_another_model_under_the_same_id_keeps_the_steps_and_says_why(server, capsys):
    start(server).finish()
    run = spikescope.init("demo", id="run-1", url=server.url, directory="kept", layers=[("wte", 8)])
    run.log(loss=1.0, step=0)
    run.finish()
    assert "layers_differ" in capsys.readouterr().err
    assert list(find_kept_runs(Path("kept")))


def test_what_fills_memory_while_a_request_hangs_goes_to_disk(server):
    """A server that restarts may take a connection and say nothing: nothing may be lost meanwhile."""
    settings = Settings(
        "online", server.url, None, Path("kept"), "demo", "run-1", None, (), "allow", memory_bytes=2**16
    )
    server.faults.extend([None, "hang"])
    run = spikescope.run.Run(settings, layers=[])
    run.log(loss=0.0, step=0)
    run.log(loss=1.0, step=1)
    server.wait_for(lambda: ("/api/v1/runs/run-1/frames", "hang") in {r[:2] for r in server.requests})
    for step in range(2, 100):
        run.log(loss=float(step), step=step)
    run.finish()
    server.release.set()
    assert run.counts.dropped == 0
    assert run.counts.kept_on_disk > 0
    assert server.steps("run-1") == list(range(100))


def test_a_full_disk_leaves_steps_in_memory_and_counts_what_exceeds_it(server, monkeypatch, capsys):
    refused = threading.Event()

    def refuse(*_):
        refused.set()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool.Spool, "append", refuse)
    server.stop()
    settings = Settings(
        "online", server.url, None, Path("kept"), "demo", "run-1", None, (), "allow", memory_bytes=2**16
    )
    run = spikescope.Run(settings, layers=[])
    for step in range(2000):
        run.log(loss=float(step), step=step)
    assert not run.flush(0.1)
    assert refused.wait(60)
    server.start()
    assert run.flush()
    steps = server.steps("run-1")
    assert steps == sorted(steps)
    assert steps[-1] == 1999
    assert run.counts.dropped == 2000 - len(steps) > 0
    error = capsys.readouterr().err
    assert error.count("No space left") == 1
    assert "SPIKESCOPE_DIR names the folder" in error
    assert error.count("dropped so far") <= 2
    server.stop()
    run.log(loss=0.0, step=2000)
    run.finish(timeout=0.0)
    # Nothing lies there to be delivered by a command.
    error = capsys.readouterr().err
    assert "the disk took nothing of the rest" in error
    assert "spikescope sync" not in error


def test_the_spool_drops_its_oldest_segments_at_its_bound(tmp_path):
    kept = spool.Spool(tmp_path, max_bytes=4000, segment_bytes=1000)
    dropped = sum(kept.append(b"E", bytes([index]) * 100) for index in range(100))
    left = [record.payload[0] for record in kept.records()]
    assert left == list(range(dropped, 100))
    assert kept.size_bytes <= 4000


def test_a_record_that_was_cut_off_ends_its_segment_and_costs_only_itself(tmp_path):
    first = spool.Spool(tmp_path, max_bytes=10**6)
    for index in range(3):
        first.append(b"E", bytes([index]) * 50)
    first.close()
    path = tmp_path / "00000001.spool"
    path.write_bytes(path.read_bytes()[:-10])
    again = spool.Spool(tmp_path, max_bytes=10**6)
    again.append(b"E", b"\x09")
    assert [record.payload[0] for record in again.records()] == [0, 1, 9]


def test_a_spool_remembers_what_was_delivered(tmp_path):
    first = spool.Spool(tmp_path, max_bytes=10**6)
    for index in range(3):
        first.append(b"E", bytes([index]))
    first.advance(next(iter(first.records())).position)
    first.close()
    again = spool.Spool(tmp_path, max_bytes=10**6)
    assert [record.payload[0] for record in again.records()] == [1, 2]
    for record in list(again.records()):
        again.advance(record.position)
    assert again.is_empty
    assert not list(tmp_path.glob("*.spool"))


def test_an_item_survives_the_disk(tmp_path):
    from spikescope.wire.frames import Frame

    item = backlog.Item(b"F", frame=Frame(step=3, scalars={"loss": 1.5}), layer_offset=4)
    again = backlog.Item.of_record(b"F", item.to_record())
    assert again.layer_offset == 4
    assert again.frame is not None
    assert again.frame.scalars == {"loss": 1.5}


def test_many_threads_may_log_at_once(server):
    run = start(server)

    def work(first: int) -> None:
        for step in range(first, first + 50):
            run.log({f"value_{first}": step}, step=0)

    threads = [threading.Thread(target=work, args=(100 * index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.finish()
    [(_, _, frame)] = server.runs["run-1"]["stored"]
    assert frame.scalars == {f"value_{first}": first + 49 for first in (0, 100, 200, 300)}


def test_says_once_what_the_server_does_not_know_of_what_is_posted(server, capsys):
    server.ignored = ["layers.0.kind", "layers.4.kind", "optimizer.fused"]
    run = start(server)
    for step in range(3):
        run.log(loss=float(step), step=step)
        assert run.flush()
    run.finish()
    said = capsys.readouterr().err
    assert said.count("layers.0.kind is not known to the server") == 1
    assert "layers.4.kind" not in said
    assert said.count("optimizer.fused is not known to the server") == 1
    assert run.counts.accepted == 3


def test_names_the_parameters_of_a_query_that_the_server_does_not_know(server):
    server.ignored = ["fromstep", "à la carte"]
    connection = Connection(server.url)
    told: list[str] = []
    connection.on_ignored = told.extend
    connection.get("/api/v1/runs/run-1/timeline?fromstep=3")
    assert told == server.ignored
    connection.close()
