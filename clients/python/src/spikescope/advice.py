"""What the server advises the training loop to do, and how the loop hears of it.

  acknowledgement with findings ─┐
  every ten seconds             ─┴▶ (thread of its own) GET advice ─▶ newest ─▶ log() ─▶ callbacks

Callbacks run in the training thread, from `log()`: there no gradient is being computed and no
parameter being updated, so that they may touch model and optimizer. The thread only reads.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable
from urllib.parse import quote

from .settings import Settings
from .transport.connection import Connection, Outcome
from .transport.notices import Notices
from .transport.opening import Opened

# Findings wake the thread. What comes without one, as from another rank's post, waits for this.
ASK_EVERY = 10.0
# Of a job whose every acknowledgement carries findings.
ASK_AT_MOST_EVERY = 0.5
# While somebody waits for the detectors.
ASK_AGAIN = 0.1
REQUEST_TIMEOUT = 10.0


@dataclass(frozen=True)
class AdvisedLayer:
    """As `watch` named it."""

    index: int
    name: str


@dataclass(frozen=True)
class AdviceItem:
    """One thing that a training loop may do now.

    action     save_checkpoint, skip_batch, lower_learning_rate, clip_updates, reset_optimizer_state,
               lower_epsilon, rewind, stop; a later server may know others
    severity   "page": the loss has gone; "warn": something that comes before is there; "note": in good time
    layers     those that it is about; empty: all
    for_steps  how long it is meant to hold; None: once, or from now on
    skip_steps first and last, inclusive
    """

    id: str
    action: str
    severity: str
    reason: str
    caveat: str
    since_step: int
    layers: tuple[AdvisedLayer, ...] = ()
    factor: float | None = None
    value: float | None = None
    for_steps: int | None = None
    checkpoint_step: int | None = None
    skip_steps: tuple[int, int] | None = None
    spike_id: str | None = None
    incident_id: str | None = None


@dataclass(frozen=True)
class Advice:
    """`step` is the newest that detectors have looked at; None before the first."""

    run_id: str
    attempt: int
    step: int | None
    version: str
    items: tuple[AdviceItem, ...]


AdviceCallback = Callable[[AdviceItem], Any]


def parse_advice(reply: Mapping[str, Any]) -> Advice:
    """Raises KeyError, TypeError or ValueError where it is not the contract's."""
    step = reply["step"]
    return Advice(
        run_id=str(reply["runId"]),
        attempt=int(reply["attempt"]),
        step=None if step is None else int(step),
        version=str(reply["version"]),
        items=tuple(_parse_item(item) for item in reply["items"]),
    )


def _parse_item(item: Mapping[str, Any]) -> AdviceItem:
    skip = item.get("skipSteps")
    return AdviceItem(
        id=str(item["id"]),
        action=str(item["action"]),
        severity=str(item["severity"]),
        reason=str(item["reason"]),
        caveat=str(item["caveat"]),
        since_step=int(item["sinceStep"]),
        layers=tuple(AdvisedLayer(int(each["index"]), str(each["name"])) for each in item["layers"]),
        factor=item.get("factor"),
        value=item.get("value"),
        for_steps=item.get("forSteps"),
        checkpoint_step=item.get("checkpointStep"),
        skip_steps=None if skip is None else (int(skip["fromStep"]), int(skip["toStep"])),
        spike_id=item.get("spikeId"),
        incident_id=item.get("incidentId"),
    )


def make_listener(
    settings: Settings, opened: Callable[[], Opened | None], notices: Notices
) -> AdviceListener | None:
    """Begun; None where there is nobody to ask, which is said once."""
    if settings.mode != "online":
        notices.say("advice offline", "there is no advice for a run that is kept offline")
        return None
    connection = Connection(settings.url, token=settings.token, timeout=REQUEST_TIMEOUT)
    connection.on_ignored = notices.say_ignored
    listener = AdviceListener(connection, opened, notices)
    listener.start()
    return listener


