"""One run as its training job sees it. Nothing here waits for the network or raises.

log, watch ─▶ Assembly (one step) ─▶ RunPosts ─▶ Outbox (queue, thread) ─▶ server, or disk
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import exits
from .advice import Advice, AdviceCallback, AdviceListener, make_listener
from .assembly import Assembly
from .never_raises import never_raises
from .run_description import make_event, read_config, read_layers, read_optimizer
from .run_part import RunPart
from .run_posts import RunPosts
from .scalars import read_scalars
from .settings import Settings
from .spike_samples import SpikeSamples
from .transport.backlog import Item
from .transport.connection import Connection
from .transport.delivery import Counts
from .transport.notices import Notices
from .weak_calls import weak_call

if TYPE_CHECKING:
    from .capture.watch import Watch

# How long finish() may wait for the server. What is left by then goes to disk.
FINISH_TIMEOUT = 15.0
# A run without watch() is opened this long after its first step: watch() may still come.
OPEN_AFTER = 5.0


class Run:
    """Made by `spikescope.init`. In forked children and after `finish` it does nothing."""

    def __init__(
        self,
        settings: Settings,
        *,
        config: Any = None,
        optimizer: Mapping[str, Any] | None = None,
        layers: Sequence[Any] | None = None,
        rank: int = 0,
        notices: Notices | None = None,
        connection: Connection | None = None,
    ) -> None:
        self._settings = settings
        self._notices = notices or Notices()
        self._rank = rank
        self._pid = os.getpid()
        self._posts = RunPosts(
            settings,
            config=read_config(config, self._notices),
            optimizer=read_optimizer(optimizer, self._notices),
            layers=read_layers(layers, self._notices),
            notices=self._notices,
        )
        self._is_finished = False
        # Taken by whoever ends the run; never given back.
        self._finishing = threading.Lock()
        self._first_log_at: float | None = None
        self._watch: Watch | None = None
        self._advice: AdviceListener | None = None
        resume = settings.resume
        self._assembly = Assembly(
            self._posts.put_step,
            first_step=resume if isinstance(resume, int) else 0,
            on_lost=self._say_lost,
        )
        if settings.mode != "disabled" and rank == 0:
            self._start(connection)
            if self._posts.layers is not None:
                self._posts.open()

    @property
    def id(self) -> str:
        return self._posts.run_id

    @property
    def project(self) -> str:
        return self._settings.project

    @property
    def mode(self) -> str:
        return self._settings.mode

    @property
    def rank(self) -> int:
        return self._rank

    @property
    def url(self) -> str | None:
        """The page to watch; None until the server has answered."""
        opened = self._posts.opened
        return opened.url if opened else None

    @property
    def attempt(self) -> int | None:
        """None until the server has answered."""
        opened = self._posts.opened
        return opened.attempt if opened else None

    @property
    def step(self) -> int:
        """The step that is being put together."""
        return self._assembly.current_step

    @property
    def watched(self) -> Watch | None:
        return self._watch

    @property
    def counts(self) -> Counts:
        return self._posts.counts

    @never_raises
    def log(
        self,
        values: Mapping[str, Any] | None = None,
        *,
        step: int | None = None,
        layers: Mapping[str, Any] | None = None,
        histograms: Mapping[str, Any] | None = None,
        **metrics: Any,
    ) -> None:
        """Numbers of one step: `loss`, `learning_rate`, `gradient_norm` and any others.

        Called several times for a step they come together; a higher step sends the one
        before. Tensors on a device are copied without waiting for it. Without `step` each
        call is the next one. `layers` and `histograms` are for jobs that compute their own:
        metric → one number a layer; name → {"edges", "counts", "outside"}.
        """
        if self._watch is not None:
            self._watch.note_log()
        if self._posts.outbox is None:
            return
        scalars = read_scalars({**(values or {}), **metrics}, self._notices.say)
        if self._first_log_at is None:
            self._first_log_at = time.monotonic()
        self._assembly.log(None if step is None else int(step), scalars, layers or {}, histograms or {})
        if self._advice is not None:
            self._advice.tell()

    @never_raises
    def event(
        self,
        title: str,
        *,
        kind: str = "note",
        step: int | None = None,
        detail: str | None = None,
        id: str | None = None,
    ) -> None:
        """Something to remember at a step: checkpoint, batch_skip, learning_rate, hyperparameter, note."""
        if self._posts.outbox is None:
            return
        at = self.step if step is None else int(step)
        event = make_event(title, self._notices, kind=kind, step=at, detail=detail, id=id)
        self._posts.put_event(event)

    @never_raises
    def watch(self, model: Any, optimizer: Any = None, **options: Any) -> Watch | None:
        """Reads gradients, moments and weights at each `optimizer.step()`; see `capture.watch.Watch`."""
        if self._settings.mode == "disabled":
            return None
        from .capture.watch import Watch

        options.setdefault("max_overhead", self._settings.max_overhead)
        if self._posts.is_opened:
            self._notices.say(
                "late watch", "watch() came after the run was opened; call it before the first log()"
            )
            return None
        self._watch = Watch(self, model, optimizer, notices=self._notices, **options)
        if self._watch.part is not None:
            self._join(self._watch.part)
        self._assembly.expects_updates = self._watch.is_hooked
        if self._posts.outbox is not None:
            if self._watch.has_budget:
                self._posts.items.suspect_spikes(weak_call(self._watch.lift_limit))
            if self._watch.holds_samples:
                self._posts.items.spike_samples = SpikeSamples()
            self._posts.layers = list(self._watch.layers)
            self._posts.optimizer = self._posts.optimizer or self._watch.optimizer_info
            self._posts.open()
        return self._watch

    @never_raises
    def request_samples(self, steps: int = 5) -> None:
        """Posts raw coordinates of each layer with the next steps, where `watch` keeps some."""
        if self._watch is not None:
            self._watch.request_samples(steps)

    @never_raises
    def capture_gradients(self) -> None:
        """Call before clipping gradients by other means than those of torch.nn.utils."""
        if self._watch is not None:
            self._watch.capture_gradients()

    @never_raises
    def after_step(self) -> None:
        """Call after an `optimizer.step()` that is compiled, or replayed from a CUDA graph."""
        if self._watch is not None:
            self._watch.after_step()

    @never_raises
    def on_advice(self, callback: AdviceCallback) -> AdviceCallback:
        """Calls `callback(item)` with each thing that the server advises, once; see `advice.AdviceItem`.

        It is called from `log()`, in the training thread, where model and optimizer may be touched.
        What it raises is said once and passed over. Of several ranks rank 0 alone is told.
        """
        listener = self._listen()
        if listener is not None:
            listener.add(callback)
        return callback

    @never_raises
    def advice(self) -> Advice | None:
        """The newest that is known; None before there is any. Waits for nothing."""
        listener = self._listen()
        return None if listener is None else listener.newest

    @never_raises
    def sync_advice(self, timeout: float = 10.0) -> Advice | None:
        """Waits until the server's detectors have looked at all that was logged, then tells what is new.

        A round trip or two: for slow steps, and for tests. None where that took too long.
        """
        listener = self._listen()
        if listener is None or self._first_log_at is None:
            return None
        deadline = time.monotonic() + timeout
        if not self.flush(timeout):
            return None
        # Nothing is open after a flush: the step before the next is the last one logged.
        last = self._assembly.current_step - 1
        if not listener.wait_for(last, deadline - time.monotonic()):
            return None
        listener.tell()
        return listener.newest

    @never_raises
    def flush(self, timeout: float = 10.0) -> bool:
        """Waits until all that was logged is stored. False where that took too long."""
        if self._posts.outbox is None:
            return True
        self._assembly.finish()
        self._posts.open()
        return self._posts.outbox.flush(timeout)

    @never_raises
    def finish(self, status: str = "finished", *, timeout: float = FINISH_TIMEOUT) -> None:
        """Sends what waits and ends the run: finished, failed or stopped. The second call does nothing.

        Steps that the server did not take in time are kept on disk for `spikescope sync`.
        """
        if not self._finishing.acquire(blocking=False):
            return
        try:
            self._put_end(status)
        finally:
            self._close(timeout)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        self.finish(exits.status_of(kind))

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        # Sent to another process, as loaders do with all they hold: it posts nothing there.
        return _unpickle, (self._posts.run_id, self._settings.project)

    # For watch, exits and the outbox

    def attach(self, capture: Any, index: int) -> None:
        """One optimizer step, and what `Watch` captured of it, if anything."""
        if self._posts.outbox is not None and not self._is_finished:
            self._assembly.attach(capture, index)

    def note_skipped_update(self) -> None:
        """An optimizer step that was left out; called where it would have been."""
        self._assembly.skip()

    @property
    def is_mine(self) -> bool:
        """False in a forked child."""
        return self._pid == os.getpid()

    @never_raises
    def begin_finish(self, status: str) -> None:
        """Puts the end behind what waits, unless it is there already, and waits for nothing."""
        if self._finishing.acquire(blocking=False):
            self._put_end(status)

    @never_raises
    def end_finish(self, timeout: float) -> None:
        """Waits, also for a finish() that somebody else began: what is left goes to disk."""
        self._close(timeout)

    def holds_lock(self) -> bool:
        """Whether the calling thread is where others of this run cannot go on."""
        outbox, advice = self._posts.outbox, self._advice
        return (
            self._assembly.is_held
            or (outbox is not None and outbox.is_held)
            or (advice is not None and advice.is_held)
        )

    def _put_end(self, status: str) -> None:
        self._is_finished = True
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()
        if self._advice is not None:
            self._advice.stop()
        if self._posts.outbox is None:
            return
        self._assembly.finish()
        self._posts.put_end(status)

    def _close(self, timeout: float) -> None:
        is_delivered = self._posts.close(timeout)
        # Until now a signal must find it: what is still in memory is to go to disk.
        exits.unregister(self)
        if is_delivered:
            self._posts.tell_leader()

    def renew_after_fork(self) -> None:
        if self._posts.outbox is not None:
            self._posts.outbox.renew_after_fork()

    def _join(self, part: RunPart) -> None:
        """This rank posts layers of its own: of all that do, rank 0 opens the run."""
        self._posts.join(part)
        if self._posts.outbox is None:
            self._start(None)

    def _start(self, connection: Connection | None) -> None:
        tick, on_events = weak_call(self._tick), weak_call(self._take_events, list)
        self._posts.start(self._rank, connection, tick=tick, on_events=on_events)
        exits.register(self)

    def _listen(self) -> AdviceListener | None:
        """None where there is nobody to ask, which is said once."""
        outbox, settings = self._posts.outbox, self._settings
        if self._advice is not None or outbox is None or self._is_finished or self._rank != 0:
            return self._advice
        self._advice = make_listener(settings, lambda: outbox.opened, self._notices)
        return self._advice

    def _tick(self) -> None:
        """About once a second, in the outbox's thread."""
        if self._is_finished:
            return
        self._assembly.tick()
        first = self._first_log_at
        if not self._posts.is_opened and first is not None and time.monotonic() - first >= OPEN_AFTER:
            self._posts.open()

    def _say_lost(self) -> None:
        self._notices.say(
            "late capture",
            "watch: a step was sent before its optimizer.step() came, and stands without its layers; "
            "log behind optimizer.step()",
        )

    def _take_events(self, events: Sequence[Any]) -> list[Item]:
        if self._advice is not None:
            self._advice.wake()
        return self._posts.take_events(events)


def _unpickle(run_id: str, project: str) -> Run:
    from .init import disabled_run

    return disabled_run(run_id, project)
