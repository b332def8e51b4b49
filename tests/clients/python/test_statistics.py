"""What a device computes, held to the worker's numbers and to NumPy's on the same samples."""

from __future__ import annotations

import gzip
import json
import math
import struct
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from spikescope.capture.edges import (  # noqa: E402
    float32_at_or_above,
    float32_with_root_at_or_above,
    ratio_bound,
    ratio_edges,
    update_edges,
)
from spikescope.capture.readings import Edges, layer_metrics, read_statistics  # noqa: E402
from spikescope.capture.statistics import LayerSums, Rows, Statistics, Thresholds  # noqa: E402
from spikescope.wire.buffers import MISSING_FLOAT32_BITS  # noqa: E402
from spikescope.wire.frames import decode_frames  # noqa: E402

FIXTURES = Path(__file__).parents[2] / "fixtures"
REFERENCE = json.loads((FIXTURES / "statistics" / "statistics.json").read_text())
# Float32 arithmetic on the device against float64 in the worker; sums are float64 in both.
TOLERANCE = 2e-6


def recorded():
    body = gzip.decompress((FIXTURES / "recorded" / "B_samples.safetensors.gz").read_bytes())
    _, frames = decode_frames(body)
    return {f"recorded {frame.step}": frame for frame in frames}


RECORDED = recorded()


def read_samples(described: dict):
    """g, m, v and the g of the step before, (L, S) each."""
    shape = (described["layerCount"], described["sampleCount"])
    frame = RECORDED.get(described["name"])
    if frame is None:
        names = ("gradient", "firstMoment", "secondMoment", "previousGradient")
        return [torch.tensor([float(x) for x in described[name]]).view(shape) for name in names]
    names = list(RECORDED)
    position = names.index(described["name"])
    previous = RECORDED[names[position - 1]].samples.gradient if position > 0 else None
    buffers = [frame.samples.gradient, frame.samples.first_moment, frame.samples.second_moment, previous]
    return [
        None if data is None else torch.frombuffer(bytearray(data), dtype=torch.float32).view(shape)
        for data in buffers
    ]


