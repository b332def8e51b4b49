"""Sufficient statistics of layers, in a fixed number of operations for all of them.

Coordinates come as rows [R, W] of g, m and v; a layer has one row or several, the last of
each padded with zeros. What comes out adds up: rows to layers, chunks to captures, shards
to models. Definitions are those of the worker (lib/stats/sample-statistics.ts).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch

from .edges import (
    RATIO_BINS,
    SMALL_UPDATE,
    UPDATE_MAGNITUDES,
    float32_at_or_above,
    ratio_edges,
    update_magnitudes,
)

# Columns of `sums`, which add, and of `maxima`.
SUMS = (
    "count",
    "gradient_squares",
    "gradient_non_finite",
    "gradient_below",
    "moment_count",
    "root_non_finite",
    "root_below",
    "scaled_squares",
    "scaled_count",
    "update_count",
    "update_sum",
    "update_squares",
    "update_small",
    "ratio_count",
    "ratio_sum",
    "ratio_squares",
    "pair_product",
    "pair_squares",
    "pair_previous_squares",
    "pair_equal_signs",
    "pair_signed",
    "whole_gradient_squares",
    "whole_weight_squares",
    # How often the largest gradient of the whole layer was looked for.
    "has_whole_maxima",
)
MAXIMA = ("gradient_abs_max", "update_abs_max", "whole_gradient_abs_max")
COLUMN = {name: index for index, name in enumerate(SUMS)}

# Slots of a histogram's row: underflow, bins, overflow, exact zeros, non-finite.
RATIO_SLOTS = RATIO_BINS + 4
UPDATE_SLOTS = 2 * UPDATE_MAGNITUDES + 4


@dataclass
class LayerSums:
    sums: torch.Tensor  # (L, len(SUMS)) float64
    maxima: torch.Tensor  # (L, len(MAXIMA)) float32
    ratio_slots: torch.Tensor | None = None  # (L, RATIO_SLOTS) int32
    update_slots: torch.Tensor | None = None  # (L, UPDATE_SLOTS) int32
    # What the others are views of, where one fill made them and one copy takes them along.
    whole: torch.Tensor | None = None  # int32

    @classmethod
    def zeros(cls, layer_count: int, device: torch.device, *, has_histograms: bool) -> LayerSums:
        wide = torch.float32 if device.type == "mps" else torch.float64
        sizes = _whole_sizes(layer_count, wide, has_histograms)
        whole = torch.zeros(sum(sizes), dtype=torch.int32, device=device)
        return cls.over(whole, layer_count, wide, has_histograms=has_histograms)

    @classmethod
    def over(
        cls, whole: torch.Tensor, layer_count: int, wide: torch.dtype, *, has_histograms: bool
    ) -> LayerSums:
        """The views of such a piece, on whatever device it has come to."""
        parts = whole.split(_whole_sizes(layer_count, wide, has_histograms))
        width = len(SUMS) * (wide.itemsize // 4)
        return cls(
            parts[0][: layer_count * width].view(wide).view(layer_count, len(SUMS)),
            parts[1][: layer_count * len(MAXIMA)].view(torch.float32).view(layer_count, len(MAXIMA)),
            parts[2][: layer_count * RATIO_SLOTS].view(layer_count, RATIO_SLOTS) if has_histograms else None,
            parts[3][: layer_count * UPDATE_SLOTS].view(layer_count, UPDATE_SLOTS)
            if has_histograms
            else None,
            whole,
        )

    def mark_lacking(self) -> None:
        """These are not all, and so is every sum that they go into."""
        self.sums[:, COLUMN["count"]] = float("nan")

    @property
    def is_lacking(self) -> bool:
        return bool(self.sums[:, COLUMN["count"]].isnan().any())

    def in_one_piece(self) -> torch.Tensor:
        """As `over` takes it apart."""
        if self.whole is not None:
            return self.whole
        made = LayerSums.zeros(len(self.sums), self.sums.device, has_histograms=self.ratio_slots is not None)
        made.sums.copy_(self.sums)
        made.maxima.copy_(self.maxima)
        for mine, theirs in ((made.ratio_slots, self.ratio_slots), (made.update_slots, self.update_slots)):
            if mine is not None and theirs is not None:
                mine.copy_(theirs)
        assert made.whole is not None
        return made.whole


def _whole_sizes(layer_count: int, wide: torch.dtype, has_histograms: bool) -> list[int]:
    """In int32, each rounded up to 16 bytes, where kernels want their tensors to begin."""
    widths = [len(SUMS) * (wide.itemsize // 4), len(MAXIMA)]
    if has_histograms:
        widths += [RATIO_SLOTS, UPDATE_SLOTS]
    return [-(-layer_count * width // 4) * 4 for width in widths]


@dataclass(frozen=True)
class Rows:
    """Coordinates of one device, float32."""

    layer: torch.Tensor  # (R,) int64: which layer a row belongs to
    padding: torch.Tensor  # (R,) how many of its coordinates are none
    gradient: torch.Tensor | None = None  # (R, W)
    previous_gradient: torch.Tensor | None = None  # (R, W)
    # What entered the moments: the gradient after clipping, where there was any.
    used_gradient: torch.Tensor | None = None  # (R, W)
    first: torch.Tensor | None = None  # (R, W), bias-corrected
    second: torch.Tensor | None = None  # (R, W), bias-corrected
    # 1 where the optimizer keeps that moment for the row's layer, else 0.
    has_first: torch.Tensor | None = None  # (R,)
    has_second: torch.Tensor | None = None  # (R,)


@dataclass(frozen=True)
class Thresholds:
    """(R, 1) float32 each: ε as a divisor, and what |g| < ε and √v < ε compare with."""

    epsilon: torch.Tensor
    gradient: torch.Tensor
    second: torch.Tensor
    # Without ε a divisor may be 0; else half of the comparisons are saved.
    may_be_zero: bool = True


class Statistics:
    """The edges of one run, kept on the device."""

    def __init__(self, beta1: float | None, beta2: float | None, device: torch.device) -> None:
        edges = ratio_edges(beta1, beta2)
        half = RATIO_BINS // 2
        self._ratio_magnitudes = torch.tensor(edges[half:].tolist(), dtype=torch.float32, device=device)
        self._update_magnitudes = torch.tensor(
            update_magnitudes().tolist(), dtype=torch.float32, device=device
        )
        self._small_update = float32_at_or_above(SMALL_UPDATE)
        # Set once they are known to find the same: kernel_check.py.
        self.has_kernels = False

    def add(self, into: LayerSums, rows: Rows, thresholds: Thresholds) -> None:
        """Adds rows to the layers that they belong to."""
        if self.has_kernels and rows.gradient is not None and self._add_by_kernel(into, rows, thresholds):
            return
        with torch.no_grad():
            columns: dict[str, torch.Tensor] = {}
            maxima: dict[str, torch.Tensor] = {}
            width = self._width(rows)
            filled = width - rows.padding
            if rows.gradient is not None:
                self._gradient(rows.gradient, rows, thresholds, filled, columns, maxima)
                if rows.previous_gradient is not None:
                    _agreement(rows.gradient, rows.previous_gradient, columns)
            if rows.second is not None:
                self._moments(rows, thresholds, filled, columns, maxima, into)
            _merge(into, rows.layer, columns, maxima)

    def _add_by_kernel(self, into: LayerSums, rows: Rows, thresholds: Thresholds) -> bool:
        from . import fused_rows

        try:
            fused_rows.add_rows(
                into, rows, thresholds, self._ratio_magnitudes, self._update_magnitudes, self._small_update
            )
        except Exception:
            # One that cannot be compiled here was not launched: torch does it all, from now on.
            self.has_kernels = False
        return self.has_kernels

    @staticmethod
    def _width(rows: Rows) -> int:
        tensor = rows.gradient if rows.gradient is not None else rows.second
        return 0 if tensor is None else tensor.shape[1]

    def _gradient(
        self,
        gradient: torch.Tensor,
        rows: Rows,
        thresholds: Thresholds,
        filled: torch.Tensor,
        columns: dict[str, torch.Tensor],
        maxima: dict[str, torch.Tensor],
    ) -> None:
        magnitude = gradient.abs()
        columns["count"] = filled
        columns["gradient_squares"] = _square_sum(gradient)
        columns["gradient_non_finite"] = (~torch.isfinite(gradient)).sum(1)
        # A padding zero is below every ε but 0.
        below = (magnitude < thresholds.gradient).sum(1)
        columns["gradient_below"] = below - rows.padding * (thresholds.gradient[:, 0] > 0)
        maxima["gradient_abs_max"] = magnitude.amax(1)

    def _moments(
        self,
        rows: Rows,
        thresholds: Thresholds,
        filled: torch.Tensor,
        columns: dict[str, torch.Tensor],
        maxima: dict[str, torch.Tensor],
        into: LayerSums,
    ) -> None:
        second, first, padding = rows.second, rows.first, rows.padding
        assert second is not None and rows.has_second is not None
        root = second.sqrt()
        columns["moment_count"] = filled * rows.has_second
        columns["root_non_finite"] = (~(torch.isfinite(second) & (second >= 0))).sum(1) * rows.has_second
        below = ((second < thresholds.second) & (second >= 0)).sum(1)
        columns["root_below"] = (below - padding * (thresholds.second[:, 0] > 0)) * rows.has_second
        used = rows.used_gradient
        if used is not None:
            divisor = torch.maximum(root, thresholds.epsilon)
            scaled = _quotient(used, divisor) if thresholds.may_be_zero else used / divisor
            columns["scaled_squares"] = _square_sum(scaled) * rows.has_second
            columns["scaled_count"] = filled * rows.has_second
        if first is None or rows.has_first is None:
            return
        has_both = rows.has_first * rows.has_second
        ratio = _quotient(first, root)
        divisor = root + thresholds.epsilon
        update = _quotient(first, divisor) if thresholds.may_be_zero else first / divisor
        for name, values in (("ratio", ratio), ("update", update)):
            is_finite = torch.isfinite(values)
            finite = torch.where(is_finite, values, 0.0)
            columns[f"{name}_count"] = (is_finite.sum(1) - padding) * has_both
            columns[f"{name}_sum"] = finite.sum(1, dtype=into.sums.dtype) * has_both
            columns[f"{name}_squares"] = _square_sum(finite) * has_both
            if name == "update":
                magnitude = finite.abs()
                small = ((magnitude < self._small_update) & is_finite).sum(1)
                columns["update_small"] = (small - padding) * has_both
                maxima["update_abs_max"] = magnitude.amax(1) * has_both
        if into.ratio_slots is not None and into.update_slots is not None:
            _count(ratio, self._ratio_magnitudes, rows, has_both, into.ratio_slots)
            _count(update, self._update_magnitudes, rows, has_both, into.update_slots)


def _quotient(moment: torch.Tensor, divisor: torch.Tensor) -> torch.Tensor:
    """m/x with 0/0 → 0."""
    return torch.where((divisor == 0) & (moment == 0), 0.0, moment / divisor)


def _square_sum(values: torch.Tensor) -> torch.Tensor:
    """(R,) of squares, summed in float64: float32 would overflow at 1e19 and lose 1e-23."""
    if values.device.type == "mps":
        return values.square().sum(1)
    return torch.linalg.vector_norm(values, dim=1, dtype=torch.float64).square()


def _agreement(gradient: torch.Tensor, previous: torch.Tensor, columns: dict[str, torch.Tensor]) -> None:
    """Over coordinates that are finite on both sides; one that is 0 on either has no sign."""
    is_finite = torch.isfinite(gradient) & torch.isfinite(previous)
    g = torch.where(is_finite, gradient, 0.0)
    p = torch.where(is_finite, previous, 0.0)
    wide = torch.float32 if g.device.type == "mps" else torch.float64
    signs = g.sign() * p.sign()
    columns["pair_product"] = (g.to(wide) * p).sum(1)
    columns["pair_squares"] = _square_sum(g)
    columns["pair_previous_squares"] = _square_sum(p)
    columns["pair_equal_signs"] = (signs > 0).sum(1)
    columns["pair_signed"] = (signs != 0).sum(1)


def _count(
    values: torch.Tensor,
    magnitudes: torch.Tensor,
    rows: Rows,
    weight: torch.Tensor,
    slots: torch.Tensor,
) -> None:
    """Counts values by magnitude, so that x and −x land in mirrored bins."""
    size = slots.shape[1]
    half = (size - 4) // 2
    at_or_below = torch.bucketize(values.abs(), magnitudes, right=True, out_int32=True)
    # The ratio's magnitudes begin at 0, the update's at its smallest edge.
    bin_index = at_or_below - (len(magnitudes) - half)
    slot = torch.where(values < 0, half - bin_index, half + 1 + bin_index)
    slot = torch.where(values == 0, size - 2, slot)
    slot = torch.where(torch.isfinite(values), slot, size - 1)
    flat = (slot + (rows.layer * size).unsqueeze(1)).flatten()
    if values.device.type == "cpu":
        keep = weight.bool().unsqueeze(1).expand_as(values).flatten()
        added = torch.bincount(flat[keep], minlength=slots.numel()).to(torch.int32)
    else:
        # bincount would wait for the device to learn how long its answer is.
        ones = weight.to(torch.int32).unsqueeze(1).expand_as(values).flatten()
        added = torch.zeros(slots.numel(), dtype=torch.int32, device=slots.device)
        added.scatter_add_(0, flat, ones)
    slots += added.view_as(slots)
    padding = (rows.padding * weight).to(torch.int32)
    slots[:, size - 2].index_add_(0, rows.layer, -padding)


def _merge(
    into: LayerSums,
    layer: torch.Tensor,
    columns: dict[str, torch.Tensor],
    maxima: dict[str, torch.Tensor],
) -> None:
    if columns:
        # Stacked by dtype: one conversion for all that share one.
        by_dtype: dict[torch.dtype, list[str]] = {}
        for name, values in columns.items():
            by_dtype.setdefault(values.dtype, []).append(name)
        names = [name for group in by_dtype.values() for name in group]
        wide = into.sums.dtype
        rows = torch.cat(
            [torch.stack([columns[name] for name in group], dim=1).to(wide) for group in by_dtype.values()],
            dim=1,
        )
        merged = torch.zeros(into.sums.shape[0], len(names), dtype=wide, device=layer.device)
        merged.index_add_(0, layer, rows)
        into.sums.index_add_(1, _positions(tuple(COLUMN[name] for name in names), layer.device), merged)
    if maxima:
        values = torch.stack(list(maxima.values()), dim=1)
        highest = torch.zeros(into.maxima.shape[0], len(maxima), device=layer.device)
        # A NaN has to win: amax keeps it, so does maximum.
        highest.scatter_reduce_(0, layer.unsqueeze(1).expand_as(values), values, "amax", include_self=True)
        index = _positions(tuple(MAXIMA.index(name) for name in maxima), layer.device)
        into.maxima.index_copy_(1, index, torch.maximum(into.maxima.index_select(1, index), highest))


@functools.lru_cache(maxsize=64)
def _positions(columns: tuple[int, ...], device: torch.device) -> torch.Tensor:
    return torch.tensor(columns, device=device)
