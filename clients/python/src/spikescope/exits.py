"""Every way in which a process ends, so that a run is not left open and no step is lost.

the interpreter ends      atexit: finished, or failed after an uncaught exception
SIGTERM                   stopped; only where the job has no handler of its own
fork                      the child's copy does nothing
SIGKILL, a power cut      what was on disk is delivered by the next process or by `sync`
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run import Run

# Of the 30 s that Slurm and Kubernetes give before they kill, most is the job's own.
SIGTERM_TIMEOUT = 5.0

# Held until they finish: a run that nobody keeps a name for is still finished.
_runs: set[Run] = set()
_is_installed = False
_uncaught: type[BaseException] | None = None


def status_of(error: type[BaseException] | None) -> str:
    if error is None or (issubclass(error, SystemExit)):
        return "finished"
    return "stopped" if issubclass(error, KeyboardInterrupt) else "failed"


def register(run: Run) -> None:
    _runs.add(run)
    _install()


def unregister(run: Run) -> None:
    _runs.discard(run)


def _install() -> None:
    global _is_installed
    if _is_installed:
        return
    _is_installed = True
    atexit.register(_finish_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork_in_child)
    previous_hook = sys.excepthook

    def remember(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        global _uncaught
        _uncaught = kind
        previous_hook(kind, error, traceback)

    sys.excepthook = remember
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_sigterm)


def _finish_all() -> None:
    status = status_of(_uncaught)
    for run in list(_runs):
        run.finish(status)


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    for run in list(_runs):
        run.stop_now(SIGTERM_TIMEOUT)
    # As if this handler had never been: the process ends by the signal, and says so.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def _after_fork_in_child() -> None:
    for run in list(_runs):
        run.renew_after_fork()
    _runs.clear()
    handler: Any = signal.getsignal(signal.SIGTERM)
    if handler is _on_sigterm:
        # A worker process ends at once, as it would without us.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
