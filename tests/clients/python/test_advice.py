"""What a training loop is told, when and in which thread; the server here is a fake one."""

from __future__ import annotations

import json
import threading

import pytest

import spikescope
from spikescope.advice import AdviceItem, AdvisedLayer, parse_advice

LAYERS = [("wte", 4096), ("head", 1024)]
FOUND = {"kind": "spike_confirmed", "step": 2, "attempt": 1, "title": "RMS spike"}


def an_item(id="1-clip_updates-rms", **fields):
    return {
        "id": id,
        "action": "clip_updates",
        "severity": "warn",
        "reason": "RMS 4.20 in wte",
        "caveat": "slows the layers it holds",
        "sinceStep": 2,
        "layers": [{"index": 0, "name": "wte"}],
        "factor": None,
        "value": 1,
        "forSteps": None,
        "checkpointStep": None,
        "skipSteps": None,
        "spikeId": None,
        "incidentId": None,
        **fields,
    }


@pytest.fixture
def make_run(server, tmp_path):
    server.advised = []
    runs = []

    def make(**options):
        runs.append(
            spikescope.init("tests", id="run", url=server.url, layers=LAYERS, directory=tmp_path, **options)
        )
        return runs[-1]

    yield make
    for run in runs:
        run.finish()
    # Ended by now; a test that looks at threads must not meet those of another.
    for thread in threading.enumerate():
        if thread.name == "spikescope advice":
            thread.join(60)


def test_an_item_is_read_whole():
    reply = {"runId": "run", "attempt": 2, "step": 7, "version": "v"}
    skip = {"fromStep": 3, "toStep": 5}
    item = an_item(action="rewind", checkpointStep=1, skipSteps=skip, factor=0.5, forSteps=20, spikeId="s")
    advice = parse_advice({**reply, "items": [item, {**an_item("of a later server"), "more": 1}]})
    assert (advice.attempt, advice.step, advice.version) == (2, 7, "v")
    assert advice.items[0] == AdviceItem(
        id="1-clip_updates-rms",
        action="rewind",
        severity="warn",
        reason="RMS 4.20 in wte",
        caveat="slows the layers it holds",
        since_step=2,
        layers=(AdvisedLayer(0, "wte"),),
        factor=0.5,
        value=1,
        for_steps=20,
        checkpoint_step=1,
        skip_steps=(3, 5),
        spike_id="s",
    )
    assert advice.items[1].id == "of a later server"


def test_an_acknowledgement_with_findings_brings_advice_to_the_training_thread_once(server, make_run):
    told = []
    run = make_run(on_advice=lambda item: told.append((item.id, threading.current_thread())))
    run.log(loss=1.0, step=1)
    assert run.sync_advice(60) is not None
    assert told == []
    server.advised = [an_item()]
    server.found[2] = [FOUND]
    run.log(loss=1.0, step=2)
    assert run.flush()
    # Not asked for by anybody: the findings woke the thread.
    server.wait_for(lambda: asked(server) >= 2)
    for step in range(3, 10_000):
        run.log(loss=1.0, step=step)
        if told:
            break
        threading.Event().wait(0.01)
    assert told == [("1-clip_updates-rms", threading.main_thread())]
    assert run.sync_advice(60).items[0].id == "1-clip_updates-rms"
    assert len(told) == 1


def test_sync_waits_for_the_detectors_and_tells(server, make_run):
    told = []
    run = make_run()
    assert run.advice() is None
    run.on_advice(told.append)
    server.advised = [an_item(), an_item("another", severity="page")]
    run.log(loss=1.0, step=5)
    advice = run.sync_advice(60)
    assert advice is not None and advice.step == 5
    assert [item.id for item in told] == ["1-clip_updates-rms", "another"]
    assert run.advice() == advice


def test_what_a_callback_raises_is_said_once_and_training_goes_on(server, make_run, capsys):
    told = []

    def fail(item):
        told.append(item.id)
        raise RuntimeError("out of memory")

    run = make_run(on_advice=fail)
    others = []
    run.on_advice(lambda item: others.append(item.id))
    server.advised = [an_item(), an_item("another")]
    run.log(loss=1.0, step=1)
    assert run.sync_advice(60) is not None
    assert told == others == ["1-clip_updates-rms", "another"]
    assert capsys.readouterr().err.count("out of memory") == 1


def test_a_server_without_advice_is_asked_once(server, make_run, capsys):
    server.advised = None
    run = make_run(on_advice=print)
    run.log(loss=1.0, step=1)
    assert run.sync_advice(60) is None
    assert run.sync_advice(60) is None
    assert asked(server) == 1
    assert "gives no advice" in capsys.readouterr().err


def test_an_outage_costs_no_step_and_no_exception(server, make_run):
    run = make_run(on_advice=print)
    run.log(loss=1.0, step=1)
    assert run.sync_advice(60) is not None
    server.stop()
    run.log(loss=1.0, step=2)
    assert run.sync_advice(0.2) is None
    assert run.advice().step == 1
    server.start()
    assert run.flush()
    assert run.sync_advice(60).step == 2
    assert server.steps("run") == [1, 2]


def test_nobody_is_asked_where_nobody_listens(server, make_run):
    run = make_run()
    server.found[1] = [FOUND]
    run.log(loss=1.0, step=1)
    assert run.flush()
    run.finish()
    assert asked(server) == 0
    assert all(not thread.name.startswith("spikescope advice") for thread in threading.enumerate())


def test_offline_and_other_ranks_have_no_advice(make_run, capsys):
    offline = make_run(mode="offline")
    offline.on_advice(print)
    offline.log(loss=1.0, step=1)
    assert offline.advice() is None
    assert "kept offline" in capsys.readouterr().err
    other = make_run(rank=1)
    other.on_advice(print)
    other.log(loss=1.0, step=1)
    assert other.advice() is None and other.sync_advice() is None


def test_the_thread_ends_with_the_run(make_run):
    run = make_run(on_advice=print)
    run.log(loss=1.0, step=1)
    assert run.sync_advice(60) is not None
    [thread] = [each for each in threading.enumerate() if each.name == "spikescope advice"]
    run.finish()
    thread.join(60)
    assert not thread.is_alive()
    assert run.advice() is not None
    assert json.dumps(run.id) == '"run"'


def asked(server) -> int:
    return sum(path.endswith("/advice") for path, _, _ in server.requests)
