"""What every source is read into."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

MAX_STEP = 2**53 - 1


class ImportFault(Exception):
    """Meant to be printed as it is."""


@dataclass(frozen=True)
class Bins:
    """A recorded distribution: count[i] values between left[i] and right[i]."""

    left: array[float]
    right: array[float]
    count: array[float]
    # Where the source kept them: Σ x² and the extremes, of every value.
    sum_of_squares: float | None = None
    minimum: float | None = None
    maximum: float | None = None

    @property
    def total(self) -> float:
        return math.fsum(self.count)


@dataclass(frozen=True)
class Observation:
    """Some numbers of one step, by the names that the source has for them."""

    step: int
    wall_time: float | None = None  # Unix seconds
    values: Mapping[str, float] = field(default_factory=dict)
    bins: Mapping[str, Bins] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """One run as its files have it.

    Each of `segments` is what one process wrote; a restarted training has several. They
    are called when they are read, and may be called again.
    """

    name: str
    segments: tuple[Callable[[], Iterator[Observation]], ...]
    config: Mapping[str, Any] | None = None
    tags: tuple[str, ...] = ()
    # finished, failed or stopped; None where the source does not say.
    status: str | None = None


@dataclass
class Column:
    """The values of one name, by step; a step that is written again keeps the later value."""

    at: dict[int, float] = field(default_factory=dict)


@dataclass
class Attempt:
    """Steps from `first_step` on; what lies before is taken over from the attempt before it."""

    first_step: int
    values: dict[str, Column] = field(default_factory=dict)
    bins: dict[str, dict[int, Bins]] = field(default_factory=dict)
    wall_times: dict[int, float] = field(default_factory=dict)

    def add(self, seen: Observation) -> None:
        for name, value in seen.values.items():
            self.values.setdefault(name, Column()).at[seen.step] = value
        for name, bins in seen.bins.items():
            self.bins.setdefault(name, {})[seen.step] = bins
        if seen.wall_time is not None:
            self.wall_times[seen.step] = seen.wall_time

    def steps(self) -> list[int]:
        """Ascending, all that are not before `first_step`."""
        found: set[int] = set()
        for column in self.values.values():
            found.update(column.at)
        for by_step in self.bins.values():
            found.update(by_step)
        return sorted(step for step in found if step >= self.first_step)


@dataclass(frozen=True)
class Recording:
    source: Source
    attempts: tuple[Attempt, ...]
    # Observations whose step is no step of the contract.
    left_out: int

    def value_names(self) -> list[str]:
        """In the order in which they came."""
        return list(dict.fromkeys(name for attempt in self.attempts for name in attempt.values))

    def bin_names(self) -> list[str]:
        return list(dict.fromkeys(name for attempt in self.attempts for name in attempt.bins))


def collect(source: Source, is_clock: Callable[[str], bool]) -> Recording:
    """Reads all segments. A segment that begins before the end of the ones before it is a restart.

    `is_clock`  the names, such as the loss, whose steps tell a restart from a second writer,
                which may well write of earlier steps than the first
    """
    attempts: list[Attempt] = []
    newest: dict[str, int] = {}
    left_out = 0
    for read in source.segments:
        seen = Attempt(0)
        for observation in read():
            if not 0 <= observation.step <= MAX_STEP:
                left_out += 1
            else:
                seen.add(observation)
        first = _first_steps(seen)
        clocks = [name for name in first if is_clock(name)] or _busiest(seen)
        back = [first[name] for name in clocks if name in newest and first[name] <= newest[name]]
        if not attempts:
            attempts.append(seen)
        elif back:
            seen.first_step = min(back)
            attempts.append(seen)
            newest = {}
        else:
            _merge(attempts[-1], seen)
        for name, column in seen.values.items():
            newest[name] = max(newest.get(name, -1), max(column.at))
    return Recording(source, tuple(attempts), left_out)


def _first_steps(attempt: Attempt) -> dict[str, int]:
    return {name: min(column.at) for name, column in attempt.values.items()}


def _busiest(attempt: Attempt) -> list[str]:
    sizes = {name: len(column.at) for name, column in attempt.values.items()}
    return [max(sizes, key=lambda name: sizes[name])] if sizes else []


def _merge(into: Attempt, more: Attempt) -> None:
    for name, column in more.values.items():
        into.values.setdefault(name, Column()).at.update(column.at)
    for name, by_step in more.bins.items():
        into.bins.setdefault(name, {}).update(by_step)
    into.wall_times.update(more.wall_times)


def split_where_steps_fall(observations: Iterable[Observation]) -> list[list[Observation]]:
    """One file of a training that was restarted into it: a segment from each step that goes back."""
    segments: list[list[Observation]] = [[]]
    for observation in observations:
        last = segments[-1]
        if last and observation.step < last[-1].step:
            segments.append([])
        segments[-1].append(observation)
    return [segment for segment in segments if segment]
