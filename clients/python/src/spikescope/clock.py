"""Unix time that does not jump with the system's clock."""

from __future__ import annotations

import time
from typing import Callable

# The monotonic clock stands still while a machine sleeps; a gap this long is no drift, in seconds.
SLEPT = 60.0


class WallClock:
    """The time at the start plus what passed since. Corrections of the system's clock within
    a run are not followed backwards, so that speeds and the order of steps stay right."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset = wall() - monotonic()

    def now(self) -> float:
        now = self._monotonic() + self._offset
        ahead = self._wall() - now
        if ahead > SLEPT:
            self._offset += ahead
            return now + ahead
        return now
