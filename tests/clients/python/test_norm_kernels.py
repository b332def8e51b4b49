"""The kernel that reads whole tensors once for their norms and maxima, held to the torch operations."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from kernel_rig import DEVICE, IGNORES_NUMPY, kernels_are_used, randn  # noqa: E402, F401

from spikescope.capture import fused_norms  # noqa: E402
from spikescope.capture.addresses import Addresses  # noqa: E402
from spikescope.capture.whole_norms import largest_magnitudes, square_sums  # noqa: E402

pytestmark = IGNORES_NUMPY


def norms_of(values, layers=None):
    """(Σ x², max |x|) of each layer by the kernel."""
    layers = list(range(len(values))) if layers is None else layers
    located = Addresses(DEVICE).locate("values", values)
    chunks = fused_norms.Chunks.make(layers, [value.numel() for value in values], DEVICE)
    squares, largest = fused_norms.add_norms(located.table, chunks, max(layers) + 1)
    return squares.tolist(), largest.tolist()


def test_norms_are_those_of_the_torch_operations():
    # Whole chunks and what is left of one, at 16 bytes and not, and of all types at once.
    whole = randn(2 * fused_norms.CHUNK + 77)
    values = [
        whole,
        whole[3:],
        whole.bfloat16(),
        whole[1:500].half(),
        randn(1),
        randn(40, 50).t(),
        randn(6, 8, 10, 12)[:, ::2, :, 1:7],
        randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    ]
    squares, largest = norms_of(values)
    wanted = square_sums([value.contiguous() for value in values]).tolist()
    assert squares == pytest.approx(wanted, rel=1e-6)
    assert largest == [float(value) for value in largest_magnitudes(values)]


def test_norms_of_a_layer_of_several_tensors_add_up_and_an_empty_one_adds_nothing():
    values = [randn(700), randn(0), randn(40, seed=2).bfloat16(), randn(3, 5, seed=3)]
    squares, largest = norms_of(values, [2, 0, 2, 3])
    assert squares[:2] == [0, 0] and largest[:2] == [0, 0]
    wide = [value.double() for value in values]
    assert squares[2] == pytest.approx(float(wide[0].square().sum() + wide[2].square().sum()), rel=1e-6)
    assert largest[2] == float(torch.maximum(wide[0].abs().max(), wide[2].abs().max()))
    assert squares[3] == pytest.approx(float(wide[3].square().sum()), rel=1e-6)
    assert norms_of([randn(0)]) == ([0], [0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    ("planted", "squares", "largest"),
    [
        ((math.inf,), math.inf, math.inf),
        ((-math.inf,), math.inf, math.inf),
        ((math.nan,), math.nan, math.nan),
        ((math.inf, math.nan), math.nan, math.nan),
    ],
)
def test_what_is_not_finite_shows_as_in_the_torch_operations(dtype, planted, squares, largest):
    value = randn(5000).to(dtype)
    for index, number in enumerate(planted):
        value[4500 + index] = number
    found = [column[0] for column in norms_of([value])]
    assert found == pytest.approx([squares, largest], nan_ok=True)
    defined = [float(square_sums([value])[0]), float(largest_magnitudes([value])[0])]
    assert found == pytest.approx(defined, nan_ok=True)


@pytest.mark.parametrize("scale", [1e-37, 1e-25, 1e-18, 1e-13, 1e15, 1e19, 1e30])
def test_squares_that_float32_cannot_hold_are_kept(scale):
    value = randn(5000, scale=scale)
    squares, largest = norms_of([value])
    assert squares[0] == pytest.approx(float(value.double().square().sum()), rel=1e-6, abs=0)
    assert largest[0] == float(value.abs().max())


def test_a_coordinate_beyond_two_thousand_million_is_reached():
    # Of a tensor of 2^33 elements only the last chunk exists: the table says that it begins before it.
    count = 2**33 + 100
    chunks = fused_norms.Chunks.make([0, 1], [3, count], DEVICE)
    assert len(chunks.start_of_chunk) == 2 + 2**33 // fused_norms.CHUNK
    assert chunks.start_of_chunk[[0, 1, 2, -1]].tolist() == [0, 0, fused_norms.CHUNK, 2**33]
    assert chunks.tensor_of_chunk[[0, 1, -1]].tolist() == [0, 1, 1]
    tail = randn(100)
    small = randn(3, seed=2)
    table = Addresses(DEVICE).locate("both", [small, tail]).table.clone()
    table[1, 0] -= 4 * 2**33
    last = fused_norms.Chunks(
        chunks.layer, chunks.count, chunks.tensor_of_chunk[-1:], chunks.start_of_chunk[-1:]
    )
    squares, largest = fused_norms.add_norms(table, last, 2)
    assert squares.tolist() == pytest.approx([0, float(tail.double().square().sum())], rel=1e-6)
    assert largest.tolist() == [0, float(tail.abs().max())]
