"""A step as a frame of the contract; runs in the outbox's thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .assembly import Step
from .scalars import resolve
from .wire.buffers import float32_bytes, uint32_bytes
from .wire.container import Buffer
from .wire.frames import Frame, Histogram, Samples, check_frame


def make_frame(step: Step, layer_count: int) -> Frame:
    """Waits for what a device still computes. Raises ValueError naming the field."""
    layers: dict[str, Buffer] = {}
    histograms: dict[str, Histogram] = {}
    scalars = resolve(step.scalars)
    samples: Samples | None = None
    if step.capture is not None and layer_count > 0:
        reading = step.capture.read()
        layers.update(reading.layers)
        histograms.update(reading.histograms)
        samples = reading.samples
        for name, value in reading.scalars.items():
            scalars.setdefault(name, value)
    layers.update({name: float32_bytes(values) for name, values in step.layers.items()})
    histograms.update(
        {name: _read_histogram(name, value, layer_count) for name, value in step.histograms.items()}
    )
    frame = Frame(
        step=step.number,
        wall_time=step.wall_time,
        scalars=scalars,
        layer_count=layer_count,
        layers=layers,
        histograms=histograms,
        samples=samples,
    )
    check_frame(frame)
    return frame


def _read_histogram(name: str, value: Any, layer_count: int) -> Histogram:
    if not isinstance(value, Mapping) or "edges" not in value or "counts" not in value:
        raise ValueError(f"histograms.{name}: expected a mapping with edges and counts")
    outside = value.get("outside")
    return Histogram(
        float32_bytes(value["edges"]),
        uint32_bytes(value["counts"]),
        bytes(16 * layer_count) if outside is None else uint32_bytes(outside),
    )
