"""The gathering and the arithmetic of a capture as two kernels, where torch brings Triton.

As torch operations they are some two hundred small kernels a step, which cost a card more than
all they compute: statistics.py remains the definition, and what runs elsewhere. What these find
is compared with it once, before the first step; where it differs, or Triton cannot compile
here, nothing of this is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from .statistics import LayerSums, Rows, Thresholds

try:
    from . import row_kernels
except Exception:  # no Triton, or one that is broken: then all goes by torch operations
    row_kernels = None  # type: ignore[assignment]

# Said, or newer versions warn that they will decide otherwise.
OPTIONS: dict[str, Any] = {"enable_fp_fusion": False}


def is_available(device: torch.device) -> bool:
    return bool(row_kernels is not None and device.type == "cuda")


@dataclass(frozen=True)
class RowTable:
    """Where each row lies in its tensor."""

    tensor: torch.Tensor  # (R,) int32
    start: torch.Tensor  # (R,) int64, in elements
    stride: torch.Tensor  # (R,) int64
    count: torch.Tensor  # (R,) int32


@dataclass(frozen=True)
class Corrections:
    """By what moments are multiplied: a number each for all rows, numbers of each, or steps.

    Steps, which only the device knows, are told by their addresses; 1/(1 − β^t) then.
    """

    of_all: tuple[float, float] = (1.0, 1.0)
    of_rows: torch.Tensor | None = None  # (R, 2) float32
    logarithms: torch.Tensor | None = None  # (T, 2) float64, of both β


def gather_rows(table: torch.Tensor, rows: RowTable, row_width: int) -> torch.Tensor:
    """(R, W) float32 of tensors in a table (addresses.py); a row's places behind its count are 0."""
    row_count = len(rows.tensor)
    found = torch.empty(row_count, row_width, device=table.device)
    grid: Any = (row_count,)
    with torch.cuda.device_of(table):
        row_kernels.gather_rows[grid](
            table, rows.tensor, rows.start, rows.stride, rows.count, found, W=row_width, **OPTIONS
        )
    return found


def gather_moments(
    table: torch.Tensor,  # (T, 5) int64: address and type of both moments, address of the step
    rows: RowTable,
    corrections: Corrections,
    row_width: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(R, W) float32 of both moments, corrected."""
    row_count = len(rows.tensor)
    first, second = torch.empty(2, row_count, row_width, device=table.device)
    scales, logarithms = corrections.of_rows, corrections.logarithms
    # Each in its own type, whether it is read or not: another type would be another kernel.
    nothing = first
    grid: Any = (row_count, 2)
    with torch.cuda.device_of(table):
        row_kernels.gather_moments[grid](
            table,
            nothing.view(torch.float64) if logarithms is None else logarithms,
            nothing if scales is None else scales,
            float(corrections.of_all[0]),
            float(corrections.of_all[1]),
            2 if logarithms is not None else 1 if scales is not None else 0,
            rows.tensor,
            rows.start,
            rows.stride,
            rows.count,
            first,
            second,
            W=row_width,
            **OPTIONS,
        )
    return first, second


def add_rows(
    into: LayerSums,
    rows: Rows,
    thresholds: Thresholds,
    ratio_magnitudes: torch.Tensor,
    update_magnitudes: torch.Tensor,
    small_update: float,
) -> None:
    """What Statistics.add does, of rows that have a gradient."""
    gradient = rows.gradient
    assert gradient is not None
    nothing = gradient
    has_slots = into.ratio_slots is not None and into.update_slots is not None
    maxima = into.maxima.view(torch.int32)
    grid: Any = (gradient.shape[0],)
    with torch.cuda.device_of(gradient):
        row_kernels.add_rows[grid](
            rows.layer,
            rows.padding,
            gradient,
            nothing if rows.previous_gradient is None else rows.previous_gradient,
            gradient if rows.used_gradient is None else rows.used_gradient,
            nothing if rows.first is None else rows.first,
            nothing if rows.second is None else rows.second,
            rows.padding if rows.has_first is None else rows.has_first,
            rows.padding if rows.has_second is None else rows.has_second,
            thresholds.epsilon,
            thresholds.gradient,
            thresholds.second,
            into.sums,
            maxima,
            # Of the same type where they are not counted, or that would be another kernel.
            into.ratio_slots if has_slots else maxima,
            into.update_slots if has_slots else maxima,
            ratio_magnitudes,
            update_magnitudes,
            small_update,
            int(rows.previous_gradient is not None),
            int(has_slots),
            int(rows.first is not None and rows.has_first is not None),
            int(rows.second is not None and rows.has_second is not None),
            RATIO_MAGNITUDES=len(ratio_magnitudes),
            UPDATE_MAGNITUDES=len(update_magnitudes),
            W=gradient.shape[1],
            **OPTIONS,
        )
