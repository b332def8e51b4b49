"""`spikescope sync`: delivers what earlier processes kept on disk, in the order it happened."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from ..settings import SPOOL_BYTES
from ..transport.connection import Connection
from ..transport.drain import drain_kept
from ..transport.kept_run import KeptRun, find_kept_runs
from ..transport.notices import Notices

# Progress is said this often, in seconds.
SAY_EVERY = 5.0


def sync(connection: Connection, options: argparse.Namespace) -> int:
    directory: Path = options.directory
    folders = list(find_kept_runs(directory, options.run))
    if options.as_id is not None and len({folder.parent for folder in folders}) > 1:
        print("--as needs one run: name it with --run", file=sys.stderr)
        return 2
    if not folders:
        print(f"nothing is kept in {directory}")
        return 0
    failed = 0
    for folder in folders:
        if not _deliver(connection, folder, options):
            failed += 1
    return 1 if failed else 0


def _deliver(connection: Connection, folder: Path, options: argparse.Namespace) -> bool:
    kept = KeptRun(folder, max_bytes=SPOOL_BYTES)
    name = folder.parent.name
    if not kept.lock():
        print(f"{name}: its job is still running and delivers by itself")
        return True
    said = time.monotonic()

    def say(delivered: int) -> None:
        nonlocal said
        if time.monotonic() - said >= SAY_EVERY:
            said = time.monotonic()
            print(f"{name}: {delivered} steps delivered", flush=True)

    try:
        counts, problem = drain_kept(
            kept,
            connection,
            notices=Notices(lambda message: print(f"{name}: {message}", file=sys.stderr)),
            patience=options.timeout,
            as_id=options.as_id,
            on_progress=say,
        )
    except (OSError, ValueError, KeyError) as error:
        print(f"{name}: {folder} cannot be read: {error}", file=sys.stderr)
        kept.release()
        return False
    summary = f"{counts.accepted} steps delivered, {counts.duplicates} were there"
    if counts.rejected or counts.dropped:
        summary += f", {counts.rejected} rejected, {counts.dropped} dropped"
    if problem is None:
        print(f"{name}: {summary}")
        kept.remove()
        return True
    print(f"{name}: {summary}; not done: {problem}", file=sys.stderr)
    kept.release()
    return False
