"""Two ranks of a job in one process."""

from __future__ import annotations

import threading

import spikescope
from spikescope.run_part import RunPart
from spikescope.transport.shared_run import SharedRun

LAYERS = [("a", 4), ("b", 4), ("c", 4)]


class MemoryStore:
    """What torch.distributed.Store does of it, and `is_gone` once its host has ended."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.is_gone = False
        self._lock = threading.Lock()

    def _act(self, act):
        with self._lock:
            if self.is_gone:
                raise ConnectionError("the host of the store has ended")
            return act()

    def set(self, key, value):
        self._act(lambda: self.values.__setitem__(key, value))

    def get(self, key):
        return self._act(lambda: self.values[key].encode())

    def check(self, keys):
        return self._act(lambda: all(key in self.values for key in keys))

    def add(self, key, amount):
        def act():
            self.values[key] = str(int(self.values.get(key, "0")) + amount)
            return int(self.values[key])

        return self._act(act)


def start_rank(url: str, rank: int, store: MemoryStore, run_id: str = "run") -> spikescope.Run:
    """Rank 0 has the layer a, rank 1 has b and c."""
    run = spikescope.init("demo", id=run_id, url=url, directory="kept", rank=rank)
    first, count = [(0, 1), (1, 2)][rank]
    shared = SharedRun(store, is_leader=rank == 0, part_count=1)
    run._posts.layers = [spikescope.LayerInfo.of(layer) for layer in LAYERS]
    run._join(RunPart(run_id, first, count, len(LAYERS), shared))
    run._posts.open()
    return run
