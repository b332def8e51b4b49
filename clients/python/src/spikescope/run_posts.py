"""What of a run goes to its server: its description once, its steps and events, and its end."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Callable

from .assembly import Step
from .layers import LayerInfo, OptimizerInfo
from .run_description import make_create
from .run_outbox import make_outbox
from .run_part import RunPart
from .settings import Settings
from .step_items import StepItems
from .transport.backlog import EVENT, FINISH, Item
from .transport.connection import Connection
from .transport.delivery import Counts
from .transport.notices import Notices
from .transport.opening import Opened, Opening
from .transport.outbox import Outbox, Pending
from .transport.shared_run import LEADER, PART

FINISH_STATUSES = ("finished", "failed", "stopped")


class RunPosts:
    """`outbox` is None where this process posts nothing: of another rank, or of a disabled run."""

    def __init__(
        self,
        settings: Settings,
        *,
        config: Any,
        optimizer: OptimizerInfo | None,
        layers: list[LayerInfo] | None,
        notices: Notices,
    ) -> None:
        self._settings = settings
        self._config = config
        # Until the run is opened.
        self.optimizer, self.layers = optimizer, layers
        self.items = StepItems(notices)
        self.outbox: Outbox | None = None
        self.is_opened = False
        self._notices = notices
        self._end_status = "finished"
        # Taken by whoever tells the leader of the end; never given back.
        self._telling = threading.Lock()

    @property
    def opened(self) -> Opened | None:
        """None until the server has answered."""
        return self.outbox.opened if self.outbox else None

    @property
    def run_id(self) -> str:
        return self.opened.run_id if self.opened else self._settings.run_id

    @property
    def counts(self) -> Counts:
        return self.outbox.counts() if self.outbox else Counts()

    def start(
        self,
        rank: int,
        connection: Connection | None,
        *,
        tick: Callable[[], None],
        on_events: Callable[[list[Any]], list[Item]],
    ) -> None:
        self.outbox = make_outbox(
            self._settings,
            rank=rank,
            connection=connection,
            notices=self._notices,
            tick=tick,
            on_events=on_events,
        )

    def join(self, part: RunPart) -> None:
        """This rank posts layers of its own, into the run that rank 0 opens."""
        self.items.part = part
        if self.outbox is None:
            self._settings = replace(self._settings, run_id=part.run_id)

    def open(self) -> None:
        if self.is_opened or self.outbox is None:
            return
        self.is_opened = True
        settings, layers = self._settings, self.layers or []
        create = make_create(settings, self._config, self.optimizer, layers)
        self.items.layer_count = len(layers)
        shared = self.items.part.shared if self.items.part is not None else None
        role = shared.role if shared is not None else None
        self.outbox.open(Opening(create, settings.resume, role=role, shared=shared))

    def put_step(self, step: Step) -> None:
        if self.outbox is None:
            return
        size = 1024 + (step.capture.size_bytes if step.capture is not None else 0)
        self.outbox.put(Pending(functools.partial(self.items.make, step), size, is_step=True))

    def put_event(self, event: Mapping[str, Any]) -> None:
        self._put_json(EVENT, event)

    def put_end(self, status: str) -> None:
        if status not in FINISH_STATUSES:
            self._notices.say("status", f"status {status!r}: expected one of {', '.join(FINISH_STATUSES)}")
            status = "finished"
        self._end_status = status
        self.open()
        part = self.items.part
        if part is None or part.shared.role == LEADER:
            self._put_json(FINISH, {"status": status})
        if self.outbox is not None:
            self.outbox.hurry()

    def close(self, timeout: float) -> bool:
        """True where nothing was left."""
        outbox = self.outbox
        if outbox is None:
            return True
        try:
            return outbox.close(timeout)
        except BaseException:
            # Interrupted at the keyboard: nobody waits any longer, and nothing is to be lost by it.
            outbox.close(0.0)
            raise

    def tell_leader(self) -> None:
        """That this rank's part is delivered."""
        part = self.items.part
        if part is not None and part.shared.role == PART and self._telling.acquire(blocking=False):
            part.shared.tell_done(self._end_status)

    def take_events(self, events: Sequence[Any]) -> list[Item]:
        """In the outbox's thread: what the server found in the steps that it has just stored."""
        return self.items.take_events(events)

    def _put_json(self, kind: bytes, value: Mapping[str, Any]) -> None:
        if self.outbox is not None:
            item = Item(kind, payload=json.dumps(value).encode())
            self.outbox.put(Pending(lambda: item, item.size_bytes))
