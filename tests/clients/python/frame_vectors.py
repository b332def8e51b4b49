"""Reads the frames that tests/fixtures/frames/frames.json describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spikescope.wire.buffers import float32_bytes, uint32_bytes
from spikescope.wire.frames import Frame, Histogram, Samples

FRAMES = Path(__file__).parents[2] / "fixtures" / "frames"


def read_vectors() -> list[dict[str, Any]]:
    return json.loads((FRAMES / "frames.json").read_text())


def read_frame(described: dict[str, Any]) -> Frame:
    samples = described.get("samples")
    return Frame(
        step=described["step"],
        wall_time=described["wallTime"],
        scalars={name: float(value) for name, value in described["scalars"].items()},
        layer_count=described["layerCount"],
        layers={name: _floats(values) for name, values in described["layers"].items()},
        histograms={
            name: Histogram(_floats(h["edges"]), uint32_bytes(h["counts"]), uint32_bytes(h["outside"]))
            for name, h in described["histograms"].items()
        },
        samples=None
        if samples is None
        else Samples(
            samples["sampleCount"],
            _floats(samples["gradient"]),
            _floats(samples["firstMoment"]),
            _floats(samples["secondMoment"]),
        ),
    )


def _floats(values: list[Any]) -> bytes:
    return float32_bytes([None if value is None else float(value) for value in values])
