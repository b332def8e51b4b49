"""On which optimizer steps something is captured."""

from __future__ import annotations

from dataclasses import dataclass


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


def _is_due(index: int, every: int) -> bool:
    return every > 0 and index % every == 0
