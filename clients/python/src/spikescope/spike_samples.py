"""Raw samples of the last steps, kept on the host until a spike is suspected.

  captured step ─▶ suspected? ─ no ─▶ ring, the oldest go
                       └─ yes ─▶ with its frame, and the next five; the ring's go behind it

A spike is suspected by what the server found in the steps that it was sent, and, since an
outage or a slow connection delays that, by a cheap rule here. A suspicion that was wrong
costs a few posts, of which the server keeps nothing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace

from .wire.frames import Frame, Samples

# The five before an onset, the onset, five until the server is sure, and one under way.
RING_STEPS = 12
RING_BYTES = 256 * 1024 * 1024
# The server keeps five to either side of an onset.
STEPS_AROUND = 5

# The rule knows nothing before this many values, and forgets all but the last of them.
MIN_VALUES = 16
MAX_VALUES = 64
# A batch's loss differs from the median by a few deviations (medians of absolute ones) and
# seldom by a tenth; ten deviations and a quarter are left for what no batch explains.
LOSS_DEVIATIONS = 10.0
LOSS_FACTOR = 0.25
# Gradient norms have a long tail: twice the median is every day's.
NORM_FACTOR = 4.0

SPIKE_EVENTS = frozenset(("spike_opened", "spike_confirmed"))


class SpikeSamples:
    """Used by the outbox's thread alone."""

    def __init__(self, max_bytes: int = RING_BYTES) -> None:
        self._max_bytes = max_bytes
        self._ring: deque[Frame] = deque()
        self._rule = SuspicionRule()
        self._left = 0

    def see(self, frame: Frame, samples: Samples | None) -> tuple[Frame, list[Frame]]:
        """The frame as it is posted, and samples of earlier steps that go behind it."""
        earlier: list[Frame] = []
        if self._rule.sees(frame.scalars):
            earlier = self._take(STEPS_AROUND)
            self._left = 1 + STEPS_AROUND
        if samples is not None and frame.samples is None:
            if self._left > 0:
                frame = replace(frame, samples=samples)
            else:
                self._keep(Frame(frame.step, layer_count=frame.layer_count, samples=samples))
        if frame.samples is not None:
            self._left = max(0, self._left - 1)
        return frame, earlier

    def spike_opened(self) -> list[Frame]:
        """The server found one: all that is there goes, and the next steps as they come."""
        self._left = STEPS_AROUND
        return self._take(RING_STEPS)

    def _keep(self, frame: Frame) -> None:
        self._ring.append(frame)
        while len(self._ring) > RING_STEPS or sum(each.size_bytes for each in self._ring) > self._max_bytes:
            self._ring.popleft()

    def _take(self, count: int) -> list[Frame]:
        """The newest; what is older stays, for a spike that began before it was suspected."""
        held = list(self._ring)
        self._ring = deque(held[:-count])
        return held[-count:]


class SuspicionRule:
    """Loss not finite, or loss or gradient norm far above their running medians: one that stays
    there is one suspicion."""

    def __init__(self) -> None:
        self._losses: deque[float] = deque(maxlen=MAX_VALUES)
        self._norms: deque[float] = deque(maxlen=MAX_VALUES)
        self._loss_stands_out = self._norm_stands_out = False

    def sees(self, scalars: Mapping[str, float]) -> bool:
        """Whether this step is suspect. A norm that is not finite is what GradScaler looks for, and skips."""
        loss, norm = scalars.get("loss"), scalars.get("gradient_norm")
        is_suspect = False
        if loss is not None:
            stands_out = not math.isfinite(loss) or self._is_high_loss(loss)
            is_suspect = stands_out and not self._loss_stands_out
            self._loss_stands_out = stands_out
            _remember(self._losses, loss)
        if norm is not None and math.isfinite(norm):
            stands_out = self._is_high_norm(norm)
            is_suspect = is_suspect or (stands_out and not self._norm_stands_out)
            self._norm_stands_out = stands_out
            _remember(self._norms, norm)
        return is_suspect

    def _is_high_loss(self, loss: float) -> bool:
        if len(self._losses) < MIN_VALUES:
            return False
        middle = _median(self._losses)
        deviation = _median(abs(value - middle) for value in self._losses)
        return loss - middle > max(LOSS_DEVIATIONS * deviation, LOSS_FACTOR * abs(middle))

    def _is_high_norm(self, norm: float) -> bool:
        return len(self._norms) >= MIN_VALUES and norm > NORM_FACTOR * _median(self._norms)


def _remember(values: deque[float], value: float) -> None:
    if math.isfinite(value):
        values.append(value)


def _median(values: Iterable[float]) -> float:
    # A tenth of the time that importing this client takes, for jobs that watch for spikes alone.
    from statistics import median

    return median(values)
