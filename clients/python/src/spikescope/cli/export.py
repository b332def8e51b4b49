"""`spikescope export`: a run's timeline, one layer's series, or its heatmap as CSV or JSON."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from typing import Any, TextIO
from urllib.parse import quote, urlencode

from ..transport.connection import Connection

# Of a run that has but one of them, that one.
DEFAULT_SERIES = "loss,gradient_norm"
KINDS = ("timeline", "series", "heatmap")
BUCKET = ("fromStep", "toStep", "min", "max", "mean", "nonFiniteCount")


class ExportError(Exception):
    """Meant to be printed as it is."""


def export(connection: Connection, options: argparse.Namespace) -> int:
    try:
        reply = _read(connection, options)
        if options.output is None:
            _write(sys.stdout, reply, options)
        else:
            with open(options.output, "w", newline="", encoding="utf-8") as file:
                _write(file, reply, options)
    except ExportError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"{options.output}: {error}", file=sys.stderr)
        return 1
    return 0


def _read(connection: Connection, options: argparse.Namespace) -> Any:
    run = f"/api/v1/runs/{quote(options.run, safe='')}"
    query: dict[str, Any] = {"attempt": options.attempt}
    if options.from_step is not None:
        query["fromStep"] = options.from_step
    if options.to_step is not None:
        query["toStep"] = options.to_step
    if options.what == "timeline":
        if options.series != DEFAULT_SERIES:
            _check_names(connection, run, "--series", options.series.split(","), "scalars")
        query |= {"series": options.series, "points": options.points}
        return _get(connection, f"{run}/timeline", query)
    _check_names(connection, run, "--metric", [options.metric], "layerMetrics")
    if options.what == "heatmap":
        query |= {"metric": options.metric, "columns": options.points}
        return _get(connection, f"{run}/heatmap", query)
    if options.layer is None:
        raise ExportError("--what series needs --layer, a name or an index")
    index = _find_layer(connection, run, options.layer)
    query |= {"metric": options.metric, "points": options.points}
    return _get(connection, f"{run}/layers/{index}/series", query)


def _check_names(connection: Connection, run: str, option: str, names: list[str], kind: str) -> None:
    """A name that no step reported would be a table of empty cells."""
    known = _get(connection, f"{run}/metrics", {})[kind]
    missing = [name for name in names if name not in known]
    if missing:
        raise ExportError(f"{option} {', '.join(missing)}: the run has {', '.join(known) or 'none'}")


def _find_layer(connection: Connection, run: str, layer: str) -> int:
    layers = _get(connection, run, {})["layers"]
    for candidate in layers:
        if candidate["name"] == layer or str(candidate["index"]) == layer:
            return int(candidate["index"])
    names = ", ".join(candidate["name"] for candidate in layers[:8])
    raise ExportError(f"layer {layer!r}: the run has {len(layers)} layers: {names} …")


def _get(connection: Connection, path: str, query: dict[str, Any]) -> Any:
    outcome = connection.get(f"{path}?{urlencode(query)}", timeout=120.0)
    if not outcome.is_done:
        raise ExportError(outcome.describe())
    return outcome.body


def _write(file: TextIO, reply: Any, options: argparse.Namespace) -> None:
    if options.format == "json":
        json.dump(reply, file)
        file.write("\n")
        return
    # Of the csv module's line ends, the one that other tools make.
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows(_rows(reply, options))


def _rows(reply: Any, options: argparse.Namespace) -> Iterable[list[Any]]:
    """Empty cells are gaps: nothing was reported, or nothing finite."""
    if options.what == "timeline":
        yield ["series", *BUCKET]
        for series in reply["series"]:
            for bucket in _buckets(series):
                yield [series["name"], *bucket]
    elif options.what == "series":
        yield list(BUCKET)
        yield from _buckets(reply)
    else:
        yield ["layer", "fromStep", "toStep", "value", "nonFiniteCount"]
        columns = list(zip(reply["fromStep"], reply["toStep"]))
        for layer, values in enumerate(reply["values"]):
            for (first, last), value, non_finite in zip(columns, values, reply["nonFiniteCount"][layer]):
                yield [layer, first, last, value, non_finite]


def _buckets(series: Any) -> Iterable[list[Any]]:
    for bucket in series["points"]:
        yield [bucket[name] for name in BUCKET]
