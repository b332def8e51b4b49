"""What the client has to say, to standard error: each kind of thing once, never an exception."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Sequence
from typing import Callable, TypeVar

Result = TypeVar("Result")
# The place of an item in a list, as in layers.3.kind.
_PLACE = re.compile(r"\.\d+\.")


def write_to_stderr(message: str) -> None:
    if sys.stderr is not None:  # None under pythonw and late in interpreter shutdown
        sys.stderr.write(f"spikescope: {message}\n")
        sys.stderr.flush()


class Notices:
    def __init__(self, write: Callable[[str], None] = write_to_stderr) -> None:
        self._write = write
        self._said: set[str] = set()
        # Entered again by a signal's handler, which runs in the middle of whatever the main thread does.
        self._lock = threading.RLock()

    def say(self, kind: str, message: str) -> None:
        """Says the first of a kind; the counts tell how often it happened."""
        with self._lock:
            if kind in self._said:
                return
            self._said.add(kind)
        try:
            self._write(message)
        except Exception:
            # A closed or full standard error must not reach the training loop, and there
            # is no other place left to say so.
            return

    def say_ignored(self, fields: Sequence[str]) -> None:
        """What the server left out of a post or a query; each field once, whichever item of a list has it."""
        for field in fields:
            name = _PLACE.sub(".", field)
            self.say(
                f"ignored {name}",
                f"{field} is not known to the server, which left it out: misspelt, or of a newer version",
            )

    def read_or_say(self, name: str, expected: str, read: Callable[[], Result]) -> Result | None:
        """None, and a word, for what the job gave us and cannot be read."""
        try:
            return read()
        except Exception as error:
            self.say(name, f"{name}: expected {expected} ({type(error).__name__}: {error}); it is left out")
            return None

    def forget(self, kind: str) -> None:
        """The next of this kind is said again."""
        with self._lock:
            self._said.discard(kind)

    def renew_lock(self) -> None:
        """After a fork: the parent may have held the lock."""
        self._lock = threading.RLock()
