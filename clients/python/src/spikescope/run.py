"""One run as its training job sees it. Nothing here waits for the network or raises.

log, watch ─▶ Assembly (one step) ─▶ Outbox (queue, thread) ─▶ server, or disk
"""

from __future__ import annotations

import functools
import json
import os
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from . import exits
from .advice import REQUEST_TIMEOUT, Advice, AdviceCallback, AdviceListener
from .assembly import Assembly, Step
from .layers import LayerInfo, OptimizerInfo
from .run_part import RunPart
from .scalars import json_config, read_scalars
from .settings import Settings
from .spike_samples import SPIKE_EVENTS, SpikeSamples
from .step_frames import make_frame
from .transport.backlog import EVENT, FINISH, FRAME, SAMPLES, Item
from .transport.connection import Connection
from .transport.delivery import Counts
from .transport.kept_run import KeptRun, find_kept_runs
from .transport.notices import Notices
from .transport.opening import Opening
from .transport.outbox import Outbox, Pending
from .transport.shared_run import LEADER, PART
from .wire.frames import Frame

if TYPE_CHECKING:
    from .capture.watch import Watch

EVENT_KINDS = ("checkpoint", "batch_skip", "learning_rate", "hyperparameter", "note")
FINISH_STATUSES = ("finished", "failed", "stopped")
# How long finish() may wait for the server. What is left by then goes to disk.
FINISH_TIMEOUT = 15.0
# A run without watch() is opened this long after its first step: watch() may still come.
OPEN_AFTER = 5.0

Result = TypeVar("Result")


