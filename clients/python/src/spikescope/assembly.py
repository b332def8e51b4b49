"""Puts together what belongs to one step: the numbers of log() and the layers of a capture.

A step is open from its first log() until a later step begins, or until HOLD seconds passed
since anything was added: a page that is watched live is then at most that far behind.
What is logged for a step that has been sent already goes after it as a part of its own.

A capture belongs to the log() that follows it, or, in loops that log before they call
optimizer.step(), to the one before it; the first two log()s of a loop show which. In such
loops a step stays open until its capture has come. Optimizer steps that nobody logs are
numbered between those that somebody does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, Protocol

from .clock import WallClock
from .scalars import Scalar
from .wire.frames import Histogram, Samples

# Longer than a validation's numbers usually take to follow, short for a person who watches.
HOLD = 2.0
# The same of a step whose update is still to come: a backward pass may be compiled meanwhile.
HOLD_FOR_UPDATE = 60.0
# Captures that wait for a step number; a loop that logs more rarely has them numbered for it.
MAX_WAITING = 64


@dataclass(frozen=True)
class Reading:
    """What a capture says of its step, on the host."""

    layers: Mapping[str, bytes] = field(default_factory=dict)
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    scalars: Mapping[str, float] = field(default_factory=dict)
    samples: Samples | None = None


class Capture(Protocol):
    """What `watch` saw of the layers at one optimizer step."""

    @property
    def size_bytes(self) -> int: ...

    def read(self) -> Reading:
        """In the outbox's thread: waits until the device has copied it."""
        ...

    def read_held(self) -> Samples | None:
        """The same of raw samples that are not posted with the step."""
        ...


@dataclass
class Step:
    number: int
    wall_time: float
    scalars: dict[str, Scalar] = field(default_factory=dict)
    # Posted by the caller itself: metric → values, name → histogram.
    layers: dict[str, Any] = field(default_factory=dict)
    histograms: dict[str, Any] = field(default_factory=dict)
    capture: Capture | None = None
    touched_at: float = 0.0
    is_late: bool = False


@dataclass
class _Waiting:
    capture: Capture
    index: int  # counted in optimizer steps
    wall_time: float


@dataclass
class _Logged:
    """The newest step of log()."""

    number: int
    names: set[str]
    # Logged since the newest optimizer step.
    is_new: bool = True


