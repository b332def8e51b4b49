"""CSV and JSON lines: a row a step, a column a name. Exported histories of W&B are such files."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .observations import ImportFault, Observation, Source, split_where_steps_fall
from .record_files import Say
from .text_logs import open_text, stem
from .wandb_files import observe

STEP_NAMES = ("step", "_step", "Step", "iteration", "iter", "global_step", "trainer/global_step")
TIME_NAMES = ("wall_time", "wallTime", "_timestamp", "timestamp", "Wall time")


@dataclass(frozen=True)
class TableNames:
    """Which column is the step, which the wall time (Unix seconds); None: found by its name."""

    step: str | None = None
    wall_time: str | None = None


def find_csv(path: Path, say: Say, names: TableNames) -> list[Source]:
    return _source(path, partial(_csv_rows, path), say, names)


def find_json_lines(path: Path, say: Say, names: TableNames) -> list[Source]:
    return _source(path, partial(_json_rows, path, say), say, names)


def _source(path: Path, rows: Any, say: Say, names: TableNames) -> list[Source]:
    if path.is_dir():
        raise ImportFault(f"{path}: expected a file, got a folder")
    segments = split_where_steps_fall(_observe_rows(path, rows(), say, names))
    if not segments:
        raise ImportFault(f"{path}: it holds no row with a step and a number")
    return [Source(stem(path), tuple(partial(iter, segment) for segment in segments))]


def _observe_rows(
    path: Path, rows: Iterator[tuple[int, Mapping[str, Any]]], say: Say, names: TableNames
) -> Iterator[Observation]:
    step_name: str | None = None
    for line, row in rows:
        if step_name is None or step_name not in row:
            step_name = _find_step(path, row, names.step)
        step = _read_step(row.get(step_name))
        if step is None:
            say(f"{path.name}, line {line}: {step_name}: expected a whole number, got {row.get(step_name)!r}")
            continue
        time_name = names.wall_time or next((name for name in TIME_NAMES if name in row), None)
        wall_time = row.get(time_name) if time_name is not None else None
        rest = {name: value for name, value in row.items() if name not in (step_name, time_name)}
        observation = observe(rest, step)
        if not isinstance(wall_time, (int, float)) or not math.isfinite(wall_time):
            wall_time = None
        yield Observation(step, wall_time, observation.values, observation.bins)


def _find_step(path: Path, row: Mapping[str, Any], wanted: str | None) -> str:
    candidates = (wanted,) if wanted is not None else STEP_NAMES
    for name in candidates:
        if name in row:
            return name
    there = ", ".join(list(row)[:8])
    raise ImportFault(
        f"{path}: expected a column {' or '.join(repr(name) for name in candidates)} with the step, "
        f"found {there}; name it by “step” in a --map file"
    )


def _read_step(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if math.isfinite(value) and value == int(value) else None


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with open_text(path) as file:
        reader = csv.DictReader(file)
        for row in reader:
            # An empty cell is "not reported"; DictReader keeps surplus cells under None.
            yield (
                reader.line_num,
                {
                    name: _read_cell(cell)
                    for name, cell in row.items()
                    if name is not None and cell not in (None, "")
                },
            )


def _read_cell(cell: str) -> Any:
    try:
        return float(cell)
    except ValueError:
        return cell


def _json_rows(path: Path, say: Say) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with open_text(path) as file:
        for line, text in enumerate(file, 1):
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except ValueError as error:
                say(f"{path.name}, line {line}: {error}; it is left out")
                continue
            if isinstance(row, dict):
                yield line, row
            else:
                say(f"{path.name}, line {line}: expected an object; it is left out")
