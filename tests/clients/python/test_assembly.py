from __future__ import annotations

import pytest

from spikescope.assembly import HOLD, HOLD_FOR_UPDATE, MAX_WAITING, Assembly
from spikescope.clock import WallClock


class Capture:
    size_bytes = 10

    def __init__(self, name: int) -> None:
        self.name = name


class Journal:
    def __init__(self, first_step: int = 0, *, is_watched: bool = True) -> None:
        self.time = 100.0
        self.steps: list = []
        self.lost = 0
        self.assembly = Assembly(
            self.steps.append, first_step=first_step, monotonic=lambda: self.time, on_lost=self.lose
        )
        self.assembly.expects_updates = is_watched
        self.log = lambda step=None, **scalars: self.assembly.log(step, scalars, {}, {})
        self.captured = 0

    def lose(self) -> None:
        self.lost += 1

    def wait(self, seconds: float) -> None:
        """As the outbox's thread does it: in turns."""
        end = self.time + seconds
        while self.time < end:
            self.time += 1.0
            self.assembly.tick()

    def step(self, is_captured: bool = True) -> None:
        self.assembly.attach(Capture(self.captured) if is_captured else None)
        self.captured += 1

    def captures(self) -> list[tuple[int, int]]:
        """(step, which optimizer step was captured)"""
        return [(step, capture) for step, _, capture in self.seen() if capture is not None]

    def seen(self) -> list[tuple]:
        """(step, scalars, which optimizer step was captured)"""
        return [(s.number, dict(s.scalars), s.capture.name if s.capture else None) for s in self.steps]


def test_numbers_of_one_step_come_together_until_the_next_begins():
    journal = Journal()
    journal.log(0, loss=1.0)
    journal.log(0, val_loss=2.0)
    assert journal.steps == []
    journal.log(1, loss=3.0)
    journal.assembly.finish()
    assert journal.seen() == [(0, {"loss": 1.0, "val_loss": 2.0}, None), (1, {"loss": 3.0}, None)]


def test_a_step_that_nobody_adds_to_is_sent_after_a_while():
    journal = Journal(is_watched=False)
    journal.log(0, loss=1.0)
    journal.time += HOLD - 0.1
    journal.assembly.tick()
    assert journal.steps == []
    journal.time += 0.2
    journal.assembly.tick()
    assert journal.seen() == [(0, {"loss": 1.0}, None)]


def test_what_comes_for_a_step_that_was_sent_is_marked_as_late():
    journal = Journal()
    journal.log(0, loss=1.0)
    journal.log(1, loss=1.0)
    journal.log(0, val_loss=2.0)
    assert [(step.number, step.is_late) for step in journal.steps] == [(0, False), (0, True)]


def test_without_a_step_every_log_is_one_from_the_first_on():
    journal = Journal(first_step=7)
    for value in (1.0, 2.0, 3.0):
        journal.log(loss=value)
    journal.assembly.finish()
    assert [step.number for step in journal.steps] == [7, 8, 9]


def test_a_capture_belongs_to_the_log_after_it():
    journal = Journal()
    for step in range(3):
        journal.step()
        journal.log(step, loss=float(step))
    journal.assembly.finish()
    assert journal.seen() == [(step, {"loss": float(step)}, step) for step in range(3)]


def test_a_capture_belongs_to_the_log_before_it_in_loops_that_log_first():
    journal = Journal()
    for step in range(3):
        journal.log(step, loss=float(step))
        journal.step()
    journal.assembly.finish()
    assert journal.seen() == [(step, {"loss": float(step)}, step) for step in range(3)]


@pytest.mark.parametrize("backward", [0.0, HOLD, HOLD + 1, HOLD_FOR_UPDATE - 2])
def test_a_loop_that_logs_before_a_slow_backward_pass_keeps_each_capture_at_its_step(backward):
    journal = Journal()
    for step in range(4):
        journal.wait(3.0)
        journal.log(step, loss=float(step))
        journal.wait(backward)
        journal.step()
    journal.wait(HOLD + 1)
    assert journal.seen() == [(step, {"loss": float(step)}, step) for step in range(4)]
    assert journal.lost == 0


def test_a_step_whose_update_does_not_come_is_sent_without_and_its_capture_goes_to_no_other():
    journal = Journal()
    for step in range(4):
        journal.log(step, loss=float(step))
        journal.wait(HOLD_FOR_UPDATE + 1 if step == 1 else 0)
        assert len(journal.steps) == step + (1 if step == 1 else 0)
        journal.step()
    journal.assembly.finish()
    assert journal.captures() == [(0, 0), (2, 2), (3, 3)]
    assert journal.lost == 1


def test_a_step_that_was_flushed_before_its_update_does_not_shift_captures():
    journal = Journal()
    for step in range(3):
        journal.log(step, loss=float(step))
        if step < 2:
            journal.assembly.finish()
        journal.step()
    journal.assembly.finish()
    assert journal.captures() == [(2, 2)]
    assert journal.lost == 2


def test_ranks_that_log_nothing_before_their_step_number_it_as_those_that_do():
    """A pipeline's stages: only the last one has a loss."""
    journal = Journal()
    for step in range(3):
        journal.log(step)
        journal.step()
    journal.assembly.finish()
    assert journal.captures() == [(step, step) for step in range(3)]


