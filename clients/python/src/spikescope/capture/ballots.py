"""What ranks that reduce together decide together, without a word more than they exchange anyway.

Each capture's reduction carries what every rank would like, and brings back the most of it.
It is looked at when two later captures are under way: by then it is done, on all ranks at the
same optimizer step, so that all of them change their cadence behind the same one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

# As many reductions are under way before one is looked at.
IN_FLIGHT = 2
PARTS_PER_SHARE = 1_000_000


class Vote(NamedTuple):
    # How much rarer captures should be.
    factor: int
    # Whether a spike is suspected, for which the limit is lifted: 0 or 1.
    lifts: int = 0
    # What a capture costs of a step, in millionths; of all ranks the most is said.
    capture_parts: int = 0

    @classmethod
    def of(cls, counts: Sequence[float]) -> Vote:
        factor, lifts, parts = (int(count) for count in counts)
        return cls(factor, lifts, parts)


class Ballots:
    """Of ranks that cast at the same captures."""

    def __init__(self) -> None:
        self._cast: deque[Callable[[], Vote]] = deque()
        self._agreed: Vote | None = None
        self._to_pass_over = 0

    def cast(self, read: Callable[[], Vote]) -> None:
        self._cast.append(read)
        if len(self._cast) > IN_FLIGHT:
            vote = self._cast.popleft()()
            if self._to_pass_over > 0:
                self._to_pass_over -= 1
            else:
                self._agreed = vote

    def agree(self, vote: Vote) -> None:
        """Of a rank that asks nobody."""
        self._agreed = vote

    def take(self) -> Vote | None:
        """What was agreed since the last call."""
        agreed, self._agreed = self._agreed, None
        return agreed

    def pass_over_cast(self) -> None:
        """What is under way was asked for before what has changed since."""
        self._to_pass_over = len(self._cast)
