"""How much rarer captures have to be, so that they cost no more than a fraction of the training.

  costs of captures, times of steps ─▶ medians ─▶ share of the step time at each stretch of the
  ladder ─▶ the least stretch that is within the limit, once several captures in a row say so

Pure: it is told times and reads no clock. A cadence that changes is a burden to whoever reads
the charts, so that between what makes it rarer and what makes it denser again lies a factor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from .cadence import Cadence

# Every second to fifth of a kind; steps that are multiples of a later one are captured with any earlier.
LADDER = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

# The first captures load kernels and make plans, the first steps fill caches.
WARM_UP_STEPS = 3
WARM_UP_PLAIN = 3
WARM_UP_FULL = 1
# Medians of so many: a validation, a checkpoint or a pause of the machine is one of them.
STEPS = 31
PLAIN = 15
FULL = 7
MIN_STEPS = 8
MIN_PLAIN = 5
MIN_FULL = 2

# A stretch is chosen for this part of the limit, so that noise of a quarter does not end it …
AIM = 0.8
# … and left for a lesser one where that would need this part of the limit.
EASE = 0.6
# How many captures in a row must say so.
RISE_AFTER = 8
EASE_AFTER = 24
# One that was left too early is left that much later the next time, in doublings.
MAX_PATIENCE = 16 * EASE_AFTER


class _Times:
    """The last of a kind, in seconds, without the first."""

    def __init__(self, kept: int, needed: int, warm_up: int) -> None:
        self._values: deque[float] = deque(maxlen=kept)
        self._needed = needed
        self._to_skip = warm_up

    def note(self, seconds: float) -> None:
        if self._to_skip > 0:
            self._to_skip -= 1
        else:
            self._values.append(seconds)

    def median(self) -> float | None:
        return _median(self._values) if len(self._values) >= self._needed else None


class OverheadBudget:
    """Used by one thread."""

    def __init__(self, limit: float, cadence: Cadence) -> None:
        self.limit = limit
        self._cadence = cadence
        self._steps = _Times(STEPS, MIN_STEPS, WARM_UP_STEPS)
        self._plain = _Times(PLAIN, MIN_PLAIN, WARM_UP_PLAIN)
        self._full = _Times(FULL, MIN_FULL, WARM_UP_FULL)
        self._takes = _Times(PLAIN, MIN_PLAIN, WARM_UP_PLAIN)
        self._factor = 1
        self._streak = 0
        self._patience = EASE_AFTER
        self._has_eased = False

    def note_step(self, seconds: float) -> None:
        """From one optimizer step to the next, without what captures cost."""
        self._steps.note(seconds)

    def note_capture(self, seconds: float, *, is_full: bool) -> None:
        (self._full if is_full else self._plain).note(seconds)

    def note_take(self, seconds: float) -> None:
        """Gradients read for the next step's sake, or what of a capture was that."""
        self._takes.note(seconds)

    def propose(self, factor: int) -> int:
        """At a capture, while captures are `factor` times rarer: how much rarer they should be."""
        if factor != self._factor:
            self._note_change(factor)
        share = self.share(factor)
        if share is None:
            return factor
        if share > self.limit:
            wanted, needed = max(factor, self._least(AIM)), RISE_AFTER
        else:
            wanted, needed = min(factor, self._least(EASE)), self._patience
        if wanted == factor:
            self._streak = 0
            return factor
        # Positive while rarer is wanted, negative while denser is.
        direction = 1 if wanted > factor else -1
        self._streak = self._streak + direction if self._streak * direction > 0 else direction
        return wanted if abs(self._streak) >= needed else factor

    def share(self, factor: int) -> float | None:
        """What captures cost of the training's own time at that stretch; None while that is not known."""
        step = self._steps.median()
        rates = self._cadence.stretched(factor).rates()
        plain = self._plain.median() if rates.plain > 0 else 0.0
        full = self._full.median() if rates.full > 0 else 0.0
        if step is None or step <= 0 or plain is None or full is None:
            return None
        take = self._takes.median()
        if take is None:
            # Not seen alone yet: a capture is no less.
            take = max(plain, full)
        return (rates.plain * plain + rates.full * full + rates.before * take) / step

    def capture_share(self) -> float:
        """What one capture costs of a step, in the mean of those with distributions and without."""
        rates, share = self._cadence.rates(), self.share(1)
        captured = rates.plain + rates.full
        return 0.0 if share is None or captured == 0 else share / captured

    def _least(self, part: float) -> int:
        """Of the ladder, what costs no more than that part of the limit."""
        for factor in LADDER:
            share = self.share(factor)
            if share is not None and share <= part * self.limit:
                return factor
        return LADDER[-1]

    def _note_change(self, factor: int) -> None:
        if factor > self._factor and self._has_eased:
            self._patience = min(2 * self._patience, MAX_PATIENCE)
        self._has_eased = factor < self._factor
        self._factor = factor
        self._streak = 0


def describe_cadence(cadence: Cadence) -> str:
    every = cadence.scalars_every if cadence.scalars_every > 0 else cadence.histograms_every
    how = "at every step" if every == 1 else f"every {every} steps"
    if 0 < cadence.histograms_every != every:
        how += f", distributions every {cadence.histograms_every}"
    return how


def describe_cost(capture_share: float, limit: float) -> str:
    return f"a capture costs {_percent(capture_share)} of a step, max_overhead is {_percent(limit)}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _median(values: Iterable[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
