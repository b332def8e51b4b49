"""A busy machine takes its time over what usually takes milliseconds: what guards against waiting
for ever waits for minutes in tests. Imported by the tests and by the jobs that they start.
"""

from __future__ import annotations

import time
from typing import Callable

import spikescope.exits
import spikescope.transport.outbox
from spikescope.run import Run

# For putting the rest on disk; what is shorter than this does not wait for the server at all.
RESERVE = 60.0

spikescope.transport.outbox.SPILL_RESERVE = RESERVE
spikescope.exits.SIGTERM_TIMEOUT = spikescope.exits.EXIT_TIMEOUT = 2 * RESERVE
# Those of the methods themselves, below the wrapper that lets nothing raise.
vars(Run.finish)["__wrapped__"].__kwdefaults__["timeout"] = 2 * RESERVE
vars(Run.flush)["__wrapped__"].__defaults__ = (RESERVE,)


def wait_for(condition: Callable[[], bool], what: str = "what was waited for") -> None:
    """Of what tells nobody when it happens."""
    deadline = time.monotonic() + RESERVE
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)