class AdviceListener:
    """Asks in a thread of its own, so that no frame waits for it; made where somebody listens."""

    def __init__(
        self,
        connection: Connection,
        opened: Callable[[], Opened | None],
        notices: Notices,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._opened = opened
        self._notices = notices
        self._monotonic = monotonic
        self._callbacks: list[AdviceCallback] = []
        self._condition = threading.Condition()
        self._newest: Advice | None = None
        # Told to nobody yet; appended to by the thread, taken by the training thread.
        self._untold: deque[AdviceItem] = deque()
        self._told: set[str] = set()
        self._asked_at: float | None = None
        self._is_woken = self._is_urgent = self._is_stopping = False
        self._answer_count = 0
        self._thread: threading.Thread | None = None

    @property
    def newest(self) -> Advice | None:
        return self._newest

    @property
    def is_held(self) -> bool:
        """By the calling thread."""
        return bool(getattr(self._condition, "_is_owned")())  # noqa: B009

    def add(self, callback: AdviceCallback) -> None:
        self._callbacks.append(callback)

    def start(self) -> None:
        if self._thread is not None or self._is_stopping:
            return
        thread = threading.Thread(target=self._run, name="spikescope advice", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._notices.say("advice thread", f"cannot start a thread ({error}); there is no advice")
            return
        self._thread = thread

    def wake(self) -> None:
        """Something was found: ask soon."""
        with self._condition:
            self._is_woken = True
            self._condition.notify_all()

    def tell(self) -> None:
        """Calls callbacks with each item once. In the training thread; one look where there is none."""
        while self._untold:
            item = self._untold.popleft()
            for callback in self._callbacks:
                try:
                    callback(item)
                except Exception as error:
                    self._notices.say(
                        f"on_advice {type(error).__name__}",
                        f"on_advice failed on {item.action} ({item.id}) and was passed over: "
                        f"{type(error).__name__}: {error}",
                    )

    def wait_for(self, step: int, timeout: float) -> bool:
        """Until there is advice as of `step`. False where that took too long."""
        deadline = self._monotonic() + timeout
        with self._condition:
            while not self._has_seen(step):
                if self._is_stopping or self._monotonic() >= deadline:
                    return False
                self._is_woken = self._is_urgent = True
                self._condition.notify_all()
                self._wait_for_answer(deadline)
                if not self._has_seen(step):
                    # The detectors are not there yet.
                    self._condition.wait(min(ASK_AGAIN, max(0.0, deadline - self._monotonic())))
        return True

    def _wait_for_answer(self, deadline: float) -> None:
        before = self._answer_count
        left = max(0.0, deadline - self._monotonic())
        self._condition.wait_for(lambda: self._answer_count > before or self._is_stopping, left)

    def stop(self) -> None:
        with self._condition:
            self._is_stopping = True
            self._condition.notify_all()
        self._connection.abort()

    def _has_seen(self, step: int) -> bool:
        opened, newest = self._opened(), self._newest
        if opened is None or newest is None or newest.step is None:
            return False
        return newest.attempt == opened.attempt and newest.step >= step

    # In the thread

    def _run(self) -> None:
        try:
            while self._wait_for_turn():
                self._ask()
        except Exception as error:
            # A bug of this client; training must not pay for it.
            self._notices.say("advice broken", f"there is no more advice: {type(error).__name__}: {error}")
        with self._condition:
            self._is_stopping = True
            self._condition.notify_all()
        self._connection.close()

    def _wait_for_turn(self) -> bool:
        with self._condition:
            while not self._is_stopping:
                wait = self._seconds_to_wait()
                if wait <= 0:
                    self._is_woken = self._is_urgent = False
                    return True
                self._condition.wait(wait)
        return False

    def _seconds_to_wait(self) -> float:
        if self._opened() is None:
            # The run is being opened by another thread, which does not tell.
            return ASK_AGAIN
        if self._asked_at is None or self._is_urgent:
            return 0.0
        since = self._monotonic() - self._asked_at
        return (ASK_AT_MOST_EVERY if self._is_woken else ASK_EVERY) - since

    def _ask(self) -> None:
        opened = self._opened()
        if opened is None:
            return
        self._asked_at = self._monotonic()
        outcome = self._connection.get(f"/api/v1/runs/{quote(opened.run_id, safe='')}/advice")
        if outcome.is_done:
            self._take(outcome)
        elif outcome.code == "not_found" or outcome.status == 405:
            self._notices.say("advice unknown", "this server gives no advice")
            self._is_stopping = True
        elif outcome.kind in ("denied", "refused"):
            self._notices.say(f"advice {outcome.code}", f"no advice: {outcome.describe()}")
        with self._condition:
            self._answer_count += 1
            self._condition.notify_all()

    def _take(self, outcome: Outcome) -> None:
        try:
            advice = parse_advice(outcome.body)
        except (KeyError, TypeError, ValueError):
            self._notices.say("advice reply", "advice: the reply is not the contract's")
            return
        self._newest = advice
        for item in advice.items:
            if item.id not in self._told:
                self._told.add(item.id)
                self._untold.append(item)
