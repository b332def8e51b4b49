"""Whether the kernels of fused_rows.py run here, and find what torch operations find."""

from __future__ import annotations

from dataclasses import replace

import torch

from . import fused_norms, fused_rows
from .addresses import TYPE_NUMBERS, Addresses
from .located_moments import MomentTables
from .optimizers import BiasCorrection, Moments
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
            gathers = _gathers_agree(device) and _moments_agree(device) and _norms_agree(device)
            return gathers and all(
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
    """Every third of a tensor from its second element on, in two rows, of each type, and none of another."""
    values = [torch.randn(4000, device=device).to(dtype) for dtype in TYPE_NUMBERS]
    located = Addresses(device).locate("checked", [*values, None])
    assert located is not None
    count = len(values)
    table = _rows_of(
        [(index, *row) for index in range(count) for row in ((1, _WIDTH), (1 + 3 * _WIDTH, 300))]
        + [(count, 0, 5)],
        device,
    )
    wanted = torch.zeros(2 * count + 1, _WIDTH, device=device)
    for index, value in enumerate(values):
        wanted[2 * index : 2 * index + 2].flatten()[: _WIDTH + 300] = value[1::3][: _WIDTH + 300].float()
    return bool(torch.equal(fused_rows.gather_rows(located.table, table, _WIDTH), wanted))


def _moments_agree(device: torch.device) -> bool:
    """Corrected by one number, by numbers of each row, and by steps on the device, one of them skipped."""
    firsts = [torch.randn(1500, device=device).to(dtype) for dtype in (torch.float32, torch.bfloat16)]
    seconds = [torch.rand(1500, device=device) for _ in firsts]
    steps = [torch.tensor(value, device=device) for value in (7.0, 0.0)]
    table = _rows_of([(0, 1, 480), (1, 2, 400), (2, 0, 9)], device)
    betas = (0.9, 0.999)
    moments = [
        Moments(first, second, BiasCorrection(step, betas[0]), BiasCorrection(step, betas[1]))
        for first, second, step in zip(firsts, seconds, steps)
    ]
    tables = MomentTables(Addresses(device), device)
    by_step = tables.locate([*moments, Moments()])
    assert by_step is not None
    of_rows = torch.tensor([[2.0, 3.0], [0.5, 4.0], [1.0, 1.0]], device=device)
    corrected = [[1 / (1 - beta**7) for beta in betas], [1.0, 1.0], [1.0, 1.0]]
    for corrections, scales in (
        (fused_rows.Corrections(of_all=(1.25, 1.5)), [[1.25, 1.5]] * 3),
        (fused_rows.Corrections(of_rows=of_rows), of_rows.tolist()),
        (by_step.corrections, corrected),
    ):
        found = fused_rows.gather_moments(by_step.table, table, corrections, _WIDTH)
        for column, (rows, values) in enumerate(zip(found, (firsts, seconds))):
            wanted = torch.zeros(3, _WIDTH, device=device)
            wanted[0, :480] = values[0][1::3][:480].float() * scales[0][column]
            wanted[1, :400] = values[1][2::3][:400].float() * scales[1][column]
            # A power may be rounded otherwise.
            if not torch.allclose(rows, wanted, rtol=3e-7, atol=0):
                return False
    return True


def _norms_agree(device: torch.device) -> bool:
    """Of several chunks, unaligned, empty, two of one layer, beyond float32's squares, not finite."""
    whole = fused_norms.CHUNK
    values = [torch.randn(2 * whole + 77, device=device).to(dtype) for dtype in TYPE_NUMBERS]
    values += [values[0][3:], values[0][:0], torch.full((9,), 1e25, device=device)]
    values += [torch.full((9,), 1e-30, device=device), torch.tensor([2.0, float("inf")], device=device)]
    values += [torch.tensor([2.0, float("inf"), float("nan")], device=device)]
    layers = [0, 1, 2, 0, 3, 4, 5, 6, 7]
    located = Addresses(device).locate("checked", values)
    assert located is not None
    chunks = fused_norms.Chunks.make(layers, [value.numel() for value in values], device)
    squares, largest = fused_norms.add_norms(located.table, chunks, max(layers) + 1)
    wanted_squares, wanted_largest = torch.zeros_like(squares), torch.zeros_like(largest)
    for layer, value in zip(layers, values):
        if value.numel() > 0:
            wide = value.double()
            wanted_squares[layer] += wide.square().sum()
            wanted_largest[layer] = torch.maximum(wanted_largest[layer], wide.abs().amax().float())
    if not torch.allclose(squares, wanted_squares, rtol=1e-6, atol=0, equal_nan=True):
        return False
    return bool(torch.equal(largest.nan_to_num(-1), wanted_largest.nan_to_num(-1)))


def _rows_of(rows: list[tuple[int, int, int]], device: torch.device) -> fused_rows.RowTable:
    """(tensor, start, count) each, of every third coordinate."""
    tensor, start, count = (list(column) for column in zip(*rows))
    return fused_rows.RowTable(
        torch.tensor(tensor, dtype=torch.int32, device=device),
        torch.tensor(start, device=device),
        torch.full((len(rows),), 3, device=device),
        torch.tensor(count, dtype=torch.int32, device=device),
    )