def _never_raises(method: Callable[..., Result]) -> Callable[..., Any]:
    """A fault of this client, or of what it was given, is said once; training goes on."""

    @functools.wraps(method)
    def call(self: Run, *args: Any, **kwargs: Any) -> Any:
        if not self.is_mine:
            return None
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            self._notices.say(
                f"{method.__name__} {type(error).__name__}",
                f"{method.__name__}() failed and was passed over: {type(error).__name__}: {error}",
            )
            return None

    return call


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
        read = self._notices.read_or_say
        self._config = read(
            "config", "values that have a text", lambda: json_config(config, self._notices.say)
        )
        self._optimizer = None
        if optimizer is not None:
            self._optimizer = read(
                "optimizer", "a mapping with a name", lambda: OptimizerInfo.of_mapping(optimizer)
            )
        self._layers: list[LayerInfo] | None = None
        if layers is not None:
            self._layers = read(
                "layers",
                "a list of mappings with name and parameter_count",
                lambda: [LayerInfo.of(layer) for layer in layers],
            )
        self._is_opened = self._is_finished = False
        self._first_log_at: float | None = None
        self._watch: Watch | None = None
        self._spike_samples: SpikeSamples | None = None
        # Of a rank that posts layers of its own into a run that ranks share.
        self._part: RunPart | None = None
        self._outbox: Outbox | None = None
        self._advice: AdviceListener | None = None
        resume = settings.resume
        self._assembly = Assembly(self._emit, first_step=resume if isinstance(resume, int) else 0)
        if settings.mode != "disabled" and rank == 0:
            self._outbox = self._make_outbox(connection)
            exits.register(self)
            if self._layers is not None:
                self._open()

    @property
    def id(self) -> str:
        opened = self._outbox.opened if self._outbox else None
        return opened.run_id if opened else self._settings.run_id

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
        opened = self._outbox.opened if self._outbox else None
        return opened.url if opened else None

    @property
    def attempt(self) -> int | None:
        """None until the server has answered."""
        opened = self._outbox.opened if self._outbox else None
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
        return self._outbox.counts() if self._outbox else Counts()

    @_never_raises
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
        if self._outbox is None:
            return
        scalars = read_scalars({**(values or {}), **metrics}, self._notices.say)
        if self._first_log_at is None:
            self._first_log_at = time.monotonic()
        self._assembly.log(None if step is None else int(step), scalars, layers or {}, histograms or {})
        if self._advice is not None:
            self._advice.tell()

    @_never_raises
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
        if self._outbox is None:
            return
        if kind not in EVENT_KINDS:
            self._notices.say(
                f"event {kind}", f"event kind {kind!r}: expected one of {', '.join(EVENT_KINDS)}"
            )
            kind = "note"
        event: dict[str, Any] = {"step": self.step if step is None else int(step), "kind": kind}
        event["title"] = str(title)[:256] or kind
        if detail is not None:
            event["detail"] = str(detail)[:65_536]
        if id is not None:
            event["id"] = id
        self._put_json(EVENT, event)

    @_never_raises
    def watch(self, model: Any, optimizer: Any = None, **options: Any) -> Watch | None:
        """Reads gradients, moments and weights at each `optimizer.step()`; see `capture.watch.Watch`."""
        if self._settings.mode == "disabled":
            return None
        from .capture.watch import Watch

        if self._is_opened:
            self._notices.say(
                "late watch", "watch() came after the run was opened; call it before the first log()"
            )
            return None
        self._watch = Watch(self, model, optimizer, notices=self._notices, **options)
        if self._watch.part is not None:
            self._join(self._watch.part)
        if self._outbox is not None:
            if self._watch.holds_samples:
                self._spike_samples = SpikeSamples()
            self._layers = list(self._watch.layers)
            self._optimizer = self._optimizer or self._watch.optimizer_info
            self._open()
        return self._watch

    @_never_raises
    def request_samples(self, steps: int = 5) -> None:
        """Posts raw coordinates of each layer with the next steps, where `watch` keeps some."""
        if self._watch is not None:
            self._watch.request_samples(steps)

    @_never_raises
    def capture_gradients(self) -> None:
        """Call before clipping gradients by other means than those of torch.nn.utils."""
        if self._watch is not None:
            self._watch.capture_gradients()

    @_never_raises
    def after_step(self) -> None:
        """Call after an `optimizer.step()` that is compiled, or replayed from a CUDA graph."""
        if self._watch is not None:
            self._watch.after_step()

    @_never_raises
    def on_advice(self, callback: AdviceCallback) -> AdviceCallback:
        """Calls `callback(item)` with each thing that the server advises, once; see `advice.AdviceItem`.

        It is called from `log()`, in the training thread, where model and optimizer may be touched.
        What it raises is said once and passed over. Of several ranks rank 0 alone is told.
        """
        listener = self._listen()
        if listener is not None:
            listener.add(callback)
        return callback

    @_never_raises
    def advice(self) -> Advice | None:
        """The newest that is known; None before there is any. Waits for nothing."""
        listener = self._listen()
        return None if listener is None else listener.newest

    @_never_raises
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

    @_never_raises
    def flush(self, timeout: float = 10.0) -> bool:
        """Waits until all that was logged is stored. False where that took too long."""
        if self._outbox is None:
            return True
        self._assembly.finish()
        self._open()
        return self._outbox.flush(timeout)

    @_never_raises
    def finish(self, status: str = "finished", *, timeout: float = FINISH_TIMEOUT) -> None:
        """Sends what waits and ends the run: finished, failed or stopped. The second call does nothing.

        Steps that the server did not take in time are kept on disk for `spikescope sync`.
        """
        if self._is_finished:
            return
        self._is_finished = True
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()
        if self._advice is not None:
            self._advice.stop()
        outbox = self._outbox
        if outbox is None:
            exits.unregister(self)
            return
        if status not in FINISH_STATUSES:
            self._notices.say("status", f"status {status!r}: expected one of {', '.join(FINISH_STATUSES)}")
            status = "finished"
        try:
            self._assembly.finish()
            self._open()
            if self._part is None or self._part.shared.role == LEADER:
                self._put_json(FINISH, {"status": status})
        finally:
            is_delivered = outbox.close(timeout)
            # Until now a signal must find it: what is still in memory is to go to disk.
            exits.unregister(self)
        if is_delivered and self._part is not None and self._part.shared.role == PART:
            self._part.shared.tell_done(status)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        self.finish(exits.status_of(kind))

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        # Sent to another process, as loaders do with all they hold: it posts nothing there.
        return _unpickle, (self._settings.run_id, self._settings.project)

    # For watch, exits and the outbox

    def attach(self, capture: Any) -> None:
        """One captured optimizer step, from `Watch`."""
        if self._outbox is not None and not self._is_finished:
            self._assembly.attach(capture)

    @property
    def is_mine(self) -> bool:
        """False in a forked child."""
        return self._pid == os.getpid()

    @_never_raises
    def stop_now(self, timeout: float) -> None:
        """The process ends: what finish() has begun to wait for goes to disk instead."""
        if not self._is_finished:
            self.finish("stopped", timeout=timeout)
        elif self._outbox is not None:
            self._outbox.close(timeout)

    def renew_after_fork(self) -> None:
        if self._outbox is not None:
            self._outbox.renew_after_fork()

    def _join(self, part: RunPart) -> None:
        """This rank posts layers of its own: of all that do, rank 0 opens the run."""
        self._part = part
        if self._outbox is None:
            self._settings = replace(self._settings, run_id=part.run_id)
            self._outbox = self._make_outbox(None)
            exits.register(self)

    def _make_outbox(self, connection: Connection | None) -> Outbox:
        settings = self._settings
        kept = KeptRun.create(settings.directory, settings.run_id, max_bytes=settings.spool_bytes)
        if settings.mode == "online" and connection is None:
            try:
                connection = Connection(settings.url, token=settings.token, timeout=settings.request_timeout)
            except ValueError as error:
                self._notices.say("url", f"{error}; this run is kept offline")
        if connection is None:
            self._notices.say(
                "offline", f"run {settings.run_id} is kept in {kept.folder} for spikescope sync"
            )
        run = weakref.ref(self)
        return Outbox(
            kept,
            connection,
            notices=self._notices,
            max_memory_bytes=settings.memory_bytes,
            leftovers=self._find_leftovers() if connection is not None else (),
            tick=lambda: _tick(run),
            on_events=lambda events: _take_events(run, events),
        )

    def _find_leftovers(self) -> tuple[KeptRun, ...]:
        """What earlier processes of this run could not deliver goes first."""
        found = []
        for folder in find_kept_runs(self._settings.directory, self._settings.run_id):
            kept = KeptRun(folder, max_bytes=self._settings.spool_bytes)
            # An attempt is opened by rank 0 alone, also one that an earlier job could not open.
            if kept.lock() and (self._rank == 0 or kept.has_attempt()):
                found.append(kept)
            else:
                kept.release()
        return tuple(found)

    def _listen(self) -> AdviceListener | None:
        """None where there is nobody to ask, which is said once."""
        outbox, settings = self._outbox, self._settings
        if self._advice is not None or outbox is None or self._is_finished or self._rank != 0:
            return self._advice
        if settings.mode != "online":
            self._notices.say("advice offline", "there is no advice for a run that is kept offline")
            return None
        connection = Connection(settings.url, token=settings.token, timeout=REQUEST_TIMEOUT)
        self._advice = AdviceListener(connection, lambda: outbox.opened, self._notices)
        self._advice.start()
        return self._advice

    def _open(self) -> None:
        if self._is_opened or self._outbox is None:
            return
        self._is_opened = True
        settings = self._settings
        layers = self._layers or []
        create: dict[str, Any] = {
            "project": settings.project,
            "id": settings.run_id,
            "optimizer": (self._optimizer or OptimizerInfo("unknown")).to_json(),
            "layers": [layer.to_json() for layer in layers],
        }
        if settings.name is not None:
            create["name"] = settings.name
        if settings.tags:
            create["tags"] = list(settings.tags)
        if self._config is not None:
            create["config"] = self._config
        shared = self._part.shared if self._part is not None else None
        role = shared.role if shared is not None else None
        self._outbox.open(Opening(create, settings.resume, role=role, shared=shared))

    def _tick(self) -> None:
        """About once a second, in the outbox's thread."""
        if self._is_finished:
            return
        self._assembly.tick()
        first = self._first_log_at
        if not self._is_opened and first is not None and time.monotonic() - first >= OPEN_AFTER:
            self._open()

    def _emit(self, step: Step) -> None:
        outbox = self._outbox
        if outbox is None:
            return
        size = 1024 + (step.capture.size_bytes if step.capture is not None else 0)
        outbox.put(Pending(functools.partial(self._make_item, step), size, is_step=True))

    def _make_item(self, step: Step) -> Item | list[Item]:
        """In the outbox's thread."""
        part = self._part
        layer_count = len(self._layers or ()) if part is None else part.layer_count
        if step.is_late and (layer_count > 0 or part is not None):
            # The step is stored: what came later goes as one more shard, of no layers.
            frame = make_frame(step, 0)
            return Item(FRAME, frame=frame, layer_offset=layer_count if part is None else part.late_offset)
        offset = None if part is None else part.layer_offset
        frame = make_frame(step, layer_count)
        if self._spike_samples is None:
            return Item(FRAME, frame=frame, layer_offset=offset)
        held = None if step.capture is None else step.capture.read_held()
        frame, earlier = self._spike_samples.see(frame, held)
        return [Item(FRAME, frame=frame, layer_offset=offset), *self._sample_items(earlier)]

    def _sample_items(self, frames: Sequence[Frame]) -> list[Item]:
        offset = None if self._part is None else self._part.layer_offset
        return [Item(SAMPLES, frame=frame, layer_offset=offset) for frame in frames]

    def _take_events(self, events: Sequence[Any]) -> list[Item]:
        """In the outbox's thread: what the server found in the steps that it has just stored."""
        if self._advice is not None:
            self._advice.wake()
        is_spike = any(isinstance(each, dict) and each.get("kind") in SPIKE_EVENTS for each in events)
        if self._spike_samples is None or not is_spike:
            return []
        return self._sample_items(self._spike_samples.spike_opened())

    def _put_json(self, kind: bytes, value: Mapping[str, Any]) -> None:
        if self._outbox is not None:
            item = Item(kind, payload=json.dumps(value).encode())
            self._outbox.put(Pending(lambda: item, item.size_bytes))


def _tick(run: weakref.ref[Run]) -> None:
    alive = run()
    if alive is not None:
        alive._tick()


def _take_events(run: weakref.ref[Run], events: Sequence[Any]) -> list[Item]:
    alive = run()
    return [] if alive is None else alive._take_events(events)


def _unpickle(run_id: str, project: str) -> Run:
    from .init import disabled_run

    return disabled_run(run_id, project)