def compute(described: dict, *, row_width: int | None = None, padding: int = 0) -> LayerSums:
    samples = read_samples(described)
    layer_count, sample_count = described["layerCount"], described["sampleCount"]
    width = row_width or sample_count
    rows_of_layer = -(-sample_count // width)
    filler = rows_of_layer * width - sample_count + padding

    def rows(values):
        if values is None:
            return None
        padded = torch.nn.functional.pad(values, (0, filler))
        return padded.reshape(layer_count * rows_of_layer, -1)

    layer = torch.arange(layer_count).repeat_interleave(rows_of_layer)
    fill = torch.zeros(layer_count, rows_of_layer)
    fill[:, -1] = filler
    g, m, v, p = (rows(values) for values in samples)
    ones = torch.ones(len(layer))
    epsilon = described["epsilon"]

    def column(value):
        return torch.full((len(layer), 1), value)

    thresholds = Thresholds(
        column(epsilon),
        column(float32_at_or_above(epsilon)),
        column(float32_with_root_at_or_above(epsilon)),
        may_be_zero=epsilon == 0,
    )
    sums = LayerSums.zeros(layer_count, torch.device("cpu"), has_histograms=True)
    statistics = Statistics(described["beta1"], described["beta2"], torch.device("cpu"))
    statistics.add(sums, Rows(layer, fill.flatten(), g, p, g, m, v, ones, ones), thresholds)
    return sums


@pytest.mark.parametrize("described", REFERENCE["samples"], ids=lambda d: d["name"])
@pytest.mark.parametrize("row_width", [None, 50, 1024])
def test_every_metric_is_the_workers(described, row_width):
    sums = compute(described, row_width=row_width)
    counts = torch.full((described["layerCount"],), 4.0 * described["sampleCount"], dtype=torch.float64)
    reading = read_statistics(sums, counts, Edges(0.9, 0.95), scalars={}, samples=None)
    for name, expected in described["metrics"].items():
        if all(value == "missing" for value in expected):
            assert name not in reading.layers
            continue
        bits = struct.unpack(f"<{len(expected)}I", reading.layers[name])
        values = struct.unpack(f"<{len(expected)}f", reading.layers[name])
        for layer, (value, wanted) in enumerate(zip(values, expected)):
            where = f"{name} of layer {layer}"
            if wanted == "missing":
                assert bits[layer] == MISSING_FLOAT32_BITS, where
            else:
                # A mean is what is left of terms near 1, each rounded to float32.
                absolute = 2e-7 if name == "update_mean" else 1e-12
                near = pytest.approx(float(wanted), rel=TOLERANCE, abs=absolute, nan_ok=True)
                assert value == near, where
    assert set(reading.layers) == {
        name for name, column in described["metrics"].items() if any(value != "missing" for value in column)
    }


@pytest.mark.parametrize("described", REFERENCE["samples"], ids=lambda d: d["name"])
def test_both_histograms_are_the_workers(described):
    sums = compute(described, row_width=96)
    for name, slots in (("ratio", sums.ratio_slots), ("update", sums.update_slots)):
        expected = described["histograms"][name]
        bins = slots.shape[1] - 4
        wanted = torch.zeros(described["layerCount"] * bins, dtype=torch.int32)
        for position, count in expected["counts"]:
            wanted[position] = count
        off = (slots[:, 1:-3].flatten() - wanted).abs()
        # A ratio that float32 rounds across an edge lands in the bin beside it.
        assert off.sum() <= 2e-5 * wanted.sum() + (0 if described["name"].startswith("hostile") else 2), name
        outside = torch.cat((slots[:, :1], slots[:, -3:]), dim=1).flatten()
        assert outside.tolist() == expected["outside"], name


def test_the_recorded_metrics_are_numpys():
    expected = json.loads((FIXTURES / "recorded" / "B_samples.expected.json").read_text())
    by_name = {described["name"]: described for described in REFERENCE["samples"]}
    described = by_name["recorded 317"]
    counts = torch.full((described["layerCount"],), float(described["sampleCount"]), dtype=torch.float64)
    columns = layer_metrics(compute(described), counts)
    # The first tensor of the samples is the token embedding.
    for name, value in expected["values"]["transformer.wte.weight@317"].items():
        assert columns[name][0].item() == pytest.approx(value, rel=1e-5), name


def test_padding_counts_as_nothing():
    described = next(d for d in REFERENCE["samples"] if d["name"] == "recorded 317")
    plain, padded = compute(described), compute(described, padding=777)
    assert torch.equal(plain.ratio_slots, padded.ratio_slots)
    assert torch.equal(plain.update_slots, padded.update_slots)
    assert torch.allclose(plain.sums, padded.sums, rtol=1e-12, equal_nan=True)


@pytest.mark.parametrize("described", REFERENCE["edges"], ids=lambda d: f"{d['beta1']},{d['beta2']}")
def test_edges_are_the_workers_to_the_bit(described):
    ratio = struct.unpack("<129I", ratio_edges(described["beta1"], described["beta2"]).tobytes())
    assert list(ratio) == [bits if bits != 2147483648 else 0 for bits in described["ratio"]]
    assert list(struct.unpack("<419I", update_edges().tobytes())) == described["update"]


def test_the_bound_of_r_is_that_of_the_betas():
    known = {(0.9, 0.95): 1.165, (0.9, 0.98): 1.698, (0.9, 0.99): 2.345, (0.9, 0.999): 7.270}
    for betas, bound in known.items():
        assert ratio_bound(*betas) == pytest.approx(bound, abs=5e-4)
    assert ratio_bound(0.9, 0.81) is None
    assert ratio_bound(0.9, 1.0) is None


@pytest.mark.parametrize("value", [0.0, 1e-8, 1e-5, 0.01, 1e-30, 1e-45, 3.0, 0.1])
def test_thresholds_compare_float32_as_float64_would(value):
    at_or_above = float32_at_or_above(value)
    below = math.nextafter(at_or_above, -math.inf)
    assert at_or_above >= value
    assert value == 0 or struct.unpack("<f", struct.pack("<f", below))[0] >= value or below < value
    root = float32_with_root_at_or_above(value)
    assert math.sqrt(root) >= value
    if root > 0:
        (bits,) = struct.unpack("<I", struct.pack("<f", root))
        (previous,) = struct.unpack("<f", struct.pack("<I", bits - 1))
        assert math.sqrt(previous) < value
