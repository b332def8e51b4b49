"""Logs that trainers print: a line an iteration, `name: value` between bars.

Megatron-LM and its descendants   iteration  100/ 500 | consumed samples: 25600 | lm loss: 7.1E+00 | …
nanotron                          iteration: 100 / 500 | consumed_tokens: 26.2M | lm_loss: 7.12 | …
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import IO

from .observations import ImportFault, Observation, Source, split_where_steps_fall
from .record_files import Say

_ITERATION = re.compile(r"\biteration:?\s+([\d.]+[KMBT]?)\s*/\s*[\d.]+[KMBT]?\s*\|(.*)", re.DOTALL)
_FIELD = re.compile(r"^\s*([A-Za-z][^:|]*?)\s*:\s*([-+]?(?:[\d.]+(?:[eE][-+]?\d+)?|nan|inf)[KMBGT]?)\b[^|]*$")
_SUFFIX = {"K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12}
# "2024-03-01 12:00:05" of Megatron, "03/01/2024 12:00:05" of nanotron.
_TIMES = (
    (re.compile(r"\b(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)"), "%Y-%m-%d %H:%M:%S"),
    (re.compile(r"\b(\d\d/\d\d/\d{4} \d\d:\d\d:\d\d)"), "%m/%d/%Y %H:%M:%S"),
)


def find_runs(path: Path, say: Say) -> list[Source]:
    if path.is_dir():
        raise ImportFault(f"{path}: expected a log file, got a folder")
    segments = split_where_steps_fall(read_log(path))
    if not segments:
        raise ImportFault(
            f"{path}: expected lines with “iteration N / M | name: value | …” as Megatron and nanotron "
            "print them, found none"
        )
    return [Source(stem(path), tuple(partial(iter, segment) for segment in segments))]


def read_log(path: Path) -> Iterator[Observation]:
    with open_text(path) as file:
        for line in file:
            observation = read_line(line)
            if observation is not None:
                yield observation


def read_line(line: str) -> Observation | None:
    """What a line says of its iteration; None for lines of another kind."""
    found = _ITERATION.search(line)
    if found is None:
        return None
    values: dict[str, float] = {}
    for part in found[2].split("|"):
        field = _FIELD.match(part)
        if field is not None:
            values[field[1].strip()] = read_amount(field[2])
    if not values:
        return None
    return Observation(int(read_amount(found[1])), _read_time(line[: found.start()]), values)


def read_amount(text: str) -> float:
    """A number as people read it: 1.64K, 32.8M, 7.1E+00, nan."""
    factor = _SUFFIX.get(text[-1:], 1.0)
    return float(text[:-1] if factor != 1.0 else text) * factor


def _read_time(text: str) -> float | None:
    """Unix seconds of what precedes the iteration; logs do not name a zone, so it is read as UTC."""
    for pattern, layout in _TIMES:
        found = pattern.search(text)
        if found is not None:
            try:
                moment = datetime.strptime(found[1].replace("T", " "), layout)
            except ValueError:
                return None
            return moment.replace(tzinfo=timezone.utc).timestamp()
    return None


def open_text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", errors="replace")
    return path.open(encoding="utf-8", errors="replace")


def stem(path: Path) -> str:
    name = path.name[: -len(".gz")] if path.suffix == ".gz" else path.name
    return name.rpartition(".")[0] or name
