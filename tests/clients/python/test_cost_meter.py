"""What hooks, readers and cards took, as a budget is told it: by clocks of the test's own."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from spikescope.capture import cost_meter  # noqa: E402
from spikescope.capture.cost_meter import Clocks, CostMeter  # noqa: E402


class Event:
    """A timing event that is done when the card has come so far. Nobody may wait for it."""

    def __init__(self, card: Card) -> None:
        self.card, self.at = card, card.queued

    def query(self) -> bool:
        return self.card.done >= self.at

    def elapsed_time(self, end: Event) -> float:
        assert self.query() and end.query(), "asked for before it was done"
        return end.at - self.at

    def synchronize(self) -> None:
        raise AssertionError("the loop waited for the card")


class Card:
    """Milliseconds of work that it was given, and that it has done."""

    def __init__(self) -> None:
        self.queued = self.done = 0.0


class TestClocks(Clocks):
    __test__ = False

    def __init__(self, card: Card | None = None) -> None:
        super().__init__(list)
        self.time = 0.0
        self.card = card

    def now(self) -> float:
        return self.time

    def begin(self):
        return [] if self.card is None else [("stream", self.mark("stream"))]

    def mark(self, stream):
        return Event(self.card)


class Budget:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple] = []

    def note_step(self, seconds: float) -> None:
        self.told.append(("step", pytest.approx(seconds)))

    def note_capture(self, seconds: float, *, is_full: bool) -> None:
        self.told.append(("full" if is_full else "capture", pytest.approx(seconds)))

    def note_take(self, seconds: float) -> None:
        self.told.append(("take", pytest.approx(seconds)))


def step(meter, clocks, *, before=0.0, after=0.0, work=1.0, captured=True, full=False, read=True, card=0.0):
    """One optimizer step: the loop's work, a hook before the update and one behind it."""
    clocks.time += work
    if read:
        with meter.hook():
            clocks.time += before
            if clocks.card is not None:
                clocks.card.queued += card
    with meter.hook():
        meter.begin_update()
        clocks.time += after
        if clocks.card is not None:
            clocks.card.queued += 2 * card
        return meter.end_step(is_captured=captured, is_full=full, has_gradients=read)


def test_a_step_is_what_lies_between_updates_without_what_hooks_took():
    clocks, budget = TestClocks(), Budget()
    meter = CostMeter(budget, clocks, reads_captures=False)
    step(meter, clocks, before=0.25, after=0.5)
    step(meter, clocks, before=0.25, after=0.5, work=2.0)
    step(meter, clocks, before=0.25, after=0.5, full=True)
    step(meter, clocks, before=0.25, captured=False)
    step(meter, clocks, captured=False, read=False)
    assert budget.told == [
        ("capture", 0.75),
        ("take", 0.25),
        ("step", 2.0),
        ("capture", 0.75),
        ("take", 0.25),
        ("step", 1.0),
        ("full", 0.75),
        ("step", 1.0),
        ("take", 0.25),
        ("step", 1.0),
    ]


def test_a_capture_costs_what_the_reader_takes_as_well():
    clocks, budget = TestClocks(), Budget()
    meter = CostMeter(budget, clocks, reads_captures=True)
    note = step(meter, clocks, after=0.5)
    assert step(meter, clocks, captured=False, read=False) is None
    assert [kind for kind, _ in budget.told] == ["step"], "not known before it was read"
    note(0.25)
    step(meter, clocks, captured=False, read=False)
    assert ("capture", 0.75) in budget.told


def test_a_capture_that_is_never_read_holds_up_no_others_for_ever():
    clocks, budget = TestClocks(), Budget()
    meter = CostMeter(budget, clocks, reads_captures=True)
    step(meter, clocks, after=9.0)
    for _ in range(cost_meter.MAX_PENDING + 1):
        step(meter, clocks, after=0.5)(0.0)
    assert [each for each in budget.told if each[0] == "capture"]
    assert ("capture", 9.0) not in budget.told


def test_one_call_that_stands_for_all_hooks_is_one_cost():
    clocks, budget = TestClocks(), Budget()
    meter = CostMeter(budget, clocks, reads_captures=False)
    with meter.hook():
        clocks.time += 0.5
        meter.begin_update()
        clocks.time += 0.25
        meter.end_step(is_captured=True, is_full=False, has_gradients=True)
    assert budget.told == [("capture", 0.75)]


def test_a_card_is_asked_and_never_waited_for():
    card = Card()
    clocks, budget = TestClocks(card), Budget()
    meter = CostMeter(budget, clocks, reads_captures=True)
    for _ in range(3):
        assert step(meter, clocks, after=0.5, card=10.0) is None, "reading waits for the card, not the loop"
    assert [each for each in budget.told if each[0] == "capture"] == []
    card.done = 30.0
    step(meter, clocks, captured=False, read=False)
    assert [each for each in budget.told if each[0] != "step"] == [("capture", 0.03), ("take", 0.01)]
    card.done = card.queued
    step(meter, clocks, captured=False, read=False)
    assert budget.told.count(("capture", 0.03)) == 3


def test_on_a_card_the_step_is_not_made_shorter_by_a_host_that_runs_ahead():
    clocks, budget = TestClocks(Card()), Budget()
    meter = CostMeter(budget, clocks, reads_captures=False)
    step(meter, clocks, after=0.5)
    step(meter, clocks, after=0.5)
    assert [each for each in budget.told if each[0] == "step"] == [("step", 1.5)]


def test_work_beside_the_loop_counts_as_well():
    card = Card()
    clocks, budget = TestClocks(card), Budget()
    meter = CostMeter(budget, clocks, reads_captures=False)
    with meter.hook():
        meter.begin_update()
        start = clocks.mark("beside")
        card.queued += 5.0
        meter.note_span(start, clocks.mark("beside"))
        meter.end_step(is_captured=True, is_full=False, has_gradients=True)
    card.done = card.queued
    step(meter, clocks, captured=False, read=False)
    # The loop's own stream had it in this test, too: both count.
    assert ("capture", 0.01) in budget.told


def test_a_clock_that_goes_back_is_no_step():
    clocks, budget = TestClocks(), Budget()
    meter = CostMeter(budget, clocks, reads_captures=False)
    step(meter, clocks)
    clocks.time = -100.0
    step(meter, clocks)
    assert "step" not in [kind for kind, _ in budget.told]


def test_on_a_processor_time_is_that_of_the_thread():
    import time

    clocks = Clocks(lambda: [torch.device("cpu")])
    assert abs(clocks.now() - time.thread_time()) < 60
    elsewhere = Clocks(lambda: [torch.device("cpu"), torch.device("meta")])
    before = time.perf_counter()
    assert before <= elsewhere.now() <= time.perf_counter()
