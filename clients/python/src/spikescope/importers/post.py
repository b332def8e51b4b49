"""Posts a recording. Posting it again changes nothing; what was cut off is completed."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable
from urllib.parse import quote

from ..layers import LayerInfo
from ..scalars import json_config
from ..transport.backoff import backoff
from ..transport.connection import JSON_TYPE, SAFETENSORS_TYPE, Connection, Outcome
from ..wire.frames import STANDARD_SCALARS, Frame, can_share_body, encode_frames
from .frames import make_frames
from .observations import ImportFault, Recording
from .plan import Plan
from .record_files import Say

# Of a request: far below what the server takes, enough that its commits do not count.
BATCH_FRAMES = 256
BATCH_BYTES = 4 * 1024 * 1024
# Alike frames go as columns; so few of them together are no gain over JSON.
ALIKE = 8
JSON_NAMES = {"loss": "loss", "learning_rate": "learningRate", "gradient_norm": "gradientNorm"}


@dataclass(frozen=True)
class RunNames:
    project: str
    id: str
    name: str | None = None
    tags: tuple[str, ...] = ()


@dataclass
class Tally:
    steps: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    attempts: int = 0
    url: str = ""
    was_there: bool = False
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Patience:
    """Seconds without an answer after which posting gives up, and the clock they are of."""

    seconds: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic


class Poster:
    def __init__(
        self,
        connection: Connection,
        *,
        say: Say,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        patience: Patience | None = None,
    ) -> None:
        self._connection = connection
        self._say = say
        self._on_progress = on_progress
        self._patience = patience or Patience()

    def post(self, recording: Recording, plan: Plan, names: RunNames) -> Tally:
        """Raises ImportFault where the run cannot be opened or the server stays away."""
        known = self._find(names.id)
        tally = Tally(url=str(known["url"]) if known and "url" in known else "")
        total = sum(len(attempt.steps()) for attempt in recording.attempts)
        if known is not None and known.get("status") != "running":
            tally.was_there = True
            return tally
        for index, attempt in enumerate(recording.attempts):
            number = self._open(recording, plan, names, index, known, tally)
            tally.attempts += 1
            for batch in _batches(make_frames(attempt, plan)):
                self._send(names.id, number, batch, tally)
                tally.steps += len(batch)
                self._on_progress(tally.steps, total)
        status = {"status": recording.source.status or "finished"}
        self._must(lambda: self._connection.post_json(f"{_path(names.id)}/finish", status))
        return tally

    def _find(self, run_id: str) -> Any:
        outcome = self._repeat(lambda: self._connection.get(_path(run_id)))
        if outcome.is_done:
            return outcome.body
        if outcome.code == "run_not_found":
            return None
        raise ImportFault(outcome.describe())

    def _open(
        self, recording: Recording, plan: Plan, names: RunNames, index: int, known: Any, tally: Tally
    ) -> int:
        """The attempt's number on the server."""
        first = recording.attempts[index].first_step
        body: dict[str, Any] = {
            "project": names.project,
            "id": names.id,
            "optimizer": {"name": "unknown"},
            "layers": [
                LayerInfo(name, plan.parameter_counts.get(number, 1)).to_json()
                for number, name in enumerate(plan.layers)
            ],
        }
        if names.name is not None:
            body["name"] = names.name[:256]
        if names.tags:
            body["tags"] = list(names.tags)
        config = json_config(recording.source.config, lambda _, text: self._say(text))
        if config:
            body["config"] = config
        attempts = known.get("attempts", []) if known else []
        was = attempts[index] if index < len(attempts) else None
        if index > 0 and was is not None and was.get("resumeFromStep") != first:
            raise ImportFault(
                f"run {names.id!r} is there with an attempt from step {was.get('resumeFromStep')}, where "
                f"this recording restarts at {first}: import it under another --id"
            )
        if index > 0 and was is None:
            body["resumeFromStep"] = first
        reply = self._must(lambda: self._connection.post_json("/api/v1/runs", body)).body
        tally.url = str(reply["url"])
        return int(was["attempt"]) if was is not None else int(reply["attempt"])

    def _send(self, run_id: str, attempt: int, frames: Sequence[Frame], tally: Tally) -> None:
        for body, kind, part in _bodies(frames, attempt):
            post = partial(self._connection.post, f"{_path(run_id)}/frames", body, kind)
            outcome = self._repeat(post)
            if outcome.kind == "too_large" and len(part) > 1:
                middle = len(part) // 2
                self._send(run_id, attempt, part[:middle], tally)
                self._send(run_id, attempt, part[middle:], tally)
                continue
            if not outcome.is_done:
                raise ImportFault(f"steps {part[0].step} to {part[-1].step}: {outcome.describe()}")
            reply = outcome.body
            tally.accepted += int(reply["accepted"])
            tally.duplicates += int(reply["duplicates"])
            for rejected in reply["rejected"]:
                tally.rejected += 1
                tally.problems.append(f"step {rejected['step']}: {rejected['message']} ({rejected['code']})")

    def _must(self, ask: Callable[[], Outcome]) -> Outcome:
        outcome = self._repeat(ask)
        if not outcome.is_done:
            raise ImportFault(outcome.describe())
        return outcome

    def _repeat(self, ask: Callable[[], Outcome]) -> Outcome:
        """Asks until there is an answer to act upon, or patience is at its end."""
        patience = self._patience
        began, failures = patience.monotonic(), 0
        while True:
            outcome = ask()
            if outcome.kind not in ("retry", "fault"):
                return outcome
            failures += 1
            wait = backoff(failures, outcome.retry_after, random.random())
            if patience.monotonic() + wait - began > patience.seconds:
                raise ImportFault(f"no answer for {patience.seconds:.0f} s: {outcome.describe()}")
            patience.sleep(wait)


def _path(run_id: str) -> str:
    return f"/api/v1/runs/{quote(run_id, safe='')}"


def _batches(frames: Iterator[Frame]) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    size = 0
    for frame in frames:
        if batch and (len(batch) >= BATCH_FRAMES or size + frame.size_bytes > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(frame)
        size += frame.size_bytes
    if batch:
        yield batch


def _bodies(frames: Sequence[Frame], attempt: int) -> Iterator[tuple[bytes, str, Sequence[Frame]]]:
    """Steps stay in their order: frames that differ all the time go as JSON, alike ones as columns."""
    runs = _alike(frames)
    has_layers = any(frame.layers or frame.histograms for frame in frames)
    if not has_layers and len(runs) > 1 and len(frames) < ALIKE * len(runs):
        body = {"attempt": attempt, "frames": [_to_json(frame) for frame in frames]}
        yield json.dumps(body).encode(), JSON_TYPE, frames
        return
    for run in runs:
        yield encode_frames(run, attempt=attempt), SAFETENSORS_TYPE, run


def _alike(frames: Sequence[Frame]) -> list[list[Frame]]:
    runs: list[list[Frame]] = []
    for frame in frames:
        if runs and can_share_body(runs[-1][0], frame):
            runs[-1].append(frame)
        else:
            runs.append([frame])
    return runs


def _to_json(frame: Frame) -> dict[str, Any]:
    """A frame without layers."""
    value: dict[str, Any] = {"step": frame.step}
    if frame.wall_time is not None:
        value["wallTime"] = frame.wall_time
    own: dict[str, Any] = {}
    for name, number in frame.scalars.items():
        if name in STANDARD_SCALARS:
            value[JSON_NAMES[name]] = _number(number)
        else:
            own[name] = _number(number)
    if own:
        value["scalars"] = own
    return value


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
