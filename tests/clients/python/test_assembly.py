from __future__ import annotations

import pytest

from spikescope.assembly import HOLD, MAX_WAITING, Assembly
from spikescope.clock import WallClock


class Capture:
    size_bytes = 10

    def __init__(self, name: int) -> None:
        self.name = name


class Journal:
    def __init__(self, first_step: int = 0) -> None:
        self.time = 100.0
        self.steps: list = []
        self.assembly = Assembly(self.steps.append, first_step=first_step, monotonic=lambda: self.time)
        self.log = lambda step=None, **scalars: self.assembly.log(step, scalars, {}, {})
        self.captured = 0

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
    journal = Journal()
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
