"""Raw samples that `watch` keeps on the host and posts once a spike is suspected."""

from __future__ import annotations

import itertools
import math
import struct
from pathlib import Path

import pytest
from patience import wait_for

import spikescope
from spikescope.cli.main import main
from spikescope.spike_samples import MIN_VALUES, RING_STEPS, SpikeSamples, SuspicionRule
from spikescope.transport.backlog import SAMPLES, Item
from spikescope.wire.frames import Frame, Samples

RUN_IDS = itertools.count()
QUIET = [2.0 + 0.01 * math.sin(1.7 * step) for step in range(200)]


# The rule


def suspects(losses=(), norms=()):
    rule = SuspicionRule()
    return [
        step
        for step, (loss, norm) in enumerate(itertools.zip_longest(losses, norms))
        if rule.sees({name: value for name, value in (("loss", loss), ("gradient_norm", norm)) if value})
    ]


def test_a_quiet_run_is_not_suspect():
    assert suspects(QUIET, [0.5 + 0.2 * math.sin(step) for step in range(200)]) == []


@pytest.mark.parametrize("loss", [math.nan, math.inf, 3.0, 40.0])
def test_a_loss_that_leaps_is_suspect_once(loss):
    assert suspects([*QUIET[:50], *[loss] * 20]) == [50]


def test_a_loss_that_leaps_again_is_suspect_again():
    assert suspects([*QUIET[:50], math.nan, math.nan, 2.0, 9.0, 9.0, 2.0, math.nan]) == [50, 53, 56]


def test_a_loss_that_leaps_while_the_norm_is_high_is_suspect_by_itself():
    assert suspects([*QUIET[:52], 9.0], [*[0.5] * 50, 4.0, 4.0, 4.0]) == [50, 52]


def test_a_gradient_norm_that_leaps_is_suspect_but_not_one_that_a_scaler_skips():
    assert suspects(norms=[*[0.5] * 50, 1.5, math.inf, math.nan, 2.5]) == [53]


def test_a_loss_near_zero_is_held_against_its_noise():
    noisy = [0.01 * (-1) ** step * (1 + step % 3) for step in range(100)]
    assert suspects([*noisy, 0.05, 0.09, 1.0]) == [102]


def test_the_first_steps_of_a_run_are_not_suspect():
    assert suspects([10.0, 30.0, *QUIET[: MIN_VALUES - 3], 60.0]) == []


# The ring


def samples(step: int, count: int = 4) -> Samples:
    data = struct.pack(f"<{count}f", *[float(step)] * count)
    return Samples(count, data, data, data)


def see(kept: SpikeSamples, step: int, loss: float = 2.0):
    frame = Frame(step, scalars={"loss": loss}, layer_count=1)
    frame, earlier = kept.see(frame, samples(step))
    return frame.samples is not None, [each.step for each in earlier]


def test_the_five_steps_before_a_suspicion_and_the_five_after_are_posted():
    kept = SpikeSamples()
    for step in range(50):
        assert see(kept, step) == (False, [])
    assert see(kept, 50, 9.0) == (True, [45, 46, 47, 48, 49])
    assert [see(kept, step, 9.0)[0] for step in range(51, 58)] == [True] * 5 + [False] * 2
    assert [frame.step for frame in kept.spike_opened()] == [*range(38, 45), 56, 57]


def test_what_the_server_found_empties_the_ring():
    kept = SpikeSamples()
    for step in range(50):
        see(kept, step)
    assert [frame.step for frame in kept.spike_opened()] == list(range(50 - RING_STEPS, 50))
    assert kept.spike_opened() == []
    assert see(kept, 50) == (True, [])


def test_the_ring_is_bounded_in_bytes():
    kept = SpikeSamples(max_bytes=3 * Frame(0, layer_count=1, samples=samples(0, 1000)).size_bytes)
    for step in range(10):
        kept.see(Frame(step, layer_count=1), samples(step, 1000))
    assert [frame.step for frame in kept.spike_opened()] == [7, 8, 9]


def test_samples_survive_the_disk():
    item = Item(SAMPLES, frame=Frame(7, layer_count=1, samples=samples(7)), layer_offset=3)
    again = Item.of_record(SAMPLES, item.to_record())
    assert (again.kind, again.layer_offset, again.frame.step) == (SAMPLES, 3, 7)
    assert bytes(again.frame.samples.gradient) == samples(7).gradient


# The whole way

torch = pytest.importorskip("torch")
torch.set_num_threads(1)


