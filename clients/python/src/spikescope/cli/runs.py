"""`spikescope runs`: what is there, as a table or as JSON lines."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any
from urllib.parse import urlencode

from ..transport.connection import Connection

COLUMNS = ("id", "project", "status", "step", "loss", "spikes", "name")


def list_runs(connection: Connection, options: argparse.Namespace) -> int:
    runs: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(runs) < options.limit:
        query = {
            "project": options.project,
            "status": options.status,
            "q": options.query,
            "cursor": cursor,
        }
        given = urlencode({key: value for key, value in query.items() if value is not None})
        outcome = connection.get(f"/api/v1/runs?{given}")
        if not outcome.is_done:
            print(outcome.describe(), file=sys.stderr)
            return 1
        runs.extend(outcome.body["items"])
        cursor = outcome.body.get("nextCursor")
        if cursor is None:
            break
    runs = runs[: options.limit]
    if options.json:
        for run in runs:
            print(json.dumps(run))
        return 0
    rows = [COLUMNS, *(_row(run) for run in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    return 0


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    loss = run.get("lastLoss")
    return (
        str(run["id"]),
        str(run["project"]),
        str(run["status"]),
        "" if run.get("lastStep") is None else str(run["lastStep"]),
        ("not finite" if run.get("isLastLossNonFinite") else "") if loss is None else f"{loss:.4g}",
        str(run.get("spikeCount", "")),
        str(run.get("name", "")),
    )
