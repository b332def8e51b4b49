"""The queue between a training loop and its server, and the thread that empties it.

  put ─▶ incoming ─▶ (thread) make ─▶ Backlog ─▶ Delivery

`put` appends and returns; it waits for nothing. Making a frame (waiting for the device's
copy, packing) happens in the thread, as do disk and network.
"""

from __future__ import annotations

import os
import random as random_module
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Any, Callable

from .backlog import Backlog, Item
from .connection import Connection, Outcome
from .delivery import Counts, Delivery, describe_left
from .kept_run import KeptRun
from .notices import Notices
from .opening import Opened, Opening

# What is kept back from a deadline for putting the rest on disk, in seconds.
SPILL_RESERVE = 2.0
# How long a request may take to notice that it was ended, in seconds; usually a millisecond.
ABORT_TIMEOUT = 0.5
# How often `tick` is called while nothing else happens, in seconds.
IDLE_WAIT = 1.0


@dataclass(frozen=True)
class Pending:
    """Something to deliver; `make` runs in the outbox's thread and may take its time."""

    make: Callable[[], Item | list[Item]]
    size_bytes: int
    is_step: bool = False


class _TakenOver(Exception):
    """What waits was put away by another thread while this one waited for the network."""


class Outbox:
    def __init__(
        self,
        kept: KeptRun,
        connection: Connection | None,
        *,
        notices: Notices,
        max_memory_bytes: int,
        random: Callable[[], float] = random_module.random,
        monotonic: Callable[[], float] = time.monotonic,
        leftovers: tuple[KeptRun, ...] = (),
        tick: Callable[[], None] = lambda: None,
        on_events: Callable[[list[Any]], list[Item]] = lambda events: [],
    ) -> None:
        self._kept = kept
        self._connection = connection
        self._notices = notices
        self._monotonic = monotonic
        self._max_memory_bytes = max_memory_bytes
        self._counts = Counts()
        self._backlog = Backlog(
            kept,
            max_memory_bytes=max_memory_bytes,
            on_drop=self._dropped,
            on_disk=lambda message: notices.say("disk", message),
            monotonic=monotonic,
        )
        self._delivery = Delivery(self._backlog, kept, connection, notices, self._counts, random, on_events)
        self._tick = tick
        self._leftovers = [self._restore(left, random) for left in leftovers]
        self._incoming: deque[Pending] = deque()
        self._incoming_bytes = 0
        self._condition = threading.Condition()
        self._next_try = 0.0
        self._is_making = False
        self._is_sending = False
        self._is_stopping = False
        self._saved: dict[str, Any] | None = None
        # Of the network, in which the thread may be while `close` takes all else out of its hands.
        self._handover = threading.Lock()
        self._away = threading.Lock()
        self._is_in_request = self._is_taken = False
        if connection is not None:
            connection.guard = self._request
        self._pid = os.getpid()
        self._thread: threading.Thread | None = None

    @property
    def opened(self) -> Opened | None:
        return self._delivery.opened

    @property
    def is_stopped(self) -> bool:
        return self._is_stopping

    def counts(self) -> Counts:
        with self._condition:
            queued = len(self._incoming) + self._backlog.memory_count
        return replace(self._counts, queued=queued, kept_on_disk=self._backlog.spilled_count)

    def open(self, opening: Opening) -> None:
        """From now on it may send. What was put before waited in memory."""
        with self._condition:
            self._delivery.prepare(opening)
            self._condition.notify_all()
        self._start()

    def put(self, pending: Pending) -> None:
        """Queues without waiting; in a forked child, and after the end, it counts a drop."""
        if self._pid != os.getpid():
            return
        with self._condition:
            if pending.is_step:
                self._counts.logged += 1
            if self._is_stopping:
                self._dropped(1, "after the end", "the run takes nothing any more")
                return
            self._incoming.append(pending)
            self._incoming_bytes += pending.size_bytes
            is_full = self._incoming_bytes > self._max_memory_bytes
            while self._incoming_bytes > 2 * self._max_memory_bytes and len(self._incoming) > 1:
                self._incoming_bytes -= self._incoming.popleft().size_bytes
                self._dropped(1, "full queue", "the oldest go first")
            self._condition.notify_all()
        if is_full and self._is_sending and self._connection is not None:
            # A server that takes a request and does not answer: the disk takes what waits here.
            self._connection.interrupt()
        self._start()

    @property
    def is_held(self) -> bool:
        """By the calling thread."""
        return bool(getattr(self._condition, "_is_owned")())  # noqa: B009

    def hurry(self) -> None:
        """Tries at once, however long it wanted to wait."""
        with self._condition:
            self._next_try = 0.0
            self._condition.notify_all()

    def wait_until_open(self, timeout: float) -> bool:
        return self._wait_for(
            lambda: self.opened is not None or self._delivery.ended is not None, timeout
        ) and (self.opened is not None)

    def flush(self, timeout: float) -> bool:
        """True once all is delivered; False after `timeout` seconds or where it never will be."""
        self.hurry()
        self._wait_for(lambda: self._is_drained() or not self._delivery.can_send, timeout)
        with self._condition:
            return self._is_drained()

    def close(self, timeout: float) -> bool:
        """Flushes, puts on disk what is left, and ends the thread. True where nothing was left."""
        if self._pid != os.getpid():
            return False
        deadline = self._monotonic() + timeout
        # A call before this one had its time.
        if self._delivery.can_send and not self._is_stopping:
            if self._thread is not None:
                self.flush(max(0.0, timeout - SPILL_RESERVE))
            else:
                self._deliver_here(deadline - SPILL_RESERVE)
        with self._condition:
            self._is_stopping = True
            self._condition.notify_all()
        thread = self._thread
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            if self._connection is not None and not self._is_drained():
                self._connection.abort()
            thread.join(ABORT_TIMEOUT)
            if thread.is_alive() and self._take_over():
                self._put_away_here()
            else:
                self._join(thread, max(SPILL_RESERVE, deadline - self._monotonic()))
            if thread.is_alive() and not self._is_taken:
                # A disk that hangs: nothing more can be done without hanging as well.
                self._notices.say("hung", f"steps could not be put into {self._kept.folder} in time")
                return False
        else:
            self._put_away_here()
        left = describe_left(self._backlog, self._kept)
        # Without a connection that was said at the start.
        if left is not None and self._connection is not None:
            self._notices.say("left", left)
        return left is None

    def _join(self, thread: threading.Thread, timeout: float) -> None:
        """While it puts things away: a busy machine takes its time, a disk that hangs makes no headway."""
        before: tuple[int, int] | None = None
        while thread.is_alive() and before != self._left():
            before = self._left()
            thread.join(timeout)
            timeout = SPILL_RESERVE

    def _left(self) -> tuple[int, int]:
        return len(self._incoming), self._backlog.memory_count

    def _deliver_here(self, end: float) -> None:
        """Where no thread could be started, as when the interpreter ends from Python 3.12 on."""
        while not self._is_drained() and self._delivery.can_send and not self._is_stopping:
            left = end - self._monotonic()
            if left <= 0 or self._connection is None:
                return
            self._connection.longest = left
            self._turn()

    def _put_away_here(self) -> None:
        """Two threads may end a run at once; the second waits until the first has put all away."""
        if self._away.acquire(timeout=SPILL_RESERVE):
            try:
                self._put_away()
            finally:
                self._away.release()

    def _take_over(self) -> bool:
        """Whether the thread waits for the network, and from now on will touch nothing when it comes back.

        A name that is looked up, or a host that does not even refuse: neither can be interrupted.
        """
        with self._handover:
            self._is_taken = self._is_taken or self._is_in_request
        return self._is_taken

    def renew_after_fork(self) -> None:
        """In a forked child: no thread runs here, and locks may be held by nobody."""
        self._condition = threading.Condition()
        self._notices.renew_lock()
        self._is_stopping = True

    # In the thread

    def _start(self) -> None:
        if self._thread is not None or self._is_stopping:
            return
        thread = threading.Thread(target=self._run, name="spikescope", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            # Too many threads, or the interpreter is going down; close() puts all on disk.
            self._notices.say("thread", f"cannot start a thread ({error}); steps are kept until the end")
            return
        self._thread = thread

    def _request(self, send: Callable[[], Outcome]) -> Outcome:
        with self._handover:
            self._is_in_request = True
        try:
            return send()
        finally:
            with self._handover:
                self._is_in_request = False
                if self._is_taken:
                    raise _TakenOver

    def _run(self) -> None:
        try:
            while not self._is_stopping:
                self._turn()
        except _TakenOver:
            return
        except Exception as error:
            # A bug of this client; training must not pay for it.
            self._delivery.ended = f"the client broke: {type(error).__name__}: {error}"
            self._notices.say("broken", self._delivery.ended)
        self._put_away()
        with self._condition:
            self._condition.notify_all()

    def _turn(self) -> None:
        with self._condition:
            self._condition.wait_for(self._has_work, self._idle_seconds())
        self._tick()
        self._take_incoming()
        if self._delivery.is_away or self._backlog.is_on_disk:
            self._save()
            self._backlog.spill()
        if self._is_due():
            self._is_sending = True
            try:
                wait = self._send()
            finally:
                self._is_sending = False
            self._next_try = 0.0 if wait is None else self._monotonic() + wait
        with self._condition:
            self._condition.notify_all()

    def _send(self) -> float | None:
        while self._leftovers:
            backlog, delivery, kept = self._leftovers[0]
            wait = delivery.send_next()
            if delivery.ended is None and not (wait is None and backlog.is_empty):
                return wait
            if delivery.ended is None:
                kept.remove()
            self._leftovers.pop(0)
            return None
        was_open = self.opened is not None
        wait = self._delivery.send_next()
        if not was_open and self.opened is not None and self._saved is not None:
            self._save()
        return wait

    def _has_work(self) -> bool:
        return bool(self._incoming) or self._is_stopping or self._is_due()

    def _is_due(self) -> bool:
        if not self._delivery.can_send or self._monotonic() < self._next_try:
            return False
        if self._leftovers:
            return True
        if self._delivery.is_waiting_for_step:
            return False
        return self.opened is None or not self._backlog.is_empty

    def _idle_seconds(self) -> float:
        if not self._delivery.can_send:
            return IDLE_WAIT
        return min(IDLE_WAIT, max(0.0, self._next_try - self._monotonic())) or IDLE_WAIT

    def _take_incoming(self) -> None:
        while True:
            with self._condition:
                if not self._incoming:
                    self._is_making = False
                    return
                pending = self._incoming.popleft()
                self._incoming_bytes -= pending.size_bytes
                self._is_making = True
            try:
                made = pending.make()
            except Exception as error:
                self._dropped(1, "a step that the contract does not allow", str(error))
                continue
            for item in made if isinstance(made, list) else [made]:
                self._backlog.add(item)

    def _put_away(self) -> None:
        """At the end: what is left goes to disk, and a folder with nothing in it goes."""
        self._take_incoming()
        if self._backlog.is_empty:
            self._kept.remove()
        else:
            self._save()
            if not self._backlog.spill(is_urgent=True):
                self._dropped(self._backlog.memory_count, "at the end", "neither server nor disk took them")
            self._kept.release()
        for _, _, kept in self._leftovers:
            kept.release()
        if self._connection is not None and not self._is_taken:
            self._connection.close()

    def _save(self) -> None:
        description = self._delivery.describe()
        if description == self._saved:
            return
        try:
            self._kept.save(description)
        except OSError as error:
            self._notices.say("disk", self._kept.describe_fault(error))
            return
        self._saved = description

    def _restore(self, kept: KeptRun, random: Callable[[], float]) -> tuple[Backlog, Delivery, KeptRun]:
        backlog = Backlog(
            kept,
            max_memory_bytes=self._max_memory_bytes,
            on_drop=self._dropped,
            on_disk=lambda message: None,
            monotonic=self._monotonic,
        )
        delivery = Delivery(backlog, kept, self._connection, self._notices, Counts(), random)
        delivery.restore(kept.load())
        return backlog, delivery, kept

    def _is_drained(self) -> bool:
        # A reply may ask for samples: until it was acted upon, an empty backlog says nothing.
        is_quiet = not (self._is_sending or self._incoming or self._is_making) and self._backlog.is_empty
        is_open = self.opened is not None or self._delivery.is_waiting_for_step
        return is_quiet and not self._leftovers and is_open

    def _wait_for(self, predicate: Callable[[], bool], timeout: float) -> bool:
        with self._condition:
            return self._condition.wait_for(predicate, timeout)

    def _dropped(self, count: int, kind: str, reason: str) -> None:
        self._counts.dropped += count
        if count > 0:
            message = f"{self._counts.dropped} steps or events dropped so far ({kind}): {reason}"
            self._notices.say(f"dropped {kind}", message)
