"""`max_overhead`: real captures on a processor, and how a run shows that they became rarer."""

from __future__ import annotations

import itertools

import pytest

torch = pytest.importorskip("torch")

from watched_job import Job, batch, loss_of, make_model  # noqa: E402

from spikescope.capture.ballots import IN_FLIGHT, Ballots, Vote  # noqa: E402
from spikescope.capture.cadence import Cadence  # noqa: E402
from spikescope.capture.overhead_budget import LADDER, OverheadBudget  # noqa: E402
from spikescope.capture.pace import LIFTED_STEPS, BudgetedPace, Pace, make_pace  # noqa: E402


@pytest.fixture
def stretches(monkeypatch):
    """Has every budget ask for this stretch, whatever captures cost."""

    def to(factor: int) -> None:
        monkeypatch.setattr(OverheadBudget, "propose", lambda self, current: factor)

    return to


def train(job, model, optimizer, steps, losses=None) -> None:
    for step in steps:
        optimizer.zero_grad()
        loss = loss_of(model, batch(step))
        loss.backward()
        optimizer.step()
        job.run.log(loss=loss if losses is None else losses(step), step=step)


def start(server, **options):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95))
    return Job(server, model, optimizer, **options), model, optimizer


def captured(frames) -> list[int]:
    return [frame.step for frame in frames if "gradient_norm" in frame.layers]


def test_captures_of_a_small_model_become_as_rare_as_the_limit_asks(server, capsys):
    """Which cost more than its steps do."""
    job, model, optimizer = start(server, max_overhead=0.1, histograms_every=10)
    for first in range(0, 400, 20):
        train(job, model, optimizer, range(first, first + 20))
        # What the reader took is known once it has read.
        job.run.flush(timeout=60)
    pace = job.run.watched._pace
    factor = pace.cadence.scalars_every
    assert factor in LADDER and factor > 1
    # Twice the limit, for a machine on which a cost changes from one moment to the next.
    assert pace._budget.share(factor) <= 0.2
    frames = job.finish()
    assert [frame.step for frame in frames] == list(range(400)), "the loss of each step"
    assert all("loss" in frame.scalars for frame in frames)
    late = [step for step in captured(frames) if step >= 300]
    assert len(late) <= 100 // 5
    said = capsys.readouterr().err
    changes = said.count("capturing layers every")
    assert 1 <= changes <= 4
    assert "max_overhead is 10 %" in said
    events = server.runs[job.id]["events"]
    assert len(events) == changes
    assert (
        events[-1]["title"] == f"layers are captured every {factor} steps, distributions every {10 * factor}"
    )
    assert events[-1]["kind"] == "note" and "a capture costs" in events[-1]["detail"]


def test_without_a_limit_nothing_is_measured(server):
    job, _, _ = start(server)
    assert type(job.run.watched._pace) is Pace
    assert not job.run.watched.has_budget
    job.finish()


def test_stretched_captures_are_those_of_their_steps(server, stretches):
    job, model, optimizer = start(server)
    train(job, model, optimizer, range(23))
    every = {frame.step: frame for frame in job.finish()}
    stretches(5)
    job, model, optimizer = start(server, max_overhead=0.5)
    train(job, model, optimizer, range(23))
    rare = {frame.step: frame for frame in job.finish()}
    assert captured(rare.values()) == [0, 5, 10, 15, 20]
    for step in (5, 10, 15, 20):
        # The cosine with the gradient of the step before among them.
        assert rare[step].layers == every[step].layers
        assert rare[step].histograms == every[step].histograms


def test_a_gradient_of_long_ago_is_compared_with_none(server, stretches):
    """Where captures become denser the step before the first of them was not read."""
    stretches(10)
    job, model, optimizer = start(server, max_overhead=0.5)
    train(job, model, optimizer, range(13))
    job.run.watched.lift_limit()
    train(job, model, optimizer, range(13, 16))
    frames = {frame.step: frame for frame in job.finish()}
    assert captured(frames.values()) == [0, 10, 14, 15]
    assert "gradient_cosine" not in frames[14].layers
    assert "gradient_cosine" in frames[15].layers and "gradient_cosine" in frames[10].layers