class Assembly:
    """Thread-safe. `emit` is called with complete steps, ascending save for late parts.

    `on_lost` is called where a capture came after its step was sent without it.
    """

    def __init__(
        self,
        emit: Callable[[Step], None],
        *,
        first_step: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
        clock: WallClock | None = None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        # Whether optimizer steps are going to be told of by `attach`.
        self.expects_updates = False
        self._emit = emit
        self._on_lost = on_lost
        self._monotonic = monotonic
        self._clock = clock or WallClock()
        self._lock = threading.RLock()
        self._open: Step | None = None
        self._first_step = first_step
        self._sent = first_step - 1
        self._waiting: list[_Waiting] = []
        # The newest optimizer step, captured or not.
        self._stepped = -1
        # Optimizer step ↔ step number, of the last that found its log().
        self._anchor: tuple[int, int] | None = None
        self._logs_first: bool | None = None
        self._logged: _Logged | None = None
        # In a loop that logs first, the newest step whose optimizer step was seen.
        self._updated: int | None = None
        # Of the log() before the first capture, until the next shows whether it was one of the loop's.
        self._first: _Logged | None = None

    @property
    def is_held(self) -> bool:
        """By the calling thread."""
        return bool(getattr(self._lock, "_is_owned")())  # noqa: B009

    @property
    def current_step(self) -> int:
        """The step that is open, or the one that comes next."""
        with self._lock:
            return self._open.number if self._open else self._sent + 1

    def log(
        self,
        step: int | None,
        scalars: Mapping[str, Scalar],
        layers: Mapping[str, Any],
        histograms: Mapping[str, Any],
    ) -> None:
        with self._lock:
            number = self._next_number() if step is None else step
            self._note_log(number, scalars)
            # A loop that logs first logs for the optimizer step to come.
            self._number_waiting(number, self._stepped + (1 if self._logs_first else 0))
            if self._logs_first is False and (self._anchor is None or self._stepped > self._anchor[0]):
                self._anchor = (self._stepped, number)
            if number <= self._sent and not (self._open and self._open.number == number):
                late = self._make(number)
                late.is_late = True
                self._fill(late, scalars, layers, histograms)
                self._emit(late)
                return
            if self._open is not None and number > self._open.number:
                self._send_open()
            if self._open is None:
                self._open = self._make(number)
            elif number < self._open.number:
                # Before the open one, and never sent: it goes first.
                early = self._make(number)
                self._fill(early, scalars, layers, histograms)
                self._sent = number
                self._emit(early)
                return
            self._fill(self._open, scalars, layers, histograms)
            self._take_waiting(self._open)

    def attach(self, capture: Capture | None, index: int | None = None) -> None:
        """One optimizer step, and what was captured of it; counted here, where `index` does not say which."""
        with self._lock:
            index = self._stepped = self._stepped + 1 if index is None else index
            number = self._see_update()
            if number is not None:
                self._attach_to_logged(capture, index, number)
                return
            if capture is None:
                return
            self._waiting.append(_Waiting(capture, index, self._clock.now()))
            if len(self._waiting) > MAX_WAITING:
                self._send_waiting(self._guess(index), index)

    def skip(self) -> None:
        """An optimizer step that was left out, where it would have been."""
        with self._lock:
            self._see_update()

    def tick(self) -> None:
        """Sends the open step once nothing was added for HOLD seconds, or its update did not come."""
        with self._lock:
            step = self._open
            if step is None:
                return
            awaits_update = (
                self.expects_updates and self._logs_first is not False and self._updated != step.number
            )
            if self._monotonic() - step.touched_at >= (HOLD_FOR_UPDATE if awaits_update else HOLD):
                self._send_open()

    def finish(self) -> None:
        """Sends what is open, and captures that no log() followed."""
        with self._lock:
            if self._waiting:
                newest = self._waiting[-1].index
                self._number_waiting(self._guess(newest), newest)
                last = self._waiting.pop() if self._waiting else None
                if last is not None:
                    number = self._guess(last.index)
                    if self._open is not None and number > self._open.number:
                        self._send_open()
                    if self._open is None and number > self._sent:
                        self._open = self._make(number)
                        self._set_capture(self._open, last.capture, last.index)
            self._send_open()

    def _next_number(self) -> int:
        """Without a step every log() is one, as people are used to."""
        return self._open.number + 1 if self._open else self._sent + 1

    def _note_log(self, number: int, scalars: Mapping[str, Scalar]) -> None:
        newest = self._open.number if self._open else self._sent
        if self._logged is not None and self._logged.number == number:
            self._logged.names.update(scalars)
            self._logged.is_new = True
        elif number >= newest:
            self._logged = _Logged(number, set(scalars))
        first = self._first
        if first is None or number <= first.number:
            return
        self._first = None
        if not self._logs_first:
            return
        names = set(scalars)
        if names != first.names and not names & first.names:
            # An evaluation or settings before the loop, which itself logs behind its steps.
            self._logs_first = False
            self._take_back()
        elif self._waiting and self._anchor is not None and self._waiting[0].index == self._anchor[0]:
            # It was one of the loop's, and is sent.
            self._waiting.pop(0)
            self._on_lost()

    def _take_back(self) -> None:
        """The first capture, from a step that was no step of the loop."""
        anchor, self._anchor = self._anchor, None
        step = self._open
        if step is not None and step.capture is not None and anchor is not None:
            self._waiting.insert(0, _Waiting(step.capture, anchor[0], step.wall_time))
            step.capture = None

    def _see_update(self) -> int | None:
        """The step that an update is of, in a loop that logs first; else None: the next log() says."""
        logged = self._logged if self._logged is not None and self._logged.is_new else None
        if logged is not None:
            logged.is_new = False
        if self._logs_first is None:
            self._logs_first = logged is not None
            self._first = logged
        if not self._logs_first or logged is None:
            return None
        if self._updated == logged.number:
            # Two updates, and only the first one's step logged between them: the other order after all.
            self._logs_first = False
            return None
        self._updated = logged.number
        return logged.number

    def _attach_to_logged(self, capture: Capture | None, index: int, number: int) -> None:
        step = self._open
        self._anchor = (index, number)
        if capture is None:
            return
        if step is not None and step.number == number:
            self._set_capture(step, capture, index)
        elif self._first is not None:
            # The next log() shows whether that step was one of the loop's.
            self._waiting.append(_Waiting(capture, index, self._clock.now()))
        else:
            self._on_lost()

    def _take_waiting(self, step: Step) -> None:
        if self._waiting and step.capture is None:
            last = self._waiting.pop()
            self._set_capture(step, last.capture, last.index)

    def _number_waiting(self, number: int, index: int) -> None:
        """Waiting captures of optimizer steps before that, which is step `number`, get their numbers."""
        if not self._waiting or (self._open is not None and number <= self._open.number):
            return
        own = [self._waiting.pop()] if self._waiting[-1].index >= index else []
        if self._waiting:
            self._send_waiting(number, index)
        self._waiting = own

    def _send_waiting(self, number: int, at: int) -> None:
        """Sends them with numbers between the anchor's and `number`, as their indexes lie between."""
        waiting, self._waiting = self._waiting, []
        stride = 1.0
        if self._anchor is not None and at > self._anchor[0]:
            stride = max(1.0, (number - self._anchor[1]) / (at - self._anchor[0]))
        for entry in waiting:
            step_number = number - round((at - entry.index) * stride)
            if self._open is not None and step_number > self._open.number:
                self._send_open()
            if step_number <= self._sent or (self._open is not None and step_number <= self._open.number):
                continue
            step = self._make(step_number)
            step.wall_time = entry.wall_time
            step.capture = entry.capture
            self._sent = step_number
            self._emit(step)

    def _guess(self, index: int) -> int:
        if self._anchor is not None:
            return self._anchor[1] + index - self._anchor[0]
        return self._first_step + index

    def _set_capture(self, step: Step, capture: Capture, index: int) -> None:
        step.capture = capture
        step.touched_at = self._monotonic()
        self._anchor = (index, step.number)

    def _make(self, number: int) -> Step:
        return Step(number, self._clock.now(), touched_at=self._monotonic())

    def _fill(
        self,
        step: Step,
        scalars: Mapping[str, Scalar],
        layers: Mapping[str, Any],
        histograms: Mapping[str, Any],
    ) -> None:
        step.scalars.update(scalars)
        step.layers.update(layers)
        step.histograms.update(histograms)
        step.touched_at = self._monotonic()

    def _send_open(self) -> None:
        step = self._open
        if step is not None:
            self._sent = max(self._sent, step.number)
            # Interrupted between the two it is sent again at the end: the server knows it by its content.
            self._emit(step)
            self._open = None
