"""Edges of the two histograms, to the bit as the worker computes them (lib/stats).

ratio   128 equal bins over ±bound · 1.001, where bound is the largest |r| of Adam's betas
update  ±10^(−12 + k/16), k = 0…208, and an edge at 0: two peaks of a shrunken u stay apart
"""

from __future__ import annotations

import functools
import math
import struct
from array import array

RATIO_BINS = 128
UPDATE_MAGNITUDES = 209
UPDATE_BINS = 2 * UPDATE_MAGNITUDES
# |u| below this moves a weight by less than a hundredth of the learning rate.
SMALL_UPDATE = 0.01

# Where a run does not say: Kingma and Ba 2015, algorithm 1.
DEFAULT_BETA1, DEFAULT_BETA2, DEFAULT_EPSILON = 0.9, 0.999, 1e-8
# Rounding of m and v moves r by at most this share.
BOUND_TOLERANCE = 1e-3


def ratio_bound(beta1: float, beta2: float) -> float | None:
    """(1−β1)/√((1−β2)(1−β1²/β2)); None where no finite bound exists."""
    if not (0 <= beta1 < 1 and 0 < beta2 < 1) or beta1 * beta1 >= beta2:
        return None
    bound = (1 - beta1) / math.sqrt((1 - beta2) * (1 - (beta1 * beta1) / beta2))
    return bound if math.isfinite(bound) else None


def ratio_edges(beta1: float | None, beta2: float | None) -> array[float]:
    """[129] float32, strictly increasing, symmetric around the middle edge 0."""
    fallback = ratio_bound(DEFAULT_BETA1, DEFAULT_BETA2) or 1.0
    bound = None if beta1 is None or beta2 is None else ratio_bound(beta1, beta2)
    limit = (bound if bound is not None else fallback) * (1 + BOUND_TOLERANCE)
    half = RATIO_BINS // 2
    positive = [limit * index / half for index in range(1, half + 1)]
    return array("f", [*(-edge for edge in reversed(positive)), 0.0, *positive])


def update_magnitudes() -> array[float]:
    """[209] float32, rising from 1e-12 to 10."""
    return array("f", (10 ** (-12 + index / 16) for index in range(UPDATE_MAGNITUDES)))


def update_edges() -> array[float]:
    """[419] float32, strictly increasing, symmetric around 0."""
    magnitudes = update_magnitudes()
    return array("f", [*(-edge for edge in reversed(magnitudes)), 0.0, *magnitudes])


@functools.lru_cache(maxsize=64)
def float32_at_or_above(value: float) -> float:
    """The smallest float32 ≥ value ≥ 0: x < value is x < this for every float32 x."""
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    near = _of_bits(bits)
    return near if near >= value else _of_bits(bits + 1)


@functools.lru_cache(maxsize=64)
def float32_with_root_at_or_above(value: float) -> float:
    """The smallest float32 whose square root is ≥ value ≥ 0."""
    if value * value < 2.0**-149:
        return 0.0 if value == 0 else _of_bits(1)
    (bits,) = struct.unpack("<I", struct.pack("<f", value * value))
    while bits > 0 and math.sqrt(_of_bits(bits - 1)) >= value:
        bits -= 1
    while math.sqrt(_of_bits(bits)) < value:
        bits += 1
    return _of_bits(bits)


def _of_bits(bits: int) -> float:
    (value,) = struct.unpack("<f", struct.pack("<I", bits))
    return float(value)
