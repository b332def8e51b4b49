"""What captures cost the training, beside how long its steps take.

On a processor both are processor time: of the loop's thread in hooks and steps, and of the
outbox's thread for what is left to it. What else runs on the machine makes neither longer.
On CUDA a step is the time between updates, and a capture what lies between timing events, two
around each hook in the loop's stream and two around what runs beside it. Where the card has work
waiting that is what our kernels take; where it has none, the hook is as long. Work beside counts in
full, as if nothing else ran meanwhile. Events are asked whether they are done, never waited for.
Elsewhere it is the time that hooks take.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from .overhead_budget import OverheadBudget

# Captures whose events or arithmetic are not done; beyond, the oldest is forgotten.
MAX_PENDING = 64


class Clocks:
    """What a meter reads; a test has others."""

    def __init__(self, find_devices: Callable[[], Sequence[torch.device]]) -> None:
        """`find_devices` says where parts of the model are."""
        self._find_devices = find_devices

    def now(self) -> float:
        if all(device.type == "cpu" for device in self._find_devices()):
            return time.thread_time()
        return time.perf_counter()

    def begin(self) -> list[tuple[Any, Any]]:
        """(stream, timing event) of the loop's stream on each card."""
        cards = [device for device in self._find_devices() if device.type == "cuda"]
        streams = [torch.cuda.current_stream(card) for card in cards]
        return [(stream, self.mark(stream)) for stream in streams]

    def mark(self, stream: Any) -> Any:
        event = torch.cuda.Event(enable_timing=True)
        event.record(stream)
        return event


@dataclass
class StepCost:
    """Of one optimizer step."""

    host_seconds: float = 0.0
    # Of which by hooks before the update.
    take_seconds: float = 0.0
    spans: list[tuple[Any, Any]] = field(default_factory=list)
    take_span_count: int = 0
    is_captured: bool = False
    is_full: bool = False
    has_gradients: bool = False
    needs_reading: bool = False
    read_seconds: float = 0.0

    @property
    def is_known(self) -> bool:
        return not self.needs_reading and all(end.query() for _, end in self.spans)

    def seconds(self) -> tuple[float, float]:
        """In all, and of it before the update."""
        if not self.spans:
            return self.host_seconds + self.read_seconds, self.take_seconds
        spans = [start.elapsed_time(end) / 1e3 for start, end in self.spans]
        return sum(spans), sum(spans[: self.take_span_count])


class CostMeter:
    """Tells a budget. Used by the training thread; only what `end_step` returns is called by another."""

    def __init__(self, budget: OverheadBudget, clocks: Clocks, *, reads_captures: bool) -> None:
        self._budget = budget
        self._clocks = clocks
        self._reads_captures = reads_captures
        self._cost = StepCost()
        self._is_ended = False
        self._stepped_at: float | None = None
        self._pending: deque[StepCost] = deque(maxlen=MAX_PENDING)
        self._readings: deque[tuple[StepCost, float]] = deque()

    @contextmanager
    def hook(self) -> Iterator[None]:
        """Around whatever a hook does."""
        started = self._clocks.now()
        begun = self._clocks.begin()
        try:
            yield
        finally:
            for stream, start in begun:
                self._cost.spans.append((start, self._clocks.mark(stream)))
            self._cost.host_seconds += self._clocks.now() - started
            if self._is_ended:
                self._close()

    def note_span(self, start: Any, end: Any) -> None:
        """Work beside the loop's stream, from one event to another."""
        self._cost.spans.append((start, end))

    def begin_update(self) -> None:
        """What hooks did up to here was to read gradients."""
        self._cost.take_seconds = self._cost.host_seconds
        self._cost.take_span_count = len(self._cost.spans)

    def end_step(
        self, *, is_captured: bool, is_full: bool, has_gradients: bool
    ) -> Callable[[float], None] | None:
        """Within the last hook of a step. What is returned takes the time of reading the capture."""
        cost, self._is_ended = self._cost, True
        cost.is_captured, cost.is_full, cost.has_gradients = is_captured, is_full, has_gradients
        # Where a card computed it, reading waits for the card and costs the loop nothing.
        cost.needs_reading = is_captured and self._reads_captures and not cost.spans
        if not cost.needs_reading:
            return None
        return lambda seconds: self._readings.append((cost, seconds))

    def _close(self) -> None:
        cost, self._cost, self._is_ended = self._cost, StepCost(), False
        now = self._clocks.now()
        if self._stepped_at is not None:
            # A card's host runs ahead: the time of its hooks is no part of the step's.
            seconds = now - self._stepped_at - (0.0 if cost.spans else cost.host_seconds)
            # Another clock, where the model moved, or another thread's.
            if seconds > 0:
                self._budget.note_step(seconds)
        self._stepped_at = now
        if cost.is_captured or cost.has_gradients:
            self._pending.append(cost)
        while self._readings:
            read, seconds = self._readings.popleft()
            read.needs_reading, read.read_seconds = False, seconds
        while self._pending and self._pending[0].is_known:
            self._tell(self._pending.popleft())

    def _tell(self, cost: StepCost) -> None:
        total, take = cost.seconds()
        if not cost.is_captured:
            self._budget.note_take(total)
            return
        self._budget.note_capture(total, is_full=cost.is_full)
        # Nothing, where one call stands for all hooks of a step.
        if take > 0 and not cost.is_full:
            self._budget.note_take(take)
