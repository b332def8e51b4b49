"""One `Frame` a step, and frames as the binary body of `POST /frames`.

The wire form is columnar: T steps, L layers, B bins, S samples. Frames of one body must
report the same things; `can_share_body` says which do.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .container import Buffer, Tensor, decode_container, encode_container

STANDARD_SCALARS = frozenset(("loss", "learning_rate", "gradient_norm"))
SAMPLE_PARTS = ("gradient", "first_moment", "second_moment")
MAX_BINS = 4096
MAX_SAMPLES = 65_536
# A step that a JavaScript number holds exactly.
MAX_STEP = 2**53 - 1
METRIC_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}\Z")


@dataclass(frozen=True)
class Histogram:
    """Counts of one distribution over the layers of a frame."""

    edges: Buffer  # F32 (B + 1), strictly increasing
    counts: Buffer  # U32 (L, B)
    outside: Buffer  # U32 (L, 4): underflow, overflow, exact zeros, non-finite

    @property
    def bin_count(self) -> int:
        return len(self.edges) // 4 - 1


@dataclass(frozen=True)
class Samples:
    """Raw coordinates from which the worker computes metrics and histograms itself."""

    sample_count: int
    gradient: Buffer  # F32 (L, S)
    first_moment: Buffer  # F32 (L, S), bias-corrected
    second_moment: Buffer  # F32 (L, S), bias-corrected


@dataclass(frozen=True)
class Frame:
    step: int
    wall_time: float | None = None  # Unix seconds
    scalars: Mapping[str, float] = field(default_factory=dict)
    layer_count: int = 0
    layers: Mapping[str, Buffer] = field(default_factory=dict)  # metric → F32 (L,)
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    samples: Samples | None = None

    @property
    def size_bytes(self) -> int:
        """What it takes in memory, for the queue's bound."""
        total = 512 + 128 * len(self.scalars)
        total += sum(128 + len(column) for column in self.layers.values())
        for histogram in self.histograms.values():
            total += 512 + len(histogram.edges) + len(histogram.counts) + len(histogram.outside)
        return total + (3 * len(self.samples.gradient) if self.samples else 0)


def check_frame(frame: Frame) -> None:
    """Raises ValueError naming the field where a frame is not the contract's."""
    if not 0 <= frame.step <= MAX_STEP:
        raise ValueError(f"step: expected a whole number of 0 or more, got {frame.step}")
    for name in (*frame.scalars, *frame.layers, *frame.histograms):
        if METRIC_NAME.match(name) is None:
            raise ValueError(f"{name!r}: expected 1 to 128 characters of A-Z a-z 0-9 _ . : / -")
    for name, column in frame.layers.items():
        _check_length(f"layers.{name}", column, 4 * frame.layer_count)
    for name, histogram in frame.histograms.items():
        if not 1 <= histogram.bin_count <= MAX_BINS:
            raise ValueError(f"histograms.{name}: expected 1 to {MAX_BINS} bins, got {histogram.bin_count}")
        _check_length(
            f"histograms.{name}.counts", histogram.counts, 4 * frame.layer_count * histogram.bin_count
        )
        _check_length(f"histograms.{name}.outside", histogram.outside, 16 * frame.layer_count)
    if frame.samples is not None:
        if not 1 <= frame.samples.sample_count <= MAX_SAMPLES:
            raise ValueError(
                f"samples: expected 1 to {MAX_SAMPLES} a layer, got {frame.samples.sample_count}"
            )
        for part in SAMPLE_PARTS:
            expected = 4 * frame.layer_count * frame.samples.sample_count
            _check_length(f"samples.{part}", getattr(frame.samples, part), expected)


def _check_length(path: str, data: Buffer, expected: int) -> None:
    if len(data) != expected:
        raise ValueError(f"{path}: expected {expected // 4} values, got {len(data) // 4}")


def can_share_body(a: Frame, b: Frame) -> bool:
    """Whether two frames report the same scalars, metrics, histograms and samples."""
    return (
        a.layer_count == b.layer_count
        and (a.wall_time is None) == (b.wall_time is None)
        and a.scalars.keys() == b.scalars.keys()
        and a.layers.keys() == b.layers.keys()
        and a.histograms.keys() == b.histograms.keys()
        and (a.samples is None) == (b.samples is None)
        and (a.samples is None or b.samples is None or a.samples.sample_count == b.samples.sample_count)
        and all(h.edges == b.histograms[name].edges for name, h in a.histograms.items())
    )


