"""Recorded distributions on edges that all layers and steps share."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from .observations import Bins

MAX_COUNT = 2**32 - 1


@dataclass(frozen=True)
class Rebinned:
    counts: list[int]
    # underflow, overflow, exact zeros, non-finite
    outside: tuple[int, int, int, int]


def rebin(bins: Bins, edges: Sequence[float]) -> Rebinned:
    """Counts between `edges` (ascending), each recorded bin taken as evenly filled.

    The counts add up to the recorded total, rounded. A recorded bin without width at 0
    holds exact zeros. Beyond 2³² − 1 values a layer all are scaled down to fit.
    """
    zeros = 0.0
    filled: list[tuple[float, float, float]] = []
    for left, right, count in zip(bins.left, bins.right, bins.count):
        if not count > 0 or not (math.isfinite(left) and math.isfinite(right)):
            continue
        if left == right == 0:
            zeros += count
        else:
            filled.append((left, right, count))
    filled.sort()
    total = zeros + math.fsum(count for _, _, count in filled)
    scale = min(1.0, MAX_COUNT / total) if total > 0 else 1.0
    below = [round(scale * value) for value in _cumulative(filled, edges)]
    everything = round(scale * (total - zeros))
    counts = [right - left for left, right in zip(below, below[1:])]
    return Rebinned(counts, (below[0], everything - below[-1], round(scale * zeros), 0))


def _cumulative(filled: Sequence[tuple[float, float, float]], edges: Sequence[float]) -> list[float]:
    """Values below each edge; a bin without width lies in the bin that begins at it."""
    sums = array("d", [0.0]) * len(edges)
    # Bins of other tools do not overlap, save where extremes clipped them to one point.
    first = 0
    done = 0.0
    for index, edge in enumerate(edges):
        while first < len(filled) and filled[first][1] <= edge and filled[first][0] < edge:
            done += filled[first][2]
            first += 1
        partial = 0.0
        position = first
        while position < len(filled) and filled[position][0] < edge:
            left, right, count = filled[position]
            partial += count if right <= edge else count * (edge - left) / (right - left)
            position += 1
        sums[index] = done + partial
    return list(sums)


def root_mean_square(bins: Bins) -> float | None:
    """√(Σx²/n): exact where the source kept Σx², else of evenly filled bins; None when empty."""
    total = bins.total
    if not total > 0:
        return None
    return math.sqrt(max(0.0, _sum_of_squares(bins)) / total)


def norm(bins: Bins) -> float | None:
    """√Σx², as above."""
    return math.sqrt(max(0.0, _sum_of_squares(bins))) if bins.total > 0 else None


def _sum_of_squares(bins: Bins) -> float:
    if bins.sum_of_squares is not None:
        return bins.sum_of_squares
    return math.fsum(
        count * (left * left + left * right + right * right) / 3
        for left, right, count in zip(bins.left, bins.right, bins.count)
        if count > 0
    )
