"""How often captures may come: from costs and step times that are told, without a clock."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("torch")

from spikescope.capture.cadence import Cadence, Rates
from spikescope.capture.overhead_budget import (
    LADDER,
    OverheadBudget,
    describe_cadence,
    describe_cost,
)


class Training:
    """Steps of 100 ms whose captures cost what they are said to, and the stretches that came of it."""

    def __init__(self, limit: float = 0.01, cadence: Cadence | None = None) -> None:
        self.cadence = cadence or Cadence()
        self.budget = OverheadBudget(limit, self.cadence)
        self.step = 0
        self.factor = 1
        self.changes: list[tuple[int, int]] = []
        self.spent = self.worked = 0.0

    def run(self, steps: int, *, plain: float, full: float = 0.0, take: float = 0.0, seconds=0.1) -> None:
        for _ in range(steps):
            self.run_step(plain, full or plain, take, seconds() if callable(seconds) else seconds)

    def run_step(self, plain: float, full: float, take: float, seconds: float) -> None:
        cadence = self.cadence.stretched(self.factor)
        self.budget.note_step(seconds)
        self.worked += seconds
        if cadence.wants_scalars(self.step):
            is_full = cadence.wants_wholes(self.step)
            self.budget.note_capture(full if is_full else plain, is_full=is_full)
            self.spent += full if is_full else plain
            if take > 0 and not is_full:
                self.budget.note_take(take)
            factor = self.budget.propose(self.factor)
            if factor != self.factor:
                self.changes.append((self.step, factor))
                self.factor = factor
        elif cadence.needs_gradient(self.step):
            self.budget.note_take(take)
            self.spent += take
        self.step += 1

    def share_of(self, steps: int, **costs) -> float:
        self.spent = self.worked = 0.0
        self.run(steps, **costs)
        return self.spent / self.worked


@pytest.mark.parametrize(
    ("cadence", "rates"),
    [
        (Cadence(1, 10), Rates(0.9, 0.1, 0.0)),
        (Cadence(5, 50), Rates(0.18, 0.02, 0.2)),
        (Cadence(2, 3), Rates(1 / 3, 1 / 3, 2 / 3)),
        (Cadence(4, 0), Rates(0.0, 0.25, 0.25)),
        (Cadence(0, 1), Rates(0.0, 1.0, 0.0)),
        (Cadence(0, 0), Rates(0.0, 0.0, 0.0)),
    ],
)
def test_rates_are_those_at_which_a_cadence_captures(cadence, rates):
    assert vars(cadence.rates()) == pytest.approx(vars(rates))
    steps = range(1200)
    captured = [step for step in steps if cadence.wants_scalars(step)]
    full = [step for step in captured if cadence.wants_wholes(step)]
    assert len(full) == pytest.approx(1200 * rates.full)
    assert len(captured) == pytest.approx(1200 * (rates.plain + rates.full))


def test_every_capture_of_a_stretched_cadence_is_one_of_the_cadence_itself():
    cadence = Cadence(3, 7)
    for factor in LADDER:
        stretched = cadence.stretched(factor)
        for step in range(0, 3000, 1):
            assert cadence.wants_scalars(step) or not stretched.wants_scalars(step)
            assert cadence.wants_histograms(step) or not stretched.wants_histograms(step)


@pytest.mark.parametrize(("plain", "full"), [(0.0005, 0.001), (0.019, 0.04), (0.0021, 0.0021), (0.15, 0.3)])
@pytest.mark.parametrize("limit", [0.001, 0.01, 0.1])
def test_the_stretch_is_the_least_of_the_ladder_that_keeps_the_limit(plain, full, limit):
    training = Training(limit)
    costs = {"plain": plain, "full": full, "take": plain / 8}
    training.run(400, **costs)
    assert training.factor in LADDER
    assert len(training.changes) <= 1, "found at once"
    period = 20 * training.factor
    if training.factor < LADDER[-1]:
        assert training.share_of(period, **costs) <= limit
    if training.factor > 1:
        denser = LADDER[LADDER.index(training.factor) - 1]
        assert training.budget.share(denser) > 0.8 * limit
        assert training.step >= training.changes[0][0] > 8, "not before some captures were seen"


def test_captures_that_cost_little_are_left_as_they_are():
    training = Training(0.01)
    training.run(3000, plain=0.0004, full=0.002, take=0.0001)
    assert training.changes == []


def test_without_an_idea_of_the_costs_nothing_changes():
    training = Training(0.01, Cadence(1, 50))
    training.run(100, plain=0.05, full=0.1)
    assert training.changes == [], "two captures with distributions were seen, and the first is no measure"


def test_the_first_captures_which_load_kernels_are_no_measure():
    training = Training(0.01)
    training.run(1, plain=9.0, full=9.0, take=9.0)
    training.run(2, plain=3.0, full=3.0, take=3.0)
    training.run(500, plain=0.0003, full=0.0006)
    assert training.changes == []


def test_costs_that_rise_stretch_the_cadence_once_and_costs_that_fall_release_it():
    training = Training(0.01)
    training.run(200, plain=0.0005)
    assert training.factor == 1
    training.run(600, plain=0.02, take=0.002)
    assert [factor for _, factor in training.changes] == [50]
    training.run(8000, plain=0.0004, take=0.0001)
    assert training.factor == 1
    assert len(training.changes) <= 4, "a few steps down as medians follow"
    before = len(training.changes)
    training.run(4000, plain=0.0004, take=0.0001)
    assert len(training.changes) == before


def test_a_longer_step_makes_room_for_captures():
    training = Training(0.01)
    training.run(300, plain=0.005, take=0.001)
    short = training.factor
    training.run(6000, plain=0.005, take=0.001, seconds=2.0)
    assert (short, training.factor) == (10, 1)


@pytest.mark.parametrize("seed", range(8))
def test_noise_does_not_make_it_flap(seed):
    """Costs that vary by a quarter, and one in twenty that is ten times as long."""
    source = random.Random(seed)
    training = Training(0.01)

    def noise(mean: float) -> float:
        return mean * source.uniform(0.75, 1.25) * (10 if source.random() < 0.05 else 1)

    for _ in range(20_000):
        training.run_step(noise(0.009), noise(0.02), noise(0.001), noise(0.1))
    assert len(training.changes) == 1
    assert training.factor == 20


@pytest.mark.parametrize("share", [0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.6, 1.9])
def test_a_cost_at_the_edge_of_a_stretch_settles(share):
    """Wherever the true cost lies between two stretches there is one that noise does not leave."""
    source = random.Random(5)
    training = Training(0.01)
    for _ in range(20_000):
        cost = 0.01 * share * source.uniform(0.8, 1.2)
        training.run_step(cost, cost, cost / 10, 0.1 * source.uniform(0.9, 1.1))
    assert len(training.changes) <= 2


def test_pauses_between_steps_are_not_taken_for_steps():
    training = Training(0.01)
    for step in range(4000):
        # A validation of a minute every 50 steps, and a checkpoint every 7.
        seconds = 60.0 if step % 50 == 0 else 5.0 if step % 7 == 0 else 0.1
        training.run_step(0.009, 0.009, 0.001, seconds)
    assert [factor for _, factor in training.changes] == [20]


def test_a_cost_that_comes_and_goes_is_followed_ever_more_slowly():
    training = Training(0.01)
    for _ in range(12):
        training.run(400, plain=0.012, take=0.001)
        training.run(1200, plain=0.0004, take=0.0001)
    late = [step for step, _ in training.changes if step > training.step // 2]
    early = [step for step, _ in training.changes if step <= training.step // 2]
    assert len(late) < len(early)


def test_the_line_says_how_often_and_why():
    cadence = Cadence()
    assert describe_cadence(cadence.stretched(20)) == "every 20 steps, distributions every 200"
    assert describe_cadence(cadence) == "at every step, distributions every 10"
    assert describe_cadence(Cadence(0, 4).stretched(5)) == "every 20 steps"
    assert describe_cost(0.19, 0.01) == "a capture costs 19 % of a step, max_overhead is 1 %"
    assert describe_cost(0.0042, 0.005) == "a capture costs 0.42 % of a step, max_overhead is 0.5 %"
