"""Layers and histograms that a job logs by itself; runs in the outbox's thread.

What cannot be read is said once and left out, so that it takes neither the step's loss nor its
other layers with it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from .assembly import Step
from .transport.notices import Notices
from .wire.buffers import float32_bytes, uint32_bytes
from .wire.frames import MAX_BINS, METRIC_NAME


def read_layer_values(step: Step, layer_count: int, notices: Notices) -> None:
    """Leaves in `step`, as buffers of the wire, what the contract allows."""
    step.layers = _read_all("layers", step.layers, _read_column, layer_count, notices)
    step.histograms = _read_all("histograms", step.histograms, _read_histogram, layer_count, notices)


def _read_all(
    field: str, values: Mapping[str, Any], read: Any, layer_count: int, notices: Notices
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        try:
            if METRIC_NAME.match(name) is None:
                raise ValueError("expected 1 to 128 characters of A-Z a-z 0-9 _ . : / - as its name")
            if layer_count == 0:
                raise ValueError("the run was opened without layers, or this step had been sent already")
            found[name] = read(value, layer_count)
        except Exception as error:
            notices.say(f"{field}.{name}", f"{field}.{name}: {error}; it is left out")
    return found


def _read_column(values: Any, layer_count: int) -> bytes:
    """[layers] float32."""
    column = float32_bytes(values)
    if len(column) != 4 * layer_count:
        raise ValueError(f"expected {layer_count} numbers, one a layer, got {len(column) // 4}")
    return column


def _read_histogram(value: Any, layer_count: int) -> dict[str, bytes]:
    """edges [bins + 1] float32; counts [layers, bins] and outside [layers, 4] uint32, flat or in rows."""
    if not isinstance(value, Mapping) or "edges" not in value or "counts" not in value:
        raise ValueError("expected a mapping with edges and counts")
    edges = float32_bytes(value["edges"])
    rising = struct.unpack(f"<{len(edges) // 4}f", edges)
    bins = len(rising) - 1
    if not 1 <= bins <= MAX_BINS or any(not a < b for a, b in zip(rising, rising[1:])):
        raise ValueError(f"expected 2 to {MAX_BINS + 1} rising edges")
    found = {"edges": edges, "counts": _read_counts("counts", value["counts"], layer_count, bins)}
    if value.get("outside") is not None:
        found["outside"] = _read_counts("outside", value["outside"], layer_count, 4)
    return found


def _read_counts(field: str, values: Any, layer_count: int, width: int) -> bytes:
    """[layers, width] uint32."""
    if isinstance(values, (list, tuple)) and any(hasattr(row, "__len__") for row in values):
        values = [count for row in values for count in row]
    counts = uint32_bytes(values)
    if len(counts) != 4 * layer_count * width:
        raise ValueError(f"expected {layer_count} × {width} {field}, got {len(counts) // 4}")
    return counts
