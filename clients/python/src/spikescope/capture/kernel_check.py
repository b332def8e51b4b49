"""Whether the kernels of fused_rows.py run here, and find what torch operations find."""

from __future__ import annotations

from dataclasses import replace

import torch

from . import fused_rows
from .statistics import LayerSums, Rows, Statistics, Thresholds

_LAYERS, _ROWS, _WIDTH = 3, 6, 1024


def kernels_agree(statistics: Statistics, device: torch.device) -> bool:
    """Compiles what a training needs, which takes a second the first time on a machine."""
    if not fused_rows.is_available(device):
        return False
    try:
        rows, thresholds = _make_rows(device)
        with torch.no_grad():
            without = replace(rows, previous_gradient=None)
            return _gathers_agree(device) and all(
                _sums_agree(statistics, each, thresholds, has_histograms=has_histograms)
                for each in (rows, without)
                for has_histograms in (False, True)
            )
    except Exception:
        # No compiler, a card that Triton does not know: torch operations do it.
        return False
    finally:
        statistics.has_kernels = False


def _make_rows(device: torch.device) -> tuple[Rows, Thresholds]:
    """Of many scales, with zeros and what is not finite among them, two rows a layer."""
    generator = torch.Generator().manual_seed(1)

    def normal() -> torch.Tensor:
        return torch.randn(_ROWS, _WIDTH, generator=generator)

    scale = 10.0 ** torch.linspace(-9, 0, _ROWS).unsqueeze(1)
    gradient, previous = scale * normal(), scale * normal()
    second = (scale * (0.5 + normal().abs())).square()
    first = 0.3 * normal() * second.sqrt()
    for column in (gradient, previous, first, second):
        column[:, ::7] = 0
        column[1::2, _WIDTH - 100 :] = 0
    gradient[1, 5], gradient[1, 6], previous[1, 8] = float("nan"), float("inf"), float("nan")
    first[1, 9], second[3, 10], second[3, 11] = float("inf"), -1.0, float("nan")
    layer = torch.arange(_ROWS) // (_ROWS // _LAYERS)
    padding = torch.tensor([0.0, 100.0] * _LAYERS)
    ones = torch.ones(_ROWS, device=device)
    epsilon, epsilon_squared = (torch.full((_ROWS, 1), value, device=device) for value in (1e-8, 1e-16))
    return (
        Rows(
            layer.to(device),
            padding.to(device),
            gradient.to(device),
            previous.to(device),
            0.5 * gradient.to(device),
            first.to(device),
            second.to(device),
            ones,
            ones,
        ),
        Thresholds(epsilon, epsilon, epsilon_squared, may_be_zero=False),
    )


def _sums_agree(statistics: Statistics, rows: Rows, thresholds: Thresholds, *, has_histograms: bool) -> bool:
    found = []
    for has_kernels in (False, True):
        statistics.has_kernels = has_kernels
        sums = LayerSums.zeros(_LAYERS, rows.layer.device, has_histograms=has_histograms)
        statistics.add(sums, rows, thresholds)
        if statistics.has_kernels != has_kernels:
            return False
        found.append(sums)
    wanted, given = found
    # The same float32 numbers, added up as float64 in another order.
    if not torch.allclose(given.sums, wanted.sums, rtol=1e-9, atol=0, equal_nan=True):
        return False
    if not torch.equal(given.maxima.nan_to_num(-1), wanted.maxima.nan_to_num(-1)):
        return False
    return all(
        one is None or other is None or torch.equal(one, other)
        for one, other in (
            (given.ratio_slots, wanted.ratio_slots),
            (given.update_slots, wanted.update_slots),
        )
    )


def _gathers_agree(device: torch.device) -> bool:
    """Every third of a tensor from its second element on, in two rows, and none of another."""
    for dtype in fused_rows.READABLE:
        values = torch.randn(4000, device=device).to(dtype)
        rows = fused_rows.gather_rows(
            torch.tensor([values.data_ptr(), 0], device=device),
            torch.tensor([0, 0, 1], dtype=torch.int32, device=device),
            torch.tensor([1, 1 + 3 * _WIDTH, 0], device=device),
            torch.tensor([3, 3, 1], device=device),
            torch.tensor([_WIDTH, 300, 5], dtype=torch.int32, device=device),
            dtype,
            _WIDTH,
        )
        wanted = torch.zeros(3, _WIDTH, device=device)
        wanted.flatten()[: _WIDTH + 300] = values[1::3][: _WIDTH + 300].float()
        if not torch.equal(rows, wanted):
            return False
    return True
