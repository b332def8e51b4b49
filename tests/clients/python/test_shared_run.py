"""Processes that post into one run: who opens it, who ends it, and what outages leave behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from memory_store import MemoryStore, start_rank

import spikescope
from spikescope.cli.main import main


def start(server, rank: int, store: MemoryStore) -> spikescope.Run:
    return start_rank(server.url, rank, store)


def log(run, steps) -> None:
    count = 1 if run.rank == 0 else 2
    for step in steps:
        run.log(step=step, loss=1.0, layers={"rms": [1.0] * count})


def shards(server, attempt: int = 1) -> set[tuple[int, int]]:
    return {(step, offset) for number, step, offset, _ in server.runs["run"]["shards"] if number == attempt}


def both(steps) -> set[tuple[int, int]]:
    return {(step, offset) for step in steps for offset in (0, 1)}


def test_a_part_waits_until_the_run_is_open_and_rank_0_ends_it_when_all_is_stored(server):
    store = MemoryStore()
    part = start(server, 1, store)
    log(part, range(3))
    leader = start(server, 0, store)
    log(leader, range(3))
    ended = threading.Thread(target=leader.finish)
    ended.start()
    server.wait_for(lambda: "run" in server.runs and (2, 0) in shards(server))
    # Later than the leader has ended for its own part.
    log(part, range(3, 6))
    assert server.runs["run"]["status"] == "running"
    part.finish("failed")
    ended.join()
    assert shards(server) == both(range(3)) | {(step, 1) for step in range(3, 6)}
    assert server.runs["run"]["status"] == "failed"
    assert part.id == leader.id == "run"
    assert not list(Path("kept").rglob("run.json"))


def test_what_a_part_logs_late_reaches_its_step(server):
    store = MemoryStore()
    leader, part = start(server, 0, store), start(server, 1, store)
    log(leader, range(3))
    log(part, range(3))
    part.log({"validation": 2.5}, step=1)
    part.finish()
    leader.finish()
    late = [frame for _, step, offset, frame in server.runs["run"]["shards"] if (step, offset) == (1, 2)]
    assert [frame.scalars for frame in late] == [{"validation": 2.5}]
    assert late[0].layer_count == 0


def test_a_job_that_comes_back_opens_one_attempt_for_all(server):
    for begin in (0, 4):
        store = MemoryStore()
        leader, part = start(server, 0, store), start(server, 1, store)
        log(leader, range(begin, begin + 6))
        log(part, range(begin, begin + 6))
        part.finish()
        leader.finish()
    assert server.runs["run"]["attempts"] == [0, 4]
    assert shards(server, 1) == both(range(6))
    assert shards(server, 2) == both(range(4, 10))


def test_a_part_that_is_never_heard_of_leaves_the_run_open(server, capsys):
    store = MemoryStore()
    leader, part = start(server, 0, store), start(server, 1, store)
    log(leader, range(2))
    assert leader.flush()
    leader.finish(timeout=0.0)
    assert server.runs["run"]["status"] == "running"
    assert "spikescope sync" in capsys.readouterr().err
    part.finish()


def test_a_store_that_is_gone_stops_nobody(server):
    store = MemoryStore()
    leader, part = start(server, 0, store), start(server, 1, store)
    log(part, range(2))
    assert part.flush()
    store.is_gone = True
    log(leader, range(2))
    assert leader.flush()
    leader.finish(timeout=0.0)
    part.finish()
    assert shards(server) == both(range(2))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_an_outage_left_of_all_ranks_makes_one_attempt(server, order, capsys):
    server.stop()
    store = MemoryStore()
    runs = [start(server, rank, store) for rank in order]
    for run in runs:
        log(run, range(3))
    for run in runs:
        run.finish(timeout=0.0)
    assert len(list(Path("kept").rglob("run.json"))) == 2
    server.start()
    assert main(["sync", "kept", "--url", server.url]) == 0
    assert server.runs["run"]["attempts"] == [0]
    assert shards(server) == both(range(3))
    # Whoever ended it first would have shut the other out.
    assert server.runs["run"]["status"] == "running"
    assert "the run is left open" in capsys.readouterr().err
    assert not list(Path("kept").rglob("run.json"))


def test_the_next_job_delivers_what_parts_left_to_the_attempt_that_was_theirs(server):
    store = MemoryStore()
    leader, part = start(server, 0, store), start(server, 1, store)
    log(leader, range(2))
    log(part, range(2))
    assert leader.flush()
    assert part.flush()
    server.stop()
    log(leader, range(2, 4))
    log(part, range(2, 4))
    leader.finish(timeout=0.0)
    part.finish(timeout=0.0)
    server.start()
    store = MemoryStore()
    leader, part = start(server, 0, store), start(server, 1, store)
    log(leader, range(4, 6))
    log(part, range(4, 6))
    part.finish()
    leader.finish()
    assert server.runs["run"]["attempts"] in ([0], [0, 4])
    assert shards(server, 1) | shards(server, 2) == both(range(6))
    assert {(step, offset) for step, offset in shards(server, 1)} >= both(range(4))
