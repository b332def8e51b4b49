"""What tests of importers share: a source as it is recorded and planned."""

from __future__ import annotations

from spikescope.importers.observations import Source, collect
from spikescope.importers.plan import NameMapping, is_clock, make_plan


def said_nothing(message: str) -> None:
    raise AssertionError(f"nothing was to be said, but: {message}")


def record(source: Source):
    return collect(source, lambda name: is_clock(NameMapping(), name))


def plan_of(source: Source):
    recording = record(source)
    return recording, make_plan(recording, NameMapping(), said_nothing)
