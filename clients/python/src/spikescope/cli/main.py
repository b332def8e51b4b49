"""`spikescope sync | runs | export | import`. Exit codes: 0 done, 1 not (all of) it, 2 wrong usage."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..settings import DEFAULT_DIRECTORY, DEFAULT_URL
from ..transport.connection import Connection
from ..transport.notices import Notices
from .export import DEFAULT_SERIES, KINDS, export
from .import_runs import FORMATS, import_runs
from .runs import list_runs
from .sync import sync


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _make_parser()
    options = parser.parse_args(arguments)
    try:
        connection = Connection(options.url, token=options.token)
    except ValueError as error:
        parser.error(str(error))
    connection.on_ignored = Notices().say_ignored
    try:
        return int(options.run_command(connection, options))
    except BrokenPipeError:
        # `spikescope export … | head`: the reader has enough. Python would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spikescope", description="Telemetry of training jobs.")
    common = argparse.ArgumentParser(add_help=False)
    environment = os.environ
    common.add_argument("--url", default=environment.get("SPIKESCOPE_URL") or DEFAULT_URL)
    common.add_argument("--token", default=environment.get("SPIKESCOPE_TOKEN") or None)
    commands = parser.add_subparsers(required=True, metavar="command")

    command = commands.add_parser("sync", parents=[common], help="deliver what was kept on disk")
    command.add_argument(
        "directory",
        nargs="?",
        type=Path,
        default=Path(environment.get("SPIKESCOPE_DIR") or DEFAULT_DIRECTORY),
        help="where runs are kept (default: %(default)s)",
    )
    command.add_argument("--run", help="only this run")
    command.add_argument("--as", dest="as_id", help="deliver the run under another id")
    command.add_argument(
        "--timeout", type=float, default=60.0, help="seconds without progress to give up after"
    )
    command.set_defaults(run_command=sync)

    command = commands.add_parser("runs", parents=[common], help="list runs, newest first")
    command.add_argument("--project")
    command.add_argument("--status", choices=("running", "finished", "failed", "stopped"))
    command.add_argument("--query", "-q", help="part of a name, id or tag")
    command.add_argument("--limit", type=int, default=50)
    command.add_argument("--json", action="store_true", help="every field, one run a line")
    command.set_defaults(run_command=list_runs)

    command = commands.add_parser("export", parents=[common], help="write a run's numbers as CSV or JSON")
    command.add_argument("run")
    command.add_argument("--what", choices=KINDS, default="timeline")
    command.add_argument("--series", default=DEFAULT_SERIES, help="of the timeline, with commas between")
    command.add_argument("--metric", default="gradient_norm", help="of series and heatmap")
    command.add_argument("--layer", help="of series: a name or an index")
    command.add_argument("--from-step", type=int)
    command.add_argument("--to-step", type=int)
    command.add_argument("--points", type=int, default=8192, help="at most; fewer steps come one by one")
    command.add_argument("--attempt", default="effective", help="a number, or effective")
    command.add_argument("--format", choices=("csv", "json"), default="csv")
    command.add_argument("--output", "-o", type=Path, help="a file; left out: standard output")
    command.set_defaults(run_command=export)

    command = commands.add_parser(
        "import", parents=[common], help="post what TensorBoard, W&B, Megatron, nanotron or a table recorded"
    )
    command.add_argument("paths", nargs="+", type=Path, metavar="path", help="files, or folders of runs")
    command.add_argument("--format", choices=FORMATS, default="auto")
    command.add_argument("--project", default=environment.get("SPIKESCOPE_PROJECT") or "imported")
    command.add_argument("--id", help="of the run; left out: made of the file's or folder's name")
    command.add_argument("--name")
    command.add_argument("--tag", action="append", help="may be repeated")
    command.add_argument("--map", type=Path, help="a JSON file that says which name is which metric")
    command.add_argument("--dry-run", action="store_true", help="say what would become of each name")
    command.add_argument("--timeout", type=float, default=60.0, help="seconds without an answer")
    command.set_defaults(run_command=import_runs)
    return parser