def encode_frames(
    frames: Sequence[Frame], *, attempt: int | None = None, layer_offset: int | None = None
) -> bytes:
    """The body of one or more frames, steps ascending, all alike by `can_share_body`."""
    if not frames:
        raise ValueError("expected at least one frame")
    first = frames[0]
    for frame in frames[1:]:
        if not can_share_body(first, frame):
            raise ValueError(f"steps {first.step} and {frame.step} report different things")
    count, layer_count = len(frames), first.layer_count
    tensors: dict[str, Tensor] = {"step": Tensor("I64", (count,), _pack("q", [f.step for f in frames]))}
    if first.wall_time is not None:
        times = [frame.wall_time or 0.0 for frame in frames]
        tensors["wall_time"] = Tensor("F64", (count,), _pack("d", times))
    for name in first.scalars:
        key = name if name in STANDARD_SCALARS else f"scalar/{name}"
        tensors[key] = Tensor("F64", (count,), _pack("d", [frame.scalars[name] for frame in frames]))
    for name in first.layers:
        tensors[f"layer/{name}"] = Tensor(
            "F32", (count, layer_count), _join([frame.layers[name] for frame in frames])
        )
    for name, histogram in first.histograms.items():
        bins = histogram.bin_count
        rows = [frame.histograms[name] for frame in frames]
        tensors[f"histogram/{name}"] = Tensor(
            "U32", (count, layer_count, bins), _join([row.counts for row in rows])
        )
        tensors[f"edges/{name}"] = Tensor("F32", (bins + 1,), histogram.edges)
        tensors[f"outside/{name}"] = Tensor(
            "U32", (count, layer_count, 4), _join([row.outside for row in rows])
        )
    if first.samples is not None:
        shape = (count, layer_count, first.samples.sample_count)
        for part in SAMPLE_PARTS:
            tensors[f"sample/{part}"] = Tensor(
                "F32", shape, _join([getattr(f.samples, part) for f in frames])
            )
    metadata = {}
    if attempt is not None:
        metadata["attempt"] = str(attempt)
    if layer_offset is not None:
        metadata["layer_offset"] = str(layer_offset)
    return encode_container(tensors, metadata)


def decode_frames(body: Buffer) -> tuple[dict[str, str], list[Frame]]:
    """Metadata and frames of a body that `encode_frames` made. Raises ValueError on any other."""
    metadata, tensors = decode_container(body)
    if "step" not in tensors:
        raise ValueError("step: expected a tensor I64 [T]; it is missing")
    steps = _unpack(tensors["step"])
    return metadata, [_slice(tensors, index, int(step)) for index, step in enumerate(steps)]


def _slice(tensors: Mapping[str, Tensor], index: int, step: int) -> Frame:
    scalars: dict[str, float] = {}
    layers: dict[str, Buffer] = {}
    histograms: dict[str, Histogram] = {}
    parts: dict[str, Buffer] = {}
    layer_count = sample_count = 0
    for name, tensor in tensors.items():
        kind, _, rest = name.partition("/")
        if kind in STANDARD_SCALARS and not rest:
            scalars[name] = _unpack(tensor)[index]
        elif kind == "scalar":
            scalars[rest] = _unpack(tensor)[index]
        elif kind == "layer":
            layer_count, layers[rest] = tensor.shape[1], _row(tensor, index)
        elif kind == "histogram":
            layer_count = tensor.shape[1]
            outside = _row(tensors[f"outside/{rest}"], index)
            histograms[rest] = Histogram(tensors[f"edges/{rest}"].data, _row(tensor, index), outside)
        elif kind == "sample":
            layer_count, sample_count = tensor.shape[1], tensor.shape[2]
            parts[rest] = _row(tensor, index)
    wall_time = _unpack(tensors["wall_time"])[index] if "wall_time" in tensors else None
    samples = Samples(sample_count, **parts) if parts else None
    return Frame(step, wall_time, scalars, layer_count, layers, histograms, samples)


def _row(tensor: Tensor, index: int) -> Buffer:
    width = len(tensor.data) // tensor.shape[0]
    return tensor.data[index * width : (index + 1) * width]


def _join(rows: Sequence[Buffer]) -> Buffer:
    return rows[0] if len(rows) == 1 else b"".join(rows)


def _pack(code: str, values: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(values)}{code}", *values)


def _unpack(tensor: Tensor) -> tuple[float, ...]:
    code = {"I64": "q", "F64": "d", "F32": "f"}[tensor.dtype]
    return struct.unpack(f"<{tensor.shape[0]}{code}", tensor.data)
