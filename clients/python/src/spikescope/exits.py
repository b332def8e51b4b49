"""Every way in which a process ends, so that a run is not left open and no step is lost.

the interpreter ends      atexit: finished, or failed after an uncaught exception
a worker process ends     multiprocessing's own list: atexit is not asked there
SIGTERM                   stopped; only where the job has no handler of its own
fork                      the child's copy does nothing
SIGKILL, a power cut      what was on disk is delivered by the next process or by `sync`

A handler of signals runs between any two lines of the main thread. Where that is in the middle
of this client, which may hold a lock that its threads wait for, it lets the main thread go on
and comes again.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run import Run

# Of the 30 s that Slurm and Kubernetes give before they kill, most is the job's own.
SIGTERM_TIMEOUT = 5.0
# How long the end of the interpreter may wait for servers; of all runs together, as is the one above.
EXIT_TIMEOUT = 15.0
# The main thread is out of this client within milliseconds, unless a disk or a callback holds it up.
LONGEST_DEFERRAL = 1.0
ASK_AGAIN = 0.02

_PACKAGE = __name__.rpartition(".")[0]

# Held until they finish: a run that nobody keeps a name for is still finished.
_runs: set[Run] = set()
_is_installed = False
_worker_pid: int | None = None
_uncaught: type[BaseException] | None = None
# When a SIGTERM came that waits until the main thread is out of this client.
_deferred_at: float | None = None


def status_of(error: type[BaseException] | None) -> str:
    if error is None or (issubclass(error, SystemExit)):
        return "finished"
    return "stopped" if issubclass(error, KeyboardInterrupt) else "failed"


def register(run: Run) -> None:
    _runs.add(run)
    _install()


def unregister(run: Run) -> None:
    _runs.discard(run)


def end_deferred() -> None:
    """The main thread leaves this client: a signal that came meanwhile is taken now."""
    if _deferred_at is not None and threading.current_thread() is threading.main_thread():
        _end_by_signal()


def _install() -> None:
    global _is_installed
    if not _is_installed:
        _is_installed = True
        atexit.register(_finish_all)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_after_fork_in_child)
        _remember_uncaught()
    _watch_worker()
    # Looked at again with each run: the first one may be of another thread, or of a parent process.
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_sigterm)


def _remember_uncaught() -> None:
    previous_hook = sys.excepthook

    def remember(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        global _uncaught
        _uncaught = kind
        previous_hook(kind, error, traceback)

    sys.excepthook = remember


def _watch_worker() -> None:
    """Processes of multiprocessing, as torch starts them too, end by `os._exit`."""
    global _worker_pid
    module = sys.modules.get("multiprocessing.process")
    is_worker = module is not None and module.parent_process() is not None
    if not is_worker or _worker_pid == os.getpid():
        return
    _worker_pid = os.getpid()
    from multiprocessing.util import Finalize

    Finalize(None, _finish_worker, exitpriority=100)


def _finish_worker() -> None:
    """Called while what ended the process is still on its way."""
    error = sys.exc_info()[1]
    if isinstance(error, SystemExit) and error.code not in (None, 0) and error.__context__ is not None:
        # torch.multiprocessing tells the parent of an exception, and then exits.
        error = error.__context__
    _end_all(status_of(None if error is None else type(error)), EXIT_TIMEOUT)


def _finish_all() -> None:
    _end_all(status_of(_uncaught), EXIT_TIMEOUT)


def _end_all(status: str, timeout: float) -> None:
    """Each run delivers in a thread of its own, so that all together take the time of one."""
    deadline = time.monotonic() + timeout
    runs = list(_runs)
    for run in runs:
        run.begin_finish(status)
    for run in runs:
        try:
            run.end_finish(max(0.0, deadline - time.monotonic()))
        except KeyboardInterrupt:
            # Whoever is at the keyboard waits no longer; what is left goes to disk.
            deadline = time.monotonic()


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    global _deferred_at
    now = time.monotonic()
    since = now if _deferred_at is None else _deferred_at
    if _is_within_client(frame) and now - since < LONGEST_DEFERRAL and _ask_again():
        _deferred_at = since
        return
    _end_by_signal()


def _end_by_signal() -> None:
    global _deferred_at
    _deferred_at = None
    _end_all("stopped", SIGTERM_TIMEOUT)
    # As if this handler had never been: the process ends by the signal, and says so.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def _is_within_client(frame: FrameType | None) -> bool:
    """Whether it was interrupted in our code, save where that waits and holds no lock."""
    is_waiting = frame is not None and frame.f_globals.get("__name__") == threading.__name__
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name == _PACKAGE or name.startswith(f"{_PACKAGE}."):
            return not is_waiting or any(run.holds_lock() for run in list(_runs))
        frame = frame.f_back
    return False


def _ask_again() -> bool:
    timer = threading.Timer(ASK_AGAIN, _repeat_signal, (os.getpid(),))
    timer.daemon = True
    try:
        timer.start()
    except RuntimeError:
        # No thread can be started any more; better now, with a lock held, than never.
        return False
    return True


def _repeat_signal(pid: int) -> None:
    if _deferred_at is not None and pid == os.getpid():
        os.kill(pid, signal.SIGTERM)


def _after_fork_in_child() -> None:
    global _deferred_at
    _deferred_at = None
    for run in list(_runs):
        run.renew_after_fork()
    _runs.clear()
    handler: Any = signal.getsignal(signal.SIGTERM)
    if handler is _on_sigterm:
        # A worker process ends at once, as it would without us.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
