"""Layers and histograms that a job logs by itself: what is read, and what is left out alone."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

import spikescope
from spikescope.assembly import Step
from spikescope.step_items import StepItems
from spikescope.transport.notices import Notices

EDGES = [-1.0, 0.0, 1.0]


def frame_of(layers=None, histograms=None, *, layer_count=2, is_late=False):
    said: list[str] = []
    items = StepItems(Notices(said.append))
    items.layer_count = layer_count
    step = Step(7, 1.0, {"loss": 2.5}, layers or {}, histograms or {}, is_late=is_late)
    return items.make(step).frame, said


@pytest.mark.parametrize(
    "counts",
    [[1, 2, 3, 4], [[1, 2], [3, 4]], ((1, 2), (3, 4)), struct.pack("<4I", 1, 2, 3, 4)],
)
def test_counts_are_taken_flat_and_in_rows(counts):
    outside = [[0, 0, 5, 0], [0, 0, 0, 6]]
    frame, said = frame_of(histograms={"update": {"edges": EDGES, "counts": counts, "outside": outside}})
    assert said == []
    assert struct.unpack("<4I", frame.histograms["update"].counts) == (1, 2, 3, 4)
    assert struct.unpack("<8I", frame.histograms["update"].outside) == (0, 0, 5, 0, 0, 0, 0, 6)


def test_numpy_rows_are_taken():
    numpy = pytest.importorskip("numpy")
    counts = numpy.array([[1, 2], [3, 4]])
    frame, said = frame_of(
        {"rms": numpy.array([0.5, 0.25])}, {"update": {"edges": numpy.array(EDGES), "counts": counts}}
    )
    assert said == []
    assert struct.unpack("<2f", frame.layers["rms"]) == (0.5, 0.25)
    assert struct.unpack("<4I", frame.histograms["update"].counts) == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([0.5], "expected 2 numbers, one a layer, got 1"),
        ([0.5, "much"], "could not convert"),
        (0.5, "not iterable"),
    ],
)
def test_a_layer_list_that_cannot_be_read_takes_nothing_with_it(values, reason):
    frame, said = frame_of({"rms": values, "gradient_norm": [0.5, None]})
    assert frame.scalars["loss"] == 2.5
    assert list(frame.layers) == ["gradient_norm"]
    assert len(said) == 1
    assert said[0].startswith("layers.rms: ")
    assert reason in said[0]
    assert said[0].endswith("; it is left out")


@pytest.mark.parametrize(
    ("histogram", "reason"),
    [
        ([1, 2], "expected a mapping with edges and counts"),
        ({"edges": EDGES}, "expected a mapping with edges and counts"),
        ({"edges": [1, 0], "counts": [1, 2]}, "rising edges"),
        ({"edges": [0], "counts": []}, "rising edges"),
        ({"edges": EDGES, "counts": [[1, 2]]}, "expected 2 × 2 counts, got 2"),
        ({"edges": EDGES, "counts": [1, 2, 3, 4], "outside": [0] * 4}, "expected 2 × 4 outside, got 4"),
    ],
)
def test_a_histogram_that_cannot_be_read_takes_nothing_with_it(histogram, reason):
    good = {"edges": EDGES, "counts": [1, 2, 3, 4]}
    frame, said = frame_of({"rms": [1, 2]}, {"update": histogram, "ratio": good})
    assert frame.scalars["loss"] == 2.5
    assert list(frame.layers) == ["rms"]
    assert list(frame.histograms) == ["ratio"]
    assert len(said) == 1
    assert reason in said[0]


def test_a_name_that_the_contract_does_not_allow_is_left_out():
    frame, said = frame_of({"a b": [1, 2]})
    assert (frame.scalars["loss"], dict(frame.layers)) == (2.5, {})
    assert "layers.a b: expected 1 to 128 characters" in said[0]


@pytest.mark.parametrize(("layer_count", "is_late"), [(0, False), (2, True)])
def test_layers_without_a_place_leave_the_loss_where_it_is(layer_count, is_late):
    frame, said = frame_of({"rms": [1, 2]}, layer_count=layer_count, is_late=is_late)
    assert (frame.scalars["loss"], dict(frame.layers)) == (2.5, {})
    assert "opened without layers" in said[0]


def test_what_the_readme_shows_arrives(server, monkeypatch):
    monkeypatch.setenv("SPIKESCOPE_URL", server.url)
    monkeypatch.setenv("SPIKESCOPE_RUN_ID", "run-1")
    readme = Path(__file__).parents[3] / "clients/python/README.md"
    [example] = re.findall(r"^```python\n(layers = .*?)^```", readme.read_text("utf-8"), re.M | re.S)
    names = {"spikescope": spikescope}
    exec(example, names)
    assert names["run"].counts.accepted == 1
    assert names["run"].counts.dropped == 0
    assert server.steps("run-1") == [0]
