"""The gathering and the arithmetic of a capture as two kernels, where torch brings Triton.

As torch operations they are some two hundred small kernels a step, which cost a card more than
all they compute: statistics.py remains the definition, and what runs elsewhere. What these find
is compared with it once, before the first step; where it differs, or Triton cannot compile
here, nothing of this is used.
"""

from __future__ import annotations

from typing import Any

import torch

from .statistics import LayerSums, Rows, Thresholds

try:
    from . import row_kernels
except Exception:  # no Triton, or one that is broken: then all goes by torch operations
    row_kernels = None  # type: ignore[assignment]

# Types that a kernel reads; anything else is gathered by torch.
READABLE = (torch.float32, torch.bfloat16, torch.float16)


def is_available(device: torch.device) -> bool:
    return bool(row_kernels is not None and device.type == "cuda")


def gather_rows(
    addresses: torch.Tensor,  # (T,) int64, 0 where a tensor has no value
    tensor_of_row: torch.Tensor,  # (R,) int32
    start_of_row: torch.Tensor,  # (R,) int64, in elements
    stride_of_row: torch.Tensor,  # (R,) int64
    count_of_row: torch.Tensor,  # (R,) int32
    dtype: torch.dtype,
    row_width: int,
) -> torch.Tensor:
    """(R, W) float32; a row's places behind its count are 0."""
    row_count = len(tensor_of_row)
    rows = torch.empty(row_count, row_width, device=addresses.device)
    like = torch.empty(0, dtype=dtype, device=addresses.device)
    grid: Any = (row_count,)
    with torch.cuda.device_of(rows):
        row_kernels.gather_rows[grid](
            addresses, tensor_of_row, start_of_row, stride_of_row, count_of_row, rows, like, W=row_width
        )
    return rows


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
            into.maxima.view(torch.int32),
            into.ratio_slots if has_slots else rows.layer,
            into.update_slots if has_slots else rows.layer,
            ratio_magnitudes,
            update_magnitudes,
            small_update,
            int(rows.previous_gradient is not None),
            int(has_slots),
            HAS_SECOND=rows.second is not None and rows.has_second is not None,
            HAS_FIRST=rows.first is not None and rows.has_first is not None,
            MAY_BE_ZERO=thresholds.may_be_zero,
            RATIO_MAGNITUDES=len(ratio_magnitudes),
            UPDATE_MAGNITUDES=len(update_magnitudes),
            W=gradient.shape[1],
        )
