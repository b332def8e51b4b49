"""Delivers what one folder keeps, without threads: what `spikescope sync` does."""

from __future__ import annotations

import random
import time
from typing import Callable

from ..settings import MEMORY_BYTES
from .backlog import Backlog
from .connection import Connection
from .delivery import Counts, Delivery
from .kept_run import KeptRun
from .notices import Notices


def drain_kept(
    kept: KeptRun,
    connection: Connection,
    *,
    notices: Notices,
    patience: float,
    as_id: str | None = None,
    on_progress: Callable[[int], None] = lambda delivered: None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Counts, str | None]:
    """Counts, and why it is not done; None where all was delivered. Raises what `kept.load` does.

    `patience`  seconds without progress after which it gives up
    `as_id`     delivers it as another run
    """
    counts = Counts()
    problems: list[str] = []

    def dropped(count: int, kind: str, reason: str) -> None:
        counts.dropped += count
        notices.say(f"dropped {kind}", f"{counts.dropped} dropped ({kind}): {reason}")

    backlog = Backlog(
        kept, max_memory_bytes=MEMORY_BYTES, on_drop=dropped, on_disk=problems.append, monotonic=monotonic
    )
    delivery = Delivery(backlog, kept, connection, notices, counts, random.random)
    description = kept.load()
    if as_id is not None:
        description = {**description, "create": {**description["create"], "id": as_id}, "attempt": None}
    delivery.restore(description)
    last_progress = monotonic()
    while delivery.opened is None or not backlog.is_empty:
        wait = delivery.send_next()
        if delivery.ended is not None:
            return counts, delivery.ended
        if wait is None:
            last_progress = monotonic()
            # The attempt is worth keeping: another sync must not open one more.
            if delivery.describe() != description and as_id is None:
                description = delivery.describe()
                kept.save(description)
            on_progress(counts.accepted + counts.duplicates)
        elif monotonic() + wait - last_progress > patience:
            return counts, f"no progress for {patience:.0f} s"
        else:
            sleep(wait)
    return counts, None
