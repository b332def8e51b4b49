"""The outbox of a run: where it keeps what waits, whom it posts to, and what earlier jobs left there."""

from __future__ import annotations

from typing import Any, Callable

from .settings import Settings
from .transport.backlog import Item
from .transport.connection import Connection
from .transport.kept_run import KeptRun, find_kept_runs
from .transport.notices import Notices
from .transport.outbox import Outbox


def make_outbox(
    settings: Settings,
    *,
    rank: int,
    connection: Connection | None,
    notices: Notices,
    tick: Callable[[], None],
    on_events: Callable[[list[Any]], list[Item]],
) -> Outbox:
    kept = KeptRun.create(settings.directory, settings.run_id, max_bytes=settings.spool_bytes)
    if settings.mode == "online" and connection is None:
        try:
            connection = Connection(settings.url, token=settings.token, timeout=settings.request_timeout)
        except ValueError as error:
            notices.say("url", f"{error}; this run is kept offline")
    if connection is not None:
        connection.on_ignored = notices.say_ignored
    else:
        notices.say("offline", f"run {settings.run_id} is kept in {kept.folder} for spikescope sync")
    return Outbox(
        kept,
        connection,
        notices=notices,
        max_memory_bytes=settings.memory_bytes,
        leftovers=_find_leftovers(settings, rank) if connection is not None else (),
        tick=tick,
        on_events=on_events,
    )


def _find_leftovers(settings: Settings, rank: int) -> tuple[KeptRun, ...]:
    """What earlier processes of this run could not deliver goes first."""
    found = []
    for folder in find_kept_runs(settings.directory, settings.run_id):
        kept = KeptRun(folder, max_bytes=settings.spool_bytes)
        # An attempt is opened by rank 0 alone, also one that an earlier job could not open.
        if kept.lock() and (rank == 0 or kept.has_attempt()):
            found.append(kept)
        else:
            kept.release()
    return tuple(found)
