"""Delivers a backlog: opens the run, posts what waits, and acts on each outcome.

No threads and no sleeps here: `send_next` makes one request and says when to come back.

  backlog ─▶ next_batch ─▶ POST ─▶ settle
                             └▶ away: the backlog goes to disk, and the batch again later
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Callable
from urllib.parse import quote

from ..wire.frames import encode_frames
from .backlog import EVENT, FINISH, FRAME, SAMPLES, Backlog, Batch, Item
from .backoff import LONGEST_WAIT, backoff
from .connection import SAFETENSORS_TYPE, Connection, Outcome
from .kept_run import KeptRun
from .notices import Notices
from .opening import Opened, Opening, open_run
from .shared_run import ASK_EVERY, LEADER, PART

# A request of this size decodes in a few milliseconds and is far below the contract's 32 MiB.
MAX_BATCH_BYTES = 4 * 1024 * 1024
# Enough to catch up quickly, few enough that one reply comes soon.
MAX_BATCH_FRAMES = 64
# A request over which the server breaks this often is given up, so that later steps pass.
MAX_FAULTS = 5
# Worth a word from the second in a row: a restarting server is back within a second.
SAID_FAILURES = 2


@dataclass
class Counts:
    """Steps and events of this process. What was lost stands in `dropped`."""

    logged: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    dropped: int = 0
    queued: int = 0
    kept_on_disk: int = 0
    retries: int = 0
    # Steps whose samples were posted behind them, and those of which the server took none.
    samples_posted: int = 0
    samples_refused: int = 0


class Delivery:
    """Used by one thread at a time."""

    def __init__(
        self,
        backlog: Backlog,
        kept: KeptRun,
        connection: Connection | None,
        notices: Notices,
        counts: Counts,
        random: Callable[[], float],
        on_events: Callable[[list[Any]], list[Item]] = lambda events: [],
    ) -> None:
        self._on_events = on_events
        self._backlog = backlog
        self._kept = kept
        self._connection = connection
        self._notices = notices
        self._counts = counts
        self._random = random
        self._opening: Opening | None = None
        self.opened: Opened | None = None
        self._found: Opened | None = None
        # Left over by another process: no step will follow.
        self._is_complete = False
        self._has_reopened = False
        self.is_away = connection is None
        # Why nothing is sent any more; what comes is kept on disk.
        self.ended: str | None = None
        self._failures = 0
        self._is_said_away = False
        self._faults = 0
        self._max_frames = self._most_frames = MAX_BATCH_FRAMES

    @property
    def opening(self) -> Opening | None:
        return self._opening

    @property
    def can_send(self) -> bool:
        return self._connection is not None and self.ended is None and self._opening is not None

    @property
    def is_waiting_for_step(self) -> bool:
        """The run was found, and its first step of this process is yet to come."""
        if self.opened is not None or self._found is None or self._is_complete:
            return False
        return self._backlog.first_step() is None and not self._backlog.has_finish()

    def prepare(self, opening: Opening) -> None:
        self._opening = opening

    def restore(self, description: dict[str, Any]) -> None:
        """As another process left it."""
        self._is_complete = True
        self.prepare(
            Opening(
                description["create"],
                description.get("resume", "allow"),
                description.get("sharedAttempt"),
                description.get("role"),
            )
        )
        if description.get("attempt") is not None:
            self.opened = Opened(
                description["create"]["id"], description["attempt"], description.get("url", ""), 0, False
            )

    def describe(self) -> dict[str, Any]:
        """What `restore` needs."""
        opening = self._opening or Opening()
        return {
            "create": opening.create,
            "resume": opening.resume,
            "sharedAttempt": opening.attempt,
            "role": opening.role,
            "attempt": self.opened.attempt if self.opened else None,
            "url": self.opened.url if self.opened else None,
        }

    def send_next(self) -> float | None:
        """One request: None when it went through, else the seconds to wait before the next."""
        connection = self._connection
        if connection is None or self.ended is not None or self._opening is None:
            return LONGEST_WAIT
        if self.is_waiting_for_step:
            return None
        if self.opened is None:
            opening = self._find_opening(self._opening)
            return ASK_EVERY if opening is None else self._open(connection, opening)
        batch = self._backlog.next_batch(max_frames=self._max_frames, max_bytes=MAX_BATCH_BYTES)
        if batch is None:
            return None
        if batch.items[0].kind == FINISH and self._opening.role == LEADER:
            if self._opening.shared is None:
                # Left over. Other processes may have kept steps too, and a run that ended takes none.
                self._backlog.settle(batch)
                self._notices.say("left open", "the run is left open: other ranks may have kept steps of it")
                return None
            status = self._opening.shared.find_status(json.loads(batch.items[0].payload)["status"])
            if status is None:
                return ASK_EVERY
            finish = Item(FINISH, payload=json.dumps({"status": status}).encode())
            batch = batch._replace(items=[finish])
        outcome = self._post(connection, batch, self.opened)
        return self._settle(batch, outcome)

    def _find_opening(self, opening: Opening) -> Opening | None:
        """Of a part what the leader opened; None while it has not."""
        if opening.role != PART or opening.shared is None or opening.attempt is not None:
            return opening
        found = opening.shared.find_opened()
        if found is None:
            return None
        run_id, attempt = found
        self._opening = replace(opening, create={**opening.create, "id": run_id}, attempt=attempt)
        return self._opening

    def _open(self, connection: Connection, opening: Opening) -> float | None:
        result = open_run(connection, opening, self._backlog.first_step())
        if isinstance(result, Outcome):
            if result.kind in ("retry", "fault", "denied"):
                return self._wait(result)
            self._end(f"run {opening.create.get('id')} could not be opened: {result.describe()}")
            return LONGEST_WAIT
        self._succeed()
        if result.is_undecided and self._found is None and not self._is_complete:
            self._found = result
            self._notices.say("url", result.url)
            return None
        if result.run_id != opening.create.get("id"):
            self._notices.say(
                "renamed", f"run {opening.create.get('id')} exists; this one is {result.run_id}"
            )
            self._opening = replace(opening, create={**opening.create, "id": result.run_id})
        elif opening.resume == "must" and result.is_new and result.attempt == 1:
            self._notices.say("no run", f"there was no run {result.run_id} to resume; it was created")
        self.opened = result
        if opening.shared is not None and opening.role == LEADER:
            opening.shared.tell_opened(result.run_id, result.attempt)
        if opening.role == PART:
            # The leader says it all.
            return None
        self._notices.say("url", result.url)
        if result.attempt > 1 and result.is_new:
            self._notices.say("attempt", f"this is attempt {result.attempt} of {result.run_id}")
        return None

    def _post(self, connection: Connection, batch: Batch, opened: Opened) -> Outcome:
        path = f"/api/v1/runs/{quote(opened.run_id, safe='')}"
        first = batch.items[0]
        if first.kind == EVENT:
            event = json.loads(first.payload)
            return connection.post_json(f"{path}/events", {"attempt": opened.attempt, **event})
        if first.kind == FINISH:
            return connection.post(f"{path}/finish", first.payload, "application/json")
        frames = [item.frame for item in batch.items if item.frame is not None]
        body = encode_frames(frames, attempt=opened.attempt, layer_offset=first.layer_offset)
        kind = "samples" if first.kind == SAMPLES else "frames"
        return connection.post(f"{path}/{kind}", body, SAFETENSORS_TYPE)

    def _settle(self, batch: Batch, outcome: Outcome) -> float | None:
        is_samples = batch.items[0].kind == SAMPLES
        is_old = is_samples and (outcome.status == 405 or outcome.code == "not_found")
        if is_old or (is_samples and outcome.kind == "closed"):
            # If it is the run that has ended, the next frame meets the same.
            outcome = replace(outcome, kind="refused")
        if outcome.kind == "fault":
            self._faults += 1
        if outcome.kind in ("retry", "denied") or (outcome.kind == "fault" and self._faults < MAX_FAULTS):
            return self._wait(outcome)
        if outcome.kind == "closed":
            if batch.items[0].kind == FRAME and self._may_reopen(outcome):
                return None
            self._end(outcome.describe())
            return LONGEST_WAIT
        count = len(batch.items)
        if outcome.kind in ("too_large", "refused", "fault") and count > 1 and not is_old:
            # Not settled: fewer a request, so that one bad step does not cost the others.
            self._max_frames = max(1, count // 2)
            if outcome.kind == "too_large":
                self._most_frames = self._max_frames
            self._faults = 0
            return None
        self._backlog.settle(batch)
        self._succeed()
        if outcome.is_done:
            self._max_frames = min(self._most_frames, self._max_frames * 2)
            if batch.items[0].kind == FRAME:
                self._count(outcome.body, batch)
                self._add_samples(outcome.body)
            elif is_samples:
                self._count_samples(outcome.body, batch)
        elif is_samples:
            self._counts.samples_refused += count
            words = f"samples were refused: {outcome.describe()}"
            if is_old:
                words = "this server takes no samples behind their steps; the next steps' go with them"
            self._notices.say(f"samples {outcome.code}", words)
        else:
            self._counts.dropped += count
            self._notices.say(
                f"refused {outcome.code}", f"a post was refused and dropped: {outcome.describe()}"
            )
        return None

    def _may_reopen(self, outcome: Outcome) -> bool:
        """Once: a job that ended before its first step ended the run, and its successor hears it here.

        True where the run is opened anew, with the first step of this job.
        """
        opening, opened, first_step = self._opening, self.opened, self._backlog.first_step()
        if self._has_reopened or opening is None or opened is None or first_step is None:
            return False
        is_own = opening.role is None and opening.attempt is None and opening.resume in ("allow", "must")
        is_empty = not opened.is_new and opened.next_step == 0 and self._counts.accepted == 0
        if outcome.code != "run_finished" or self._is_complete or not (is_own and is_empty):
            return False
        self._has_reopened = True
        self._opening = replace(opening, resume=first_step)
        self.opened = None
        return True

    def _count(self, reply: Any, batch: Batch) -> None:
        rejected = reply.get("rejected", []) if isinstance(reply, dict) else []
        self._counts.duplicates += int(reply.get("duplicates", 0)) if isinstance(reply, dict) else 0
        self._counts.rejected += len(rejected)
        self._counts.accepted += (
            int(reply.get("accepted", 0)) if isinstance(reply, dict) else len(batch.items)
        )
        for fault in rejected:
            self._notices.say(
                f"rejected {fault.get('code')}",
                f"step {fault.get('step')} was rejected ({fault.get('code')}): {fault.get('message')}",
            )

    def _add_samples(self, reply: Any) -> None:
        """What the detectors found in these frames may ask for samples of the steps before."""
        events = reply.get("events") if isinstance(reply, dict) else None
        if isinstance(events, list) and events:
            for item in self._on_events(events):
                self._backlog.add(item)

    def _count_samples(self, reply: Any, batch: Batch) -> None:
        rejected = reply.get("rejected", []) if isinstance(reply, dict) else []
        self._counts.samples_posted += len(batch.items) - len(rejected)
        self._counts.samples_refused += len(rejected)
        for fault in rejected:
            # Too late, or near no spike after all: as is to be expected of a suspicion.
            if fault.get("code") != "outside_spikes":
                self._notices.say(
                    f"samples {fault.get('code')}",
                    f"samples of step {fault.get('step')} were refused: {fault.get('message')}",
                )

    def _wait(self, outcome: Outcome) -> float:
        self._failures += 1
        self._counts.retries += 1
        self.is_away = True
        # The next try with a wrong token is half a minute away: a person should hear of it now.
        if self._failures >= SAID_FAILURES or outcome.kind == "denied":
            self._is_said_away = True
            self._notices.forget("back")
            self._notices.say("away", f"{outcome.describe()}; {_what_to_do(outcome)}")
        if outcome.kind == "denied":
            # A token is repaired by a person: no use in asking every second.
            return LONGEST_WAIT * (0.5 + self._random() / 2)
        return backoff(self._failures, outcome.retry_after, self._random())

    def _succeed(self) -> None:
        if self._is_said_away:
            self._notices.say("back", f"the server answers again after {self._failures} tries")
            self._notices.forget("away")
        self._is_said_away = False
        self._failures = self._faults = 0
        self.is_away = False

    def _end(self, reason: str) -> None:
        self.ended = reason
        self.is_away = True
        self._notices.say("ended", f"{reason}; what follows is kept in {self._kept.folder}")


def _what_to_do(outcome: Outcome) -> str:
    going_on = "training goes on, and what it logs is kept until it can be delivered"
    # A foreign host is denied too; there the server's own words say what to set.
    if outcome.kind == "denied" and outcome.code != "host_not_allowed":
        return f"{going_on}; SPIKESCOPE_TOKEN needs a token of scope ingest for this project"
    return f"{going_on}; SPIKESCOPE_URL names the server" if outcome.code == "no_connection" else going_on


def describe_left(backlog: Backlog, kept: KeptRun) -> str | None:
    """Where undelivered items lie, for a person; None where there are none."""
    if backlog.is_empty:
        return None
    if kept.spool.is_empty:
        return "not everything could be delivered, and the disk took nothing of the rest"
    where = kept.folder.parent.parent
    return f"not everything could be delivered; what is left is kept for: spikescope sync {where}"
