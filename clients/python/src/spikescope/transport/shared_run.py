"""A run that several processes of a job post into: one opens it, the others post their part.

leader   opens the run ─▶ tells its id and attempt ─▶ … ─▶ ends it once all parts are delivered
part     asks until it was told ─▶ posts its layers ─▶ says that it is done

They meet in a key-value store that the job has: that of torch.distributed. It is asked
from the outbox's thread and never waited for.
"""

from __future__ import annotations

import json
from typing import Any, Protocol

# How often a part looks whether the run is open, and the leader whether all are done, in seconds.
ASK_EVERY = 0.2

LEADER, PART = "leader", "part"


class Store(Protocol):
    """What torch.distributed.Store has of it."""

    def set(self, key: str, value: str) -> None: ...

    def get(self, key: str) -> bytes: ...

    def check(self, keys: list[str]) -> bool: ...

    def add(self, key: str, amount: int) -> int: ...


class SharedRun:
    """One process's view. What the store raises, as once its host is gone, is an answer of "not yet"."""

    def __init__(self, store: Store, *, is_leader: bool, part_count: int) -> None:
        self._store = store
        self._part_count = part_count
        self.role = LEADER if is_leader else PART

    def tell_opened(self, run_id: str, attempt: int) -> None:
        self._try(lambda: self._store.set("opened", json.dumps({"id": run_id, "attempt": attempt})))

    def find_opened(self) -> tuple[str, int] | None:
        """Id and attempt; None while the leader has not opened the run."""

        def ask() -> tuple[str, int] | None:
            if not self._store.check(["opened"]):
                return None
            opened = json.loads(self._store.get("opened"))
            return str(opened["id"]), int(opened["attempt"])

        found: tuple[str, int] | None = self._try(ask)
        return found

    def tell_done(self, status: str) -> None:
        """All that this part had is stored."""

        def tell() -> None:
            if status != "finished":
                self._store.set("status", status)
            self._store.add("done", 1)

        self._try(tell)

    def find_status(self, own: str) -> str | None:
        """With what the leader ends the run: the worst that happened. None: a part is still at it."""

        def ask() -> str | None:
            if self._store.add("done", 0) < self._part_count:
                return None
            has_worse = own == "finished" and self._store.check(["status"])
            return self._store.get("status").decode() if has_worse else own

        found: str | None = self._try(ask)
        return found

    @staticmethod
    def _try(act: Any) -> Any:
        try:
            return act()
        except Exception:
            # The process that hosts the store ended before this one: nobody can be told any more.
            return None
