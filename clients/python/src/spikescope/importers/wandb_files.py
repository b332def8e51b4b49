"""Runs that W&B kept on disk: `run-ID.wandb`, of offline runs and of others alike.

Messages: Record, RunRecord and HistoryRecord of wandb_internal.proto (field numbers below).
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from . import protobuf
from .observations import Bins, ImportFault, Observation, Source
from .record_files import Say, read_wandb_records

PATTERN = "*.wandb"
_HISTORY, _CONFIG, _RUN, _EXIT = 2, 5, 17, 18


def find_runs(path: Path, say: Say) -> list[Source]:
    """A run for each id: what a resumed run wrote into several files belongs together."""
    files = [path] if path.is_file() else sorted(path.rglob(PATTERN), key=lambda file: file.parent.name)
    if not files:
        raise ImportFault(f"{path}: expected files named {PATTERN}, found none")
    heads: dict[str, list[tuple[Path, _Head]]] = {}
    for file in files:
        try:
            head = _read_head(file)
        except ValueError as error:
            raise ImportFault(str(error)) from None
        heads.setdefault(head.run_id or file.stem, []).append((file, head))
    return [_source(run_id, parts, say) for run_id, parts in heads.items()]


def _source(run_id: str, parts: list[tuple[Path, _Head]], say: Say) -> Source:
    last = parts[-1][1]
    config: dict[str, Any] = {}
    for _, head in parts:
        config.update(head.config)
    # W&B's own notes on versions and machines.
    config.pop("_wandb", None)
    return Source(
        last.name or run_id,
        tuple(partial(read_history, file, say) for file, _ in parts),
        config or None,
        last.tags,
        {None: None, 0: "finished"}.get(last.exit_code, "failed"),
    )


@dataclass
class _Head:
    run_id: str = ""
    name: str = ""
    tags: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None


def _read_head(path: Path) -> _Head:
    head = _Head()
    for record in read_wandb_records(path, lambda said: None):
        for number, _, value in protobuf.read_fields(record):
            if number == _RUN:
                _read_run(protobuf.message(value), head)
            elif number == _CONFIG:
                head.config.update(_read_config(protobuf.message(value)))
            elif number == _EXIT:
                fields = protobuf.read_fields(protobuf.message(value))
                head.exit_code = next((protobuf.signed(v) for n, _, v in fields if n == 1), 0)
    return head


def _read_run(data: bytes, head: _Head) -> None:
    for number, _, value in protobuf.read_fields(data):
        if number == 1:
            head.run_id = protobuf.text(value)
        elif number == 4:
            head.config.update(_read_config(protobuf.message(value)))
        elif number == 8:
            head.name = protobuf.text(value)
        elif number == 10:
            head.tags = (*head.tags, protobuf.text(value))


def _read_config(data: bytes) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for number, _, value in protobuf.read_fields(data):
        if number == 1:
            item = _read_item(protobuf.message(value))
            if item.path:
                _place(config, item.path, item.value)
    return config


@dataclass
class _Item:
    path: tuple[str, ...]
    value: Any


def _read_item(data: bytes) -> _Item:
    """Key, or the parts of a nested one, and value: as JSON, or typed in newer files."""
    key, nested = "", []
    found: Any = None
    for number, _, value in protobuf.read_fields(data):
        if number == 1:
            key = protobuf.text(value)
        elif number == 2:
            nested.append(protobuf.text(value))
        elif number == 4:
            found = bool(protobuf.signed(value))
        elif number == 5:
            found = protobuf.signed(value)
        elif number == 6:
            found = protobuf.double(value)
        elif number == 7:
            found = protobuf.text(value)
        elif number in (8, 16):
            found = json.loads(protobuf.text(value))
    return _Item(tuple(nested) or ((key,) if key else ()), found)


def _place(into: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        inner = into.get(part)
        if not isinstance(inner, dict):
            inner = into[part] = {}
        into = inner
    into[path[-1]] = value


def read_history(path: Path, say: Say) -> Iterator[Observation]:
    counted = -1
    for record in read_wandb_records(path, say):
        for number, _, value in protobuf.read_fields(record):
            if number != _HISTORY:
                continue
            try:
                row, step = _read_row(protobuf.message(value))
            except ValueError as error:
                say(f"{path.name}: a row of the history cannot be read: {error}")
                continue
            counted = counted + 1 if step is None else step
            yield observe(row, counted)


def _read_row(data: bytes) -> tuple[dict[str, Any], int | None]:
    row: dict[str, Any] = {}
    step: int | None = None
    for number, _, value in protobuf.read_fields(data):
        if number == 1:
            item = _read_item(protobuf.message(value))
            if item.path:
                _place(row, item.path, item.value)
        elif number == 2:
            fields = protobuf.read_fields(protobuf.message(value))
            step = next((protobuf.signed(v) for n, _, v in fields if n == 1), 0)
    logged = row.get("_step")
    return row, int(logged) if isinstance(logged, (int, float)) else step


def observe(row: Mapping[str, Any], step: int) -> Observation:
    """One row of a history. Keys that begin with _ are W&B's own; text and media are no numbers."""
    values: dict[str, float] = {}
    bins: dict[str, Bins] = {}
    for name, value in _flatten(row):
        if name.startswith("_"):
            continue
        number = read_number(value)
        if number is not None:
            values[name] = number
        elif isinstance(value, Mapping):
            found = _read_bins(value)
            if found is not None:
                bins[name] = found
    wall_time = row.get("_timestamp")
    return Observation(step, float(wall_time) if isinstance(wall_time, (int, float)) else None, values, bins)


def read_number(value: Any) -> float | None:
    """Numbers and the words that JSON has for those it lacks; None for the rest."""
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if isinstance(value, str):
        words = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
        return words.get(value)
    return None


def _flatten(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, Mapping) and "_type" not in value and not _is_histogram(value):
            yield from _flatten(value, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", value


def _is_histogram(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("bins"), list) and isinstance(value.get("values"), list)


def _read_bins(value: Mapping[str, Any]) -> Bins | None:
    edges, counts = value.get("bins"), value.get("values")
    if not isinstance(edges, list) or not isinstance(counts, list) or len(edges) != len(counts) + 1:
        return None
    limits, heights = _finite(edges), _finite(counts)
    if limits is None or heights is None:
        return None
    return Bins(limits[:-1], limits[1:], heights)


def _finite(values: list[Any]) -> array[float] | None:
    numbers = array("d")
    for value in values:
        number = read_number(value)
        if number is None or not math.isfinite(number):
            return None
        numbers.append(number)
    return numbers
