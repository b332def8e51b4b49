"""A run's folder on disk: what opens the run, and what waits for the server.

DIRECTORY/RUN/20260131T120000.000000-4242-5f0c9a/
  run.json   how the run is opened, and its attempt once that is known
  lock       held while its process lives; a folder that nobody holds is left over
  *.spool    see spool.py
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .shared_run import PART
from .spool import Spool

VERSION = 1
# In a folder's name, between the time and what makes it unique.
_PROCESS = re.compile(r"-(\d+)-[0-9a-f]+\Z")


class KeptRun:
    """Nothing touches the disk until `save` or `spool.append` does."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self.folder = folder
        self.spool = Spool(folder, max_bytes=max_bytes)
        self._lock_file: int | None = None
        _kept_runs.add(self)

    @classmethod
    def create(cls, directory: Path, run_id: str, *, max_bytes: int) -> KeptRun:
        """Names sort by time, in which attempts are delivered; two processes of one moment differ."""
        now = time.time_ns()
        second = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now // 10**9))
        name = f"{second}.{now // 1000 % 10**6:06d}-{os.getpid()}-{secrets.token_hex(3)}"
        return cls(directory / run_id / name, max_bytes=max_bytes)

    def save(self, description: Mapping[str, Any]) -> None:
        """Writes run.json whole or not at all. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock()
        temporary = self.folder / "run.json.new"
        temporary.write_text(json.dumps({"version": VERSION, **description}))
        os.replace(temporary, self.folder / "run.json")

    def load(self) -> dict[str, Any]:
        """What `save` wrote. Raises OSError or ValueError."""
        description = json.loads((self.folder / "run.json").read_text())
        if not isinstance(description, dict) or description.get("version") != VERSION:
            raise ValueError(f"{self.folder}/run.json: expected version {VERSION}")
        return description

    def has_attempt(self) -> bool:
        """Whether the run was opened before this was left over."""
        try:
            return self.load().get("attempt") is not None
        except (OSError, ValueError):
            return False

    def lock(self) -> bool:
        """Whether this process holds the folder now. Systems without flock always do."""
        if self._lock_file is not None:
            return True
        try:
            import fcntl
        except ImportError:
            return True
        if self._is_of_another_client():
            return False
        file = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except OSError:
            # A network file system without locks: as on systems without flock.
            os.close(file)
            return True
        self._lock_file = file
        return True

    def _is_of_another_client(self) -> bool:
        """Whether a live process of the TypeScript client writes here: it cannot lock files."""
        named = _PROCESS.search(self.folder.name)
        if named is None or (self.folder / "lock").exists() or int(named[1]) == os.getpid():
            return False
        try:
            os.kill(int(named[1]), 0)
        except ProcessLookupError:
            return False
        except (OSError, OverflowError):
            # It belongs to somebody else, so it lives; or the name holds no process.
            return True
        return True

    def release(self) -> None:
        self.spool.close()
        file, self._lock_file = self._lock_file, None
        if file is not None:
            os.close(file)

    def remove(self) -> None:
        """All was delivered: leaves nothing behind. Never raises."""
        self.spool.clear()
        self.release()
        for name in ("run.json", "run.json.new", "lock", "cursor", "cursor.new"):
            try:
                (self.folder / name).unlink()
            except OSError:
                continue
        for folder in (self.folder, self.folder.parent):
            try:
                folder.rmdir()
            except OSError:
                # Not empty: another process of the run keeps its own beside this one.
                return

    def describe_fault(self, error: OSError) -> str:
        """Why nothing can be kept here, and what to do about it."""
        why = error.strerror or str(error)
        where = self.folder.parent.parent
        return f"cannot keep steps in {where} ({why}); they wait in memory; SPIKESCOPE_DIR names the folder"

    def forget_lock(self) -> None:
        """In a forked child: the parent's lock must not live as long as the child."""
        file, self._lock_file = self._lock_file, None
        if file is not None:
            os.close(file)


def find_kept_runs(directory: Path, run_id: str | None = None) -> Iterator[Path]:
    """Folders below `directory` with something kept, oldest first within a run."""
    runs = [directory / run_id] if run_id is not None else sorted(_folders(directory))
    for run in runs:
        kept = [folder for folder in sorted(_folders(run)) if (folder / "run.json").exists()]
        # A part whose attempt nobody told goes behind what may open it.
        yield from sorted(kept, key=_is_part_without_attempt)


def _is_part_without_attempt(folder: Path) -> bool:
    try:
        description = json.loads((folder / "run.json").read_text())
    except (OSError, ValueError):
        # Whoever delivers it says so.
        return False
    is_part = isinstance(description, dict) and description.get("role") == PART
    return is_part and description.get("attempt") is None


def _folders(path: Path) -> list[Path]:
    try:
        return [child for child in path.iterdir() if child.is_dir()]
    except OSError:
        return []


_kept_runs: weakref.WeakSet[KeptRun] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for kept in list(_kept_runs):
        kept.forget_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
