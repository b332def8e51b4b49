"""How often a watch captures: as it was told, or more rarely where that costs too much."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch

from .ballots import PARTS_PER_SHARE, Ballots, Vote
from .cadence import Cadence
from .cost_meter import Clocks, CostMeter
from .overhead_budget import OverheadBudget, describe_cadence, describe_cost

# Steps at the full cadence from a suspicion on: an onset is confirmed within the first of them,
# and most spikes are over at the end.
LIFTED_STEPS = 32


class Pace:
    """Without a limit it changes nothing and measures nothing."""

    # Takes two timing events, around work in another stream than the loop's.
    note_span: Callable[[Any, Any], None] | None = None

    def __init__(self, cadence: Cadence) -> None:
        self.cadence = cadence

    def hook(self) -> AbstractContextManager[None]:
        """Around whatever a hook does."""
        return contextlib.nullcontext()

    def begin_update(self) -> None:
        return

    def vote(self) -> Vote | None:
        """What this rank would like, at a capture."""
        return None

    def end_step(self, step: int, ballots: Ballots, *, is_captured: bool) -> Callable[[float], None] | None:
        """Sets the cadence of the next step. What is returned is told how long reading the capture took."""
        return None

    def lift(self) -> None:
        """A spike is suspected. Called by any thread."""


class BudgetedPace(Pace):
    def __init__(
        self,
        cadence: Cadence,
        budget: OverheadBudget,
        meter: CostMeter,
        *,
        is_shared: bool,
        tell: Callable[[str, str], None],
    ) -> None:
        """`is_shared`: ranks must capture the same steps. `tell`: what changed, at length and in short."""
        super().__init__(cadence)
        self.note_span = meter.note_span
        self._full = cadence
        self._budget = budget
        self._meter = meter
        self._is_shared = is_shared
        self._tell = tell
        self._factor = 1
        self._is_lift_wanted = False
        self._lifted_until = 0

    def hook(self) -> AbstractContextManager[None]:
        return self._meter.hook()

    def begin_update(self) -> None:
        self._meter.begin_update()

    def vote(self) -> Vote:
        lifts = 0
        if self._is_shared and self._is_lift_wanted:
            self._is_lift_wanted, lifts = False, 1
        parts = min(round(self._budget.capture_share() * PARTS_PER_SHARE), 2**31 - 1)
        return Vote(self._budget.propose(self._factor), lifts, parts)

    def end_step(self, step: int, ballots: Ballots, *, is_captured: bool) -> Callable[[float], None] | None:
        cadence = self.cadence
        note_reading = self._meter.end_step(
            is_captured=is_captured,
            is_full=cadence.wants_wholes(step),
            has_gradients=cadence.needs_gradient(step),
        )
        agreed = ballots.take()
        if agreed is not None:
            self._adopt(agreed, ballots)
        if (agreed is not None and agreed.lifts) or (not self._is_shared and self._is_lift_wanted):
            self._lifted_until = step + 1 + LIFTED_STEPS
            if not self._is_shared:
                self._is_lift_wanted = False
        is_lifted = step + 1 < self._lifted_until
        self.cadence = self._full if is_lifted else self._full.stretched(self._factor)
        return note_reading

    def lift(self) -> None:
        self._is_lift_wanted = True

    def _adopt(self, agreed: Vote, ballots: Ballots) -> None:
        if agreed.factor == self._factor:
            return
        self._factor = agreed.factor
        ballots.pass_over_cast()
        cadence = self._full.stretched(self._factor)
        share = agreed.capture_parts / PARTS_PER_SHARE
        how = describe_cadence(cadence)
        why = describe_cost(share, self._budget.limit)
        self._tell(f"capturing layers {how}: {why}", f"layers are captured {how}")


def make_pace(
    cadence: Cadence,
    limit: float | None,
    *,
    find_devices: Callable[[], Sequence[torch.device]],
    reads_captures: bool,
    is_shared: bool,
    tell: Callable[[str, str], None],
) -> Pace:
    if limit is None:
        return Pace(cadence)
    budget = OverheadBudget(limit, cadence)
    meter = CostMeter(budget, Clocks(find_devices), reads_captures=reads_captures)
    return BudgetedPace(cadence, budget, meter, is_shared=is_shared, tell=tell)