def test_a_suspected_spike_lifts_the_limit_for_the_steps_behind_it(server, stretches):
    stretches(50)
    job, model, optimizer = start(server, max_overhead=0.5)
    train(job, model, optimizer, range(30), losses=lambda step: 1.0 + step % 2 * 0.01)
    train(job, model, optimizer, range(30, 31), losses=lambda step: 5.0)
    assert job.run.flush(timeout=60), "the rule sees a step when it is sent"
    train(job, model, optimizer, range(31, 120), losses=lambda step: 1.0)
    assert captured(job.finish()) == [0, *range(32, 32 + LIFTED_STEPS), 100]


def test_a_spike_that_the_server_found_lifts_it_as_well(server, stretches):
    stretches(50)
    job, model, optimizer = start(server, max_overhead=0.5)
    train(job, model, optimizer, range(3), losses=lambda step: 1.0)
    job.run._take_events([{"kind": "spike_opened"}])
    train(job, model, optimizer, range(3, 6), losses=lambda step: 1.0)
    assert captured(job.finish()) == [0, 4, 5]


@pytest.mark.parametrize("value", [0, -1, 1.5, "1%", True, float("nan")])
def test_a_limit_that_is_none_is_said_and_captures_stay_as_they_are(server, value, capsys):
    job, model, optimizer = start(server, max_overhead=value)
    train(job, model, optimizer, range(3))
    assert captured(job.finish()) == [0, 1, 2]
    assert capsys.readouterr().err.count("max_overhead: expected a number above 0 and at most 1") == 1


def test_the_environment_may_set_the_limit_and_the_caller_takes_it_off(server, monkeypatch):
    monkeypatch.setenv("SPIKESCOPE_MAX_OVERHEAD", "0.05")
    job, _, _ = start(server)
    assert job.run.watched._pace._budget.limit == 0.05
    job.finish()
    job, _, _ = start(server, max_overhead=None)
    assert not job.run.watched.has_budget
    job.finish()


class Rank:
    """One of several whose captures are reduced: what it votes, and on which steps it captures."""

    def __init__(self, wishes) -> None:
        self.ballots = Ballots()
        self.told: list[str] = []
        self.steps: list[int] = []
        self.pace = make_pace(
            Cadence(),
            0.01,
            find_devices=list,
            reads_captures=False,
            is_shared=True,
            tell=lambda message, title: self.told.append(title),
        )
        assert isinstance(self.pace, BudgetedPace)
        self.pace._budget.propose = lambda factor: next(wishes)


def reduce_steps(ranks: list[Rank], steps: range) -> None:
    for step in steps:
        wants = {rank.pace.cadence.wants_scalars(step) for rank in ranks}
        assert len(wants) == 1, "a rank alone in a reduction would wait for ever"
        votes = [rank.pace.vote() for rank in ranks] if wants == {True} else []
        for rank in ranks:
            with rank.pace.hook():
                if votes:
                    rank.steps.append(step)
                    rank.ballots.cast(lambda votes=votes: Vote.of([max(each) for each in zip(*votes)]))
                rank.pace.end_step(step, rank.ballots, is_captured=bool(votes))


def test_ranks_take_the_stretch_of_the_one_that_needs_most_at_the_same_step():
    ranks = [Rank(itertools.repeat(1)), Rank(itertools.repeat(5)), Rank(itertools.repeat(2))]
    reduce_steps(ranks, range(40))
    expected = [*range(IN_FLIGHT + 1), 5, 10, 15, 20, 25, 30, 35]
    assert [rank.steps for rank in ranks] == [expected] * 3
    assert all(rank.told == ["layers are captured every 5 steps, distributions every 50"] for rank in ranks)


def test_votes_cast_before_a_change_are_passed_over():
    """A rank that measured once under the old cadence does not make all of them change twice."""
    wishes = itertools.chain([5, 100, 100], itertools.repeat(5))
    ranks = [Rank(itertools.repeat(1)), Rank(wishes)]
    reduce_steps(ranks, range(60))
    assert ranks[0].told == ["layers are captured every 5 steps, distributions every 50"]


def test_a_spike_that_one_rank_suspects_lifts_the_limit_of_all():
    ranks = [Rank(itertools.repeat(10)), Rank(itertools.repeat(10))]
    reduce_steps(ranks, range(25))
    ranks[0].pace.lift()
    reduce_steps(ranks, range(25, 130))
    # It goes with the capture at 30, and is known when two more are under way.
    lifted = range(51, 50 + LIFTED_STEPS + 1)
    assert ranks[0].steps == [0, 1, 2, 10, 20, 30, 40, 50, *lifted, 90, 100, 110, 120]
    assert ranks[1].steps == ranks[0].steps
