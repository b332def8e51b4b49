"""How long to wait before a request is repeated. Seconds throughout."""

from __future__ import annotations

import email.utils
import math

# A server that restarts is back in about a second.
FIRST_WAIT = 0.25
# A job notices within half a minute that its server is back.
LONGEST_WAIT = 30.0
# A Retry-After beyond this is taken for a mistake.
LONGEST_RETRY_AFTER = 120.0


def backoff(failure_count: int, retry_after: float | None, random: float) -> float:
    """Doubling, half of it random so that a thousand ranks do not come back in step."""
    if retry_after is not None:
        # Never earlier than the server asks, and not all at once either.
        return min(LONGEST_RETRY_AFTER, retry_after) + FIRST_WAIT * random
    ceiling: float = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(16, max(0, failure_count - 1)))
    return ceiling * (0.5 + random / 2)


def parse_retry_after(header: str | None, now: float) -> float | None:
    """`Retry-After` in seconds: a number or an HTTP date; None when it says nothing usable."""
    if header is None or not header.strip():
        return None
    try:
        seconds = float(header)
    except ValueError:
        seconds = math.nan
    if math.isfinite(seconds):
        return max(0.0, seconds)
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    return max(0.0, moment.timestamp() - now)