def train(server, losses, *, samples_when="spike", flushed=True, **options):
    torch.manual_seed(1)
    model = torch.nn.Linear(8, 8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    run = spikescope.init("demo", id=f"late-{next(RUN_IDS)}", url=server.url, directory="kept", **options)
    run.watch(model, optimizer, samples=16, samples_when=samples_when)
    for step, loss in enumerate(losses):
        optimizer.zero_grad()
        model(torch.ones(2, 8)).square().mean().backward()
        optimizer.step()
        run.log(loss=loss, step=step)
        # One step a request, as of a model whose steps take their time.
        if flushed:
            assert run.flush()
    return run


def with_frames(server, run):
    return [step for _, step, frame in server.runs[run.id]["stored"] if frame.samples is not None]


def test_a_leap_of_the_loss_posts_the_steps_before_it(server):
    run = train(server, [*QUIET[:40], 9.0, 9.0, *QUIET[42:60]])
    run.finish()
    assert server.late_samples(run.id) == [35, 36, 37, 38, 39]
    assert with_frames(server, run) == [40, 41, 42, 43, 44, 45]
    late = server.runs[run.id]["samples"][0]
    assert late.samples.sample_count == 16
    assert late.scalars == {} and late.layers == {}
    assert run.counts.samples_posted == 5
    assert run.counts.accepted == 60


def test_what_the_server_finds_posts_the_steps_before_it(server):
    server.found[30] = [{"kind": "spike_opened", "step": 30, "attempt": 1, "id": None, "title": "stands out"}]
    server.found[10] = [{"kind": "stage_change", "step": 10, "attempt": 1, "id": None, "title": "a stage"}]
    run = train(server, QUIET[:40])
    run.finish()
    assert server.late_samples(run.id) == list(range(31 - RING_STEPS, 31))
    assert with_frames(server, run) == [31, 32, 33, 34, 35]


def test_a_spike_found_with_the_last_step_is_posted_before_the_end(server):
    server.found[19] = [{"kind": "spike_confirmed", "step": 19, "attempt": 1, "id": "x", "title": "spike"}]
    run = train(server, QUIET[:20], flushed=False)
    run.finish()
    assert server.late_samples(run.id) == list(range(20 - RING_STEPS, 20))
    assert server.runs[run.id]["status"] == "finished"


def test_a_flush_waits_for_samples_that_the_reply_to_the_last_step_asks_for(server, monkeypatch):
    server.found[19] = [{"kind": "spike_confirmed", "step": 19, "attempt": 1, "id": "x", "title": "spike"}]
    flushed = []
    take = spikescope.Run._take_events

    def look(run, events):
        # Nothing waits just now: the step is stored, and what it asks for is yet to be found.
        flushed.append(run._posts.outbox.flush(0.0))
        return take(run, events)

    monkeypatch.setattr(spikescope.Run, "_take_events", look)
    run = train(server, QUIET[:20], flushed=False)
    assert run.flush()
    assert flushed == [False]
    assert len(server.late_samples(run.id)) == RING_STEPS
    run.finish()


def test_nothing_is_posted_of_a_quiet_run(server):
    run = train(server, QUIET[:40], flushed=False)
    run.finish()
    assert server.late_samples(run.id) == with_frames(server, run) == []


@pytest.mark.parametrize("answer", [(404, "not_found"), (405, "method_not_allowed")])
def test_an_old_server_loses_nothing_else_and_it_is_said_once(server, capsys, answer):
    server.no_samples = answer
    run = train(server, [*QUIET[:40], 9.0, *QUIET[41:100], 9.0, *QUIET[101:110]], flushed=False)
    run.finish()
    assert server.steps(run.id) == list(range(110))
    assert server.runs[run.id]["status"] == "finished"
    assert with_frames(server, run) == [*range(40, 46), *range(100, 106)]
    assert run.counts.samples_refused == 10
    assert run.counts.dropped == 0
    assert capsys.readouterr().err.count("takes no samples behind their steps") == 1


def test_an_outage_keeps_samples_behind_their_steps(server):
    server.stop()
    run = train(server, [*QUIET[:40], 9.0, *QUIET[41:50]], flushed=False)
    assert not run.flush(0.1)
    wait_for(lambda: run.counts.kept_on_disk > 0)
    assert list(Path("kept").rglob("*.spool"))
    server.start()
    run.finish()
    assert server.steps(run.id) == list(range(50))
    assert server.late_samples(run.id) == [35, 36, 37, 38, 39]
    assert run.counts.samples_refused == run.counts.dropped == 0


def test_samples_of_a_run_kept_offline_are_synced(server, capsys):
    run = train(server, [*QUIET[:40], math.nan, *QUIET[41:50]], flushed=False, mode="offline")
    run.finish()
    assert list(Path("kept").rglob("*.spool"))
    assert main(["sync", "kept", "--url", server.url]) == 0
    assert server.steps(run.id) == list(range(50))
    assert server.late_samples(run.id) == [35, 36, 37, 38, 39]
    assert server.runs[run.id]["status"] == "finished"


def test_an_unknown_time_for_samples_is_said(server, capsys):
    run = train(server, QUIET[:2], samples_when="sometimes")
    run.finish()
    assert with_frames(server, run) == [0, 1]
    assert "samples_when: expected one of always, spike, asked" in capsys.readouterr().err
