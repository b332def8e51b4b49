"""On which optimizer steps something is captured."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """Of all optimizer steps, the fraction at which each kind of work is done."""

    plain: float
    # With distributions, and the passes over the whole model that go with them.
    full: float
    # Read for its gradient alone, with which that of the next step is compared.
    before: float


@dataclass(frozen=True)
class Cadence:
    scalars_every: int = 1
    histograms_every: int = 10

    def wants_scalars(self, index: int) -> bool:
        return _is_due(index, self.scalars_every) or self.wants_histograms(index)

    def wants_histograms(self, index: int) -> bool:
        return _is_due(index, self.histograms_every)

    def wants_wholes(self, index: int) -> bool:
        """Of the weights' norms and the largest gradients: each costs a pass over the whole model."""
        every = self.histograms_every if self.histograms_every > 0 else self.scalars_every
        return _is_due(index, every)

    def needs_gradient(self, index: int) -> bool:
        """The step before a capture as well: its gradient is what the cosine compares with."""
        return self.wants_scalars(index) or self.wants_scalars(index + 1)

    def stretched(self, factor: int) -> Cadence:
        """Both kinds that much rarer: each capture at a step where there would be one anyway."""
        return Cadence(self.scalars_every * factor, self.histograms_every * factor)

    def rates(self) -> Rates:
        scalars, histograms = self.scalars_every, self.histograms_every
        if scalars <= 0 and histograms <= 0:
            return Rates(0.0, 0.0, 0.0)
        if scalars <= 0 or histograms <= 0:
            every = max(scalars, histograms)
            return Rates(0.0, 1 / every, 0.0 if every == 1 else 1 / every)
        captured = 1 / scalars + 1 / histograms - 1 / _least_common_multiple(scalars, histograms)
        return Rates(captured - 1 / histograms, 1 / histograms, 0.0 if captured == 1 else captured)


def _is_due(index: int, every: int) -> bool:
    return every > 0 and index % every == 0


def _least_common_multiple(one: int, other: int) -> int:
    return one * other // math.gcd(one, other)
