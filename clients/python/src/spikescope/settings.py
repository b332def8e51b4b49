"""What the caller and the environment say, in one place. Arguments win over the environment."""

from __future__ import annotations

import datetime
import math
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from .transport.opening import RESUME_WORDS, Resume

MODES = ("online", "offline", "disabled")
DEFAULT_URL = "http://127.0.0.1:3000"
DEFAULT_DIRECTORY = ".spikescope"
RUN_ID = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")

# About a minute of a thousand layers with histograms.
MEMORY_BYTES = 64 * 1024 * 1024
# A day without a server, of a thousand layers at two steps a second: 16 metrics, no histograms.
SPOOL_BYTES = 12 * 1024 * 1024 * 1024


@dataclass(frozen=True)
class Settings:
    mode: str
    url: str
    token: str | None
    directory: Path
    project: str
    run_id: str
    name: str | None
    tags: tuple[str, ...]
    resume: Resume
    max_overhead: float | None = None
    request_timeout: float = 15.0
    memory_bytes: int = MEMORY_BYTES
    spool_bytes: int = SPOOL_BYTES


def read_settings(
    *,
    project: str | None,
    name: str | None,
    id: str | None,
    resume: int | bool | str | None,
    tags: str | Sequence[str] | None,
    mode: str | None,
    url: str | None,
    token: str | None,
    directory: str | Path | None,
    warn: Callable[[str, str], None],
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """Never raises: what cannot be used is said and replaced, so that a job still starts."""

    def pick(value: Any, variable: str, default: Any) -> Any:
        return value if value is not None else environment.get(f"SPIKESCOPE_{variable}") or default

    wanted_mode = str(pick(mode, "MODE", "online"))
    if wanted_mode not in MODES:
        # A typing error must not lose a run: kept on disk it can still be delivered.
        warn(
            "mode", f"mode: expected one of {', '.join(MODES)}, got {wanted_mode!r}; this run is kept offline"
        )
        wanted_mode = "offline"
    run_id = pick(id, "RUN_ID", None)
    if run_id is not None and (RUN_ID.match(str(run_id)) is None or run_id in (".", "..")):
        clean = re.sub(r"[^A-Za-z0-9._-]", "-", str(run_id))[:128].strip(".") or make_run_id()
        warn("id", f"id: expected 1 to 128 characters of A-Z a-z 0-9 . _ -, got {run_id!r}; using {clean!r}")
        run_id = clean
    return Settings(
        mode=wanted_mode,
        url=str(pick(url, "URL", DEFAULT_URL)),
        token=pick(token, "TOKEN", None),
        directory=Path(pick(directory, "DIR", DEFAULT_DIRECTORY)).expanduser(),
        project=str(pick(project, "PROJECT", "default")).strip()[:128] or "default",
        run_id=str(run_id) if run_id is not None else make_run_id(),
        name=_shorten(pick(name, "NAME", None), 256),
        tags=_read_tags(pick(tags, "TAGS", ()), warn),
        resume=_read_resume(pick(resume, "RESUME", None), warn),
        max_overhead=read_max_overhead(pick(None, "MAX_OVERHEAD", None), warn),
    )


def make_run_id() -> str:
    """Sorts by time and does not collide: 2026-01-31T12-00-00-5f0c9a."""
    time = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H-%M-%S")
    return f"{time}-{secrets.token_hex(3)}"


def read_max_overhead(value: Any, warn: Callable[[str, str], None]) -> float | None:
    """A fraction of the step time; None, and a word, for what is none."""
    if value is None:
        return None
    try:
        limit = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        limit = math.nan
    if 0 < limit <= 1:
        return limit
    warn(
        "max_overhead",
        "max_overhead: expected a number above 0 and at most 1, as 0.01 for one per cent of a step, "
        f"got {value!r}; captures are not limited",
    )
    return None


def _read_resume(value: Any, warn: Callable[[str, str], None]) -> Resume:
    if value is None or value is True or value in ("auto", "true", "True"):
        return "allow"
    if value is False:
        return "never"
    if isinstance(value, str) and value in RESUME_WORDS:
        return value
    try:
        step = int(value)
    except (TypeError, ValueError):
        step = -1
    if step < 0:
        warn(
            "resume",
            f"resume: expected a step, {', '.join(RESUME_WORDS)} or a boolean, got {value!r}; allowing it",
        )
        return "allow"
    return step


def _read_tags(value: str | Sequence[str], warn: Callable[[str, str], None]) -> tuple[str, ...]:
    try:
        tags = value.split(",") if isinstance(value, str) else [str(tag) for tag in value]
    except Exception:
        warn("tags", "tags: expected a text with commas or a list of texts; they are left out")
        return ()
    clean = [tag.strip()[:64] for tag in tags if tag.strip()]
    if len(clean) > 64:
        warn("tags", f"tags: expected at most 64, got {len(clean)}; the first 64 stand")
    return tuple(clean[:64])


def _shorten(text: str | None, length: int) -> str | None:
    return None if text is None or not str(text).strip() else str(text)[:length]
