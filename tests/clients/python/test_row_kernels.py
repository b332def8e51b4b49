"""The kernels that gather rows of moments and add up rows, held to the torch operations."""

from __future__ import annotations

import collections
from dataclasses import replace
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from kernel_rig import DEVICE, IGNORES_NUMPY, kernels_are_used, randn  # noqa: E402, F401

from spikescope.capture import fused_rows, kernel_check  # noqa: E402
from spikescope.capture.addresses import Addresses  # noqa: E402
from spikescope.capture.gather import make_layouts  # noqa: E402
from spikescope.capture.layer_plan import make_layer_plan  # noqa: E402
from spikescope.capture.located_moments import MomentTables  # noqa: E402
from spikescope.capture.moment_reader import gather_moments  # noqa: E402
from spikescope.capture.optimizers import BiasCorrection, Moments  # noqa: E402
from spikescope.capture.statistics import LayerSums, Statistics, Thresholds  # noqa: E402

pytestmark = IGNORES_NUMPY


def test_addresses_are_sent_again_only_when_a_tensor_lies_elsewhere():
    addresses = Addresses(DEVICE)
    first, second = randn(5), randn(6)
    table = addresses.locate("values", [first, None, second]).table
    assert table.tolist() == [[first.data_ptr(), 0], [0, 0], [second.data_ptr(), 0]]
    assert addresses.locate("values", [first, None, second]).table is table
    moved = addresses.locate("values", [first, None, second.bfloat16()]).table
    assert moved is not table and moved[2, 1] == 1
    assert addresses.locate("values", [first, second.double()]) is None


def layout_of(parameters, *, has_kernels: bool):
    named = [(f"layer.{index}", parameter) for index, parameter in enumerate(parameters)]
    plan = make_layer_plan(named, grouping="tensor", max_elements=700, seed=3)
    counts = [parameter.numel() for parameter in parameters]
    (layout,) = make_layouts(plan.tensors, counts, DEVICE, has_kernels=has_kernels)
    return layout


def corrected(kind: str, index: int):
    beta1, beta2 = (0.9, 0.95) if index != 1 else (0.8, 0.999)
    if kind == "alike":
        return 1 / (1 - 0.9**3), 1 / (1 - 0.95**3)
    if kind == "numbers":
        return 1 / (1 - beta1**3), 1 / (1 - beta2**3)
    # One that GradScaler skipped counts no step yet.
    step = torch.tensor(float([4, 100, 0, 100_000][index]), device=DEVICE)
    return BiasCorrection(step, beta1), BiasCorrection(step, beta2)


@pytest.mark.parametrize("kind", ["alike", "numbers", "steps"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_moments_are_gathered_and_corrected_as_by_the_torch_operations(kind, dtype):
    parameters = [randn(30, 40), randn(7), randn(50, 9).t(), randn(2000)]
    moments = [
        Moments(randn(*p.shape, seed=4).to(dtype), randn(*p.shape, seed=5).square(), *corrected(kind, index))
        for index, p in enumerate(parameters)
    ]
    # As of a parameter that the optimizer has not stepped yet.
    moments[1] = Moments()
    located = MomentTables(Addresses(DEVICE), DEVICE).locate(moments)
    found = located.gather(layout_of(parameters, has_kernels=True))
    wanted = gather_moments(layout_of(parameters, has_kernels=False), moments, are_kept=False)
    for rows, others in zip(found, wanted):
        assert torch.isfinite(rows).all() and rows.abs().sum() > 0
        assert torch.allclose(rows, others, rtol=3e-7, atol=0)


def test_moments_of_another_type_are_left_to_torch():
    tables = MomentTables(Addresses(DEVICE), DEVICE)
    wide = randn(5).double()
    assert tables.locate([Moments(wide, wide)]) is None
    step = torch.tensor(3.0, dtype=torch.float64, device=DEVICE)
    narrow = randn(5)
    assert (
        tables.locate([Moments(narrow, narrow, BiasCorrection(step, 0.9), BiasCorrection(step, 0.9))]) is None
    )
    assert tables.locate([Moments(narrow, narrow, step, step)]) is None


@pytest.mark.parametrize("lacks", [(), ("first",), ("first", "second"), ("previous_gradient",)])
@pytest.mark.parametrize("epsilon", [1e-8, 0.0])
def test_rows_of_any_optimizer_add_up_as_by_the_torch_operations(lacks, epsilon):
    rows, thresholds = kernel_check._make_rows(DEVICE)
    rows = replace(rows, **dict.fromkeys(lacks))
    column = torch.full_like(thresholds.epsilon, epsilon)
    thresholds = Thresholds(column, column, column * column, may_be_zero=epsilon == 0)
    statistics = Statistics(0.9, 0.95, DEVICE)
    assert kernel_check._sums_agree(statistics, rows, thresholds, has_histograms=epsilon == 0)


def test_no_optimizer_needs_a_kernel_of_its_own(monkeypatch):
    constants = []

    def note(*arguments, **options):
        constants.append((options, [getattr(each, "dtype", type(each)) for each in arguments]))

    monkeypatch.setattr(
        fused_rows, "row_kernels", SimpleNamespace(add_rows=collections.defaultdict(lambda: note))
    )
    statistics = Statistics(0.9, 0.95, DEVICE)
    statistics.has_kernels = True
    rows, thresholds = kernel_check._make_rows(DEVICE)
    for lacks in (
        (),
        ("first", "has_first"),
        ("first", "has_first", "second", "has_second"),
        ("previous_gradient",),
    ):
        for may_be_zero in (False, True):
            sums = LayerSums.zeros(3, DEVICE, has_histograms=may_be_zero)
            statistics.add(
                sums, replace(rows, **dict.fromkeys(lacks)), replace(thresholds, may_be_zero=may_be_zero)
            )
    # Compiling one takes a second, and the loop would wait for it in the middle of a training.
    assert len(constants) == 8
    assert all(each == constants[0] for each in constants)
