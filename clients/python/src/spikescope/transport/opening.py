"""Opens a run, and decides whether this process continues it or starts it.

A job that names a run's id again has most likely come back from a checkpoint. Whether it
overlaps with what is stored is known once its first step is.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import Any, Union

from .connection import Connection, Outcome
from .shared_run import PART, SharedRun

# A step to start from; "allow": continue where the id is known; "must": say so where it is
# not; "never": take another id then.
Resume = Union[int, str]
RESUME_WORDS = ("allow", "must", "never")


@dataclass(frozen=True)
class Opening:
    """The body of `POST /runs`, and how to go on with a run that is there already."""

    create: dict[str, Any] = field(default_factory=dict)
    resume: Resume = "allow"
    # Set by processes that share an attempt: they must not open one of their own.
    attempt: int | None = None
    # "leader" or "part" of a run that several processes post into, and how they meet while they live.
    role: str | None = None
    shared: SharedRun | None = None


@dataclass(frozen=True)
class Opened:
    run_id: str
    attempt: int
    url: str
    next_step: int
    is_new: bool
    # The run is there, and whether to go on with it waits for the first step.
    is_undecided: bool = False


def open_run(connection: Connection, opening: Opening, first_step: int | None) -> Opened | Outcome:
    """The opened run, or the outcome that kept it from being opened."""
    resume = opening.resume
    if opening.role == PART:
        return _post(connection, opening.create, opening)
    if isinstance(resume, int):
        return _post(connection, {**opening.create, "resumeFromStep": resume}, opening)
    opened = _post(connection, opening.create, opening)
    if isinstance(opened, Outcome) or opened.is_new or opened.next_step == 0 or opening.attempt is not None:
        return opened
    if resume == "never":
        create = {**opening.create, "id": f"{opened.run_id[:120]}-{secrets.token_hex(3)}"}
        return _post(connection, create, replace(opening, create=create))
    if first_step is None:
        return replace(opened, is_undecided=True)
    return _post(connection, {**opening.create, "resumeFromStep": first_step}, opening)


def _post(connection: Connection, body: dict[str, Any], opening: Opening) -> Opened | Outcome:
    outcome = connection.post_json("/api/v1/runs", body)
    if not outcome.is_done:
        return outcome
    reply = outcome.body
    try:
        return Opened(
            run_id=str(reply["id"]),
            attempt=int(reply["attempt"]) if opening.attempt is None else opening.attempt,
            url=str(reply["url"]),
            next_step=int(reply["nextStep"]),
            is_new=outcome.status == 201,
        )
    except (KeyError, TypeError, ValueError):
        return Outcome("retry", code="not_the_contract", message="the reply is not the contract's")
