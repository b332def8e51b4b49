"""`spikescope import`: runs that TensorBoard, W&B, Megatron, nanotron or a table recorded."""

from __future__ import annotations

import argparse
import re
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..importers import tables, tensorboard, text_logs, wandb_files
from ..importers.observations import ImportFault, Source, collect
from ..importers.plan import NameMapping, is_clock, make_plan, read_mapping
from ..importers.post import Patience, Poster, RunNames, Tally
from ..importers.record_files import WANDB_HEADER
from ..transport.connection import Connection

FORMATS = ("auto", "tensorboard", "wandb", "megatron", "nanotron", "csv", "jsonl")
# Progress is said this often, in seconds.
SAY_EVERY = 5.0
SAID_PROBLEMS = 3


def import_runs(connection: Connection, options: argparse.Namespace) -> int:
    try:
        mapping = read_mapping(options.map) if options.map is not None else NameMapping()
        sources = [source for path in options.paths for source in _find(path, options.format, mapping)]
        if options.id is not None and len(sources) > 1:
            names = ", ".join(source.name for source in sources[:4])
            print(f"--id names one run, and there are {len(sources)}: {names}", file=sys.stderr)
            return 2
    except (ImportFault, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    failed = 0
    for source in sources:
        try:
            if not _import_one(connection, source, mapping, options):
                failed += 1
        except (ImportFault, OSError) as error:
            print(f"{source.name}: {error}", file=sys.stderr)
            failed += 1
    return 1 if failed else 0


def _import_one(
    connection: Connection, source: Source, mapping: NameMapping, options: argparse.Namespace
) -> bool:
    said: set[str] = set()

    def say(message: str) -> None:
        if message not in said:
            said.add(message)
            print(f"{source.name}: {message}", file=sys.stderr)

    recording = collect(source, lambda name: is_clock(mapping, name))
    plan = make_plan(recording, mapping, say)
    if recording.left_out:
        say(f"{recording.left_out} observations have no step of 0 or more; they are left out")
    if not plan.values and not plan.bins:
        say("nothing in it is a number")
        return False
    steps = sum(len(attempt.steps()) for attempt in recording.attempts)
    if options.dry_run:
        attempts, layers = len(recording.attempts), len(plan.layers)
        print(f"{source.name}: {steps:,} steps in attempts {attempts}, {layers} layers")
        for name, place in {**plan.values, **plan.bins}.items():
            where = "" if place.layer is None else f" of layer {plan.layers[place.layer]}"
            print(f"  {name} → {place.target}{where}")
        return True
    names = RunNames(
        project=options.project,
        id=options.id or run_id_of(source.name),
        name=options.name or source.name,
        tags=(*source.tags, *(options.tag or ())),
    )
    spoken = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal spoken
        if time.monotonic() - spoken >= SAY_EVERY:
            spoken = time.monotonic()
            print(f"{names.id}: {done:,} of {total:,} steps", flush=True)

    poster = Poster(connection, say=say, on_progress=progress, patience=Patience(options.timeout))
    tally = poster.post(recording, plan, names)
    _report(names, tally)
    return tally.rejected == 0


def _report(names: RunNames, tally: Tally) -> None:
    if tally.was_there:
        print(f"{names.id}: is there and has ended; nothing to do. {tally.url}".rstrip())
        return
    print(
        f"{names.id}: {tally.steps:,} steps, attempts {tally.attempts}: {tally.accepted:,} accepted, "
        f"{tally.duplicates:,} were there, {tally.rejected:,} rejected. {tally.url}"
    )
    for problem in tally.problems[:SAID_PROBLEMS]:
        print(f"{names.id}: {problem}", file=sys.stderr)


def _find(path: Path, format: str, mapping: NameMapping) -> Sequence[Source]:
    if not path.exists():
        raise ImportFault(f"{path}: there is no such file or folder")
    kind = recognise(path) if format == "auto" else format

    def say(message: str) -> None:
        print(message, file=sys.stderr)

    if kind == "tensorboard":
        return tensorboard.find_runs(path, say)
    if kind == "wandb":
        return wandb_files.find_runs(path, say)
    if kind in ("megatron", "nanotron"):
        return text_logs.find_runs(path, say)
    names = tables.TableNames(mapping.step, mapping.wall_time)
    return (tables.find_csv if kind == "csv" else tables.find_json_lines)(path, say, names)


def recognise(path: Path) -> str:
    """The format by names and first bytes; raises ImportFault where neither says it."""
    if path.is_dir():
        if next(path.rglob(tensorboard.PATTERN), None) is not None:
            return "tensorboard"
        if next(path.rglob(wandb_files.PATTERN), None) is not None:
            return "wandb"
        raise ImportFault(f"{path}: expected a folder with event files of TensorBoard or run files of W&B")
    name = path.name[: -len(".gz")] if path.suffix == ".gz" else path.name
    with path.open("rb") as file:
        if file.read(len(WANDB_HEADER)) == WANDB_HEADER:
            return "wandb"
    if "tfevents" in name:
        return "tensorboard"
    if name.endswith(".csv"):
        return "csv"
    if name.endswith((".jsonl", ".ndjson")):
        return "jsonl"
    if next(text_logs.read_log(path), None) is not None:
        return "megatron"
    raise ImportFault(f"{path}: its format is not known; name it by --format {{{','.join(FORMATS[1:])}}}")


def run_id_of(name: str) -> str:
    """The same for the same name, so that importing again finds the run."""
    clean = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:128]
    return clean or f"import-{secrets.token_hex(4)}"