@pytest.mark.parametrize("pause", [0.0, HOLD + 1, HOLD_FOR_UPDATE + 1])
@pytest.mark.parametrize("log_every", [1, 10])
def test_an_evaluation_before_a_loop_that_counts_from_one_does_not_shift_its_steps(log_every, pause):
    journal = Journal()
    journal.log(0, eval_loss=3.0)
    journal.wait(pause)
    for step in range(1, 31):
        journal.step()
        if step % log_every == 0:
            # As Trainer's callback does: the number first, what was logged behind it.
            journal.log(step)
            journal.log(step, loss=0.0)
    journal.assembly.finish()
    assert journal.captures() == [(step, step - 1) for step in range(1, 31)]
    assert journal.seen()[0][1] == {"eval_loss": 3.0}
    assert journal.lost == 0


@pytest.mark.parametrize("log_every", [2, 10, 25])
def test_optimizer_steps_between_logs_of_a_loop_that_logs_first_get_the_numbers_between(log_every):
    journal = Journal()
    for step in range(100):
        if step % log_every == 0:
            journal.log(step, loss=0.0)
        journal.step()
    journal.assembly.finish()
    assert journal.captures() == [(step, step) for step in range(100)]


def test_settings_logged_before_the_loop_do_not_shift_its_steps():
    journal = Journal()
    journal.log(0, batch_size=8)
    for step in range(3):
        journal.step()
        journal.log(step, loss=float(step))
    journal.assembly.finish()
    assert [(step, capture) for step, _, capture in journal.seen()] == [(0, 0), (1, 1), (2, 2)]


def test_optimizer_steps_between_logs_get_the_numbers_between():
    journal = Journal()
    for step in range(9):
        journal.step()
        if step % 4 == 0:
            journal.log(step, loss=float(step))
    journal.assembly.finish()
    assert [(step, capture) for step, _, capture in journal.seen()] == [(step, step) for step in range(9)]


def test_steps_counted_in_something_else_than_updates_are_spread_evenly():
    journal = Journal()
    for update in range(7):
        journal.step()
        if update % 3 == 0:
            journal.log(update * 16, loss=0.0)
    journal.assembly.finish()
    assert [(step, capture) for step, _, capture in journal.seen()] == [(16 * k, k) for k in range(7)]


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("log_every", [1, 4, 10, 25])
def test_captures_that_become_rarer_belong_to_the_steps_at_which_they_were_taken(log_every, offset):
    """Loops that count from one, as Trainer does, say the number after the step."""
    journal = Journal()
    taken = [*range(23), *range(25, 60, 5), *range(60, 110, 20)]
    for step in range(110):
        journal.step(step in taken)
        if (step + offset) % log_every == 0:
            journal.log(step + offset, loss=0.0)
    journal.assembly.finish()
    found = journal.captures()
    # Before the first log it is not known what the loop calls a step.
    first = found[log_every if offset else 0 :]
    assert first and first == [(capture + offset, capture) for _, capture in first]
    assert found[-1][1] == taken[-1]


def test_rare_captures_of_a_loop_that_logs_first_belong_to_the_log_before_them():
    journal = Journal()
    for step in range(30):
        journal.log(step, loss=0.0)
        journal.step(step % 7 == 0)
    journal.assembly.finish()
    assert journal.captures() == [(step, step) for step in range(0, 30, 7)]


def test_settings_logged_before_the_loop_do_not_shift_rare_captures():
    journal = Journal()
    journal.log(0, batch_size=8)
    for step in range(20):
        journal.step(step % 5 == 0)
        journal.log(step, loss=0.0)
    journal.assembly.finish()
    assert journal.captures() == [(step, step) for step in range(0, 20, 5)]


def test_a_step_that_was_skipped_has_no_capture():
    journal = Journal()
    journal.step()
    journal.log(0, loss=0.0)
    journal.log(1, loss=1.0)
    journal.step()
    journal.log(2, loss=2.0)
    journal.assembly.finish()
    assert [(step, capture) for step, _, capture in journal.seen()] == [(0, 0), (1, None), (2, 1)]


@pytest.mark.parametrize("logs_first", [False, True])
@pytest.mark.parametrize("settings", [False, True])
@pytest.mark.parametrize("skipped", [(0,), (0, 1, 2), (0, 3), (4,)])
def test_updates_that_are_skipped_at_first_do_not_shift_captures(logs_first, settings, skipped):
    journal = Journal()
    if settings:
        journal.log(0, batch_size=8)
    for step in range(8):
        if logs_first:
            journal.log(step, loss=0.0)
        journal.assembly.skip() if step in skipped else journal.step()
        if not logs_first:
            journal.log(step, loss=0.0)
    journal.assembly.finish()
    taken = [step for step in range(8) if step not in skipped]
    assert journal.captures() == [(step, index) for index, step in enumerate(taken)]
    assert [step for step, _, _ in journal.seen()] == list(range(8))


def test_a_loop_that_never_logs_is_numbered_by_its_updates_and_bounded():
    journal = Journal()
    for _ in range(MAX_WAITING + 10):
        journal.step()
    journal.assembly.finish()
    assert [(step, capture) for step, _, capture in journal.seen()] == [
        (k, k) for k in range(MAX_WAITING + 10)
    ]


def test_time_does_not_follow_the_clock_back_and_does_follow_a_sleep():
    wall, monotonic = [1000.0], [5.0]
    clock = WallClock(lambda: wall[0], lambda: monotonic[0])
    monotonic[0] += 10
    wall[0] -= 3600
    assert clock.now() == 1010.0
    wall[0] = 1015.0
    assert clock.now() == 1010.0
    wall[0] = 9000.0
    assert clock.now() == 9000.0
