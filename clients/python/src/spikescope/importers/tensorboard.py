"""TensorBoard's event files: scalars and histograms, of TensorFlow 1 and 2, PyTorch and others.

Messages: Event, Summary, HistogramProto and TensorProto of tensorflow/core (field numbers below).
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from . import protobuf
from .observations import Bins, ImportFault, Observation, Source
from .record_files import Say, read_tfrecords

PATTERN = "*tfevents*"
# Of a summary's value: where its plugin says what a tensor is.
SCALARS, HISTOGRAMS = "scalars", "histograms"
_FLOAT, _DOUBLE, _INT32, _INT64 = 1, 2, 3, 9


def find_runs(path: Path, say: Say) -> list[Source]:
    """A run for each folder with event files below `path`, or the one of a single file."""
    if path.is_file():
        return [_source(path.name, [path], say)]
    folders: dict[Path, list[Path]] = {}
    for file in sorted(path.rglob(PATTERN)):
        if file.is_file():
            folders.setdefault(file.parent, []).append(file)
    if not folders:
        raise ImportFault(f"{path}: expected files named {PATTERN}, found none")
    return [
        _source(path.resolve().name if folder == path else folder.relative_to(path).as_posix(), files, say)
        for folder, files in folders.items()
    ]


def _source(name: str, files: list[Path], say: Say) -> Source:
    # Their names hold the second in which they were begun.
    return Source(name, tuple(partial(read_events, file, say) for file in sorted(files)))


def read_events(path: Path, say: Say) -> Iterator[Observation]:
    # TensorFlow 2 names a tag's plugin with its first value alone.
    plugins: dict[str, str] = {}
    left_out: set[str] = set()
    for record in read_tfrecords(path, say):
        try:
            event = _read_event(record)
        except ValueError as error:
            say(f"{path.name}: an event cannot be read: {error}")
            continue
        values: dict[str, float] = {}
        bins: dict[str, Bins] = {}
        for summary in event.values:
            plugins.setdefault(summary.tag, summary.plugin)
            plugin = plugins[summary.tag]
            try:
                if summary.scalar is not None:
                    values[summary.tag] = summary.scalar
                elif summary.histogram is not None:
                    bins[summary.tag] = _read_histogram(summary.histogram)
                elif summary.tensor is not None and plugin == SCALARS:
                    values[summary.tag] = _Tensor.read(summary.tensor).numbers()[0]
                elif summary.tensor is not None and plugin == HISTOGRAMS:
                    bins[summary.tag] = _tensor_bins(_Tensor.read(summary.tensor))
                else:
                    left_out.add(summary.tag)
            except (ValueError, IndexError) as error:
                say(f"{path.name}: {summary.tag} at step {event.step}: {error}")
        if values or bins:
            yield Observation(event.step, event.wall_time, values, bins)
    if left_out:
        names = ", ".join(sorted(left_out)[:4])
        say(f"{path.name}: {len(left_out)} tags hold no numbers and are left out: {names}")


@dataclass
class _Summary:
    tag: str = ""
    plugin: str = ""
    scalar: float | None = None
    histogram: bytes | None = None
    tensor: bytes | None = None


@dataclass
class _Event:
    step: int = 0
    wall_time: float | None = None
    values: list[_Summary] = field(default_factory=list)


def _read_event(record: bytes) -> _Event:
    event = _Event()
    for number, _, value in protobuf.read_fields(record):
        if number == 1:
            event.wall_time = protobuf.double(value)
        elif number == 2:
            event.step = protobuf.signed(value)
        elif number == 5:
            for inner, _, summary in protobuf.read_fields(protobuf.message(value)):
                if inner == 1:
                    event.values.append(_read_summary(protobuf.message(summary)))
    return event


def _read_summary(data: bytes) -> _Summary:
    summary = _Summary()
    for number, _, value in protobuf.read_fields(data):
        if number == 1:
            summary.tag = protobuf.text(value)
        elif number == 2:
            summary.scalar = protobuf.single(value)
        elif number == 5:
            summary.histogram = protobuf.message(value)
        elif number == 8:
            summary.tensor = protobuf.message(value)
        elif number == 9:
            summary.plugin = _plugin_name(protobuf.message(value))
    return summary


def _plugin_name(metadata: bytes) -> str:
    for number, _, value in protobuf.read_fields(metadata):
        if number == 1:
            for inner, _, name in protobuf.read_fields(protobuf.message(value)):
                if inner == 1:
                    return protobuf.text(name)
    return ""


def _read_histogram(data: bytes) -> Bins:
    minimum = maximum = squares = 0.0
    limits, counts = array("d"), array("d")
    for number, _, value in protobuf.read_fields(data):
        if number == 1:
            minimum = protobuf.double(value)
        elif number == 2:
            maximum = protobuf.double(value)
        elif number == 5:
            squares = protobuf.double(value)
        elif number == 6:
            limits.extend(protobuf.doubles(value))
        elif number == 7:
            counts.extend(protobuf.doubles(value))
    if len(limits) != len(counts):
        raise ValueError(f"expected as many limits as counts, got {len(limits)} and {len(counts)}")
    left = array("d", [minimum, *limits[:-1]]) if limits else array("d")
    # The outer bins of a summary reach to ±1.8e308: no value lies beyond the extremes.
    clip = partial(_clip, minimum, maximum)
    return Bins(array("d", map(clip, left)), array("d", map(clip, limits)), counts, squares, minimum, maximum)


def _clip(low: float, high: float, value: float) -> float:
    return min(max(value, low), high)


def _tensor_bins(tensor: _Tensor) -> Bins:
    """[k, 3]: left, right and count of each bucket."""
    if len(tensor.shape) != 2 or tensor.shape[1] != 3:
        raise ValueError(f"expected a histogram of shape [k, 3], got {list(tensor.shape)}")
    numbers = tensor.numbers()
    return Bins(numbers[0::3], numbers[1::3], numbers[2::3])


@dataclass
class _Tensor:
    kind: int
    shape: tuple[int, ...]
    content: bytes
    # What is written value by value instead; one value may stand for all.
    listed: array[float]

    @classmethod
    def read(cls, data: bytes) -> _Tensor:
        tensor = cls(0, (), b"", array("d"))
        for number, kind, value in protobuf.read_fields(data):
            if number == 1:
                tensor.kind = protobuf.signed(value)
            elif number == 2:
                tensor.shape = _read_shape(protobuf.message(value))
            elif number == 4:
                tensor.content = protobuf.message(value)
            elif number == 5:  # float_val
                tensor.listed.extend(_listed(kind, value, "f"))
            elif number == 6:  # double_val
                tensor.listed.extend(protobuf.doubles(value))
        return tensor

    def numbers(self) -> array[float]:
        """float64, at least one. Raises ValueError where the tensor holds no numbers."""
        if self.content:
            codes = {_FLOAT: "f", _DOUBLE: "d", _INT32: "i", _INT64: "q"}
            code = codes.get(self.kind)
            if code is None:
                raise ValueError(f"tensors of type {self.kind} are not numbers")
            count = len(self.content) // struct.calcsize(code)
            return array("d", struct.unpack(f"<{count}{code}", self.content))
        if not self.listed:
            raise ValueError("the tensor is empty")
        size = 1
        for length in self.shape:
            size *= length
        # The last one that is listed repeats to the end.
        return self.listed + array("d", [self.listed[-1]]) * (size - len(self.listed))


def _listed(kind: int, value: protobuf.Value, code: str) -> array[float]:
    if kind != protobuf.BYTES:
        return array("d", [protobuf.single(value)])
    data = protobuf.message(value)
    return array("d", struct.unpack(f"<{len(data) // 4}{code}", data))


def _read_shape(data: bytes) -> tuple[int, ...]:
    sizes = []
    for number, _, value in protobuf.read_fields(data):
        if number == 2:
            size = [protobuf.signed(v) for n, _, v in protobuf.read_fields(protobuf.message(value)) if n == 1]
            sizes.append(size[0] if size else 0)
    return tuple(sizes)
