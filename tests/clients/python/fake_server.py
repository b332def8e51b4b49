"""A small server of the contract's writes that misbehaves on demand."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import socket
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable
from urllib.parse import quote, unquote

from spikescope.wire.frames import decode_frames, encode_frames

# What one request meets: a name below, or an HTTP status.
Fault = "str | int"


class FakeServer:
    """Keeps what it was sent. `faults` are met one a request, in order; then all is well.

    drop          the connection ends without an answer
    stored_drop   it is stored, and the answer is lost
    hang          no answer until `release`
    html          200 and a page that is not ours
    """

    def __init__(self, port: int = 0) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.faults: deque[Fault] = deque()
        self.retry_after: str | None = None
        # What detectors find in a step, told in the reply to its frame.
        self.found: dict[int, list[dict[str, Any]]] = {}
        # The status with which an old server answers a post of samples, and its code.
        self.no_samples: tuple[int, str] | None = None
        # What a training loop is advised; None: a server that knows no such path.
        self.advised: list[dict[str, Any]] | None = None
        # Fields that it does not know of what is posted, as an older server would.
        self.ignored: list[str] = []
        self.changed = threading.Condition()
        self.release = threading.Event()
        self.connections: set[socket.socket] = set()
        # Holds the port while the server is away: nobody else may be given it meanwhile.
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind(("127.0.0.1", port))
        self._port = self._place.getsockname()[1]
        self._http: ThreadingHTTPServer | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        handler = type("Handler", (_Handler,), {"fake": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        http, self._http = self._http, None
        self.release.set()
        self.release = threading.Event()
        if http is not None:
            http.shutdown()
            http.server_close()
        # A process that dies takes its open connections with it.
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.stop()
        self._place.close()

    def wait_for(self, condition: Callable[[], bool], timeout: float = 60.0) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, timeout), "what was waited for did not come"

    def steps(self, run_id: str, attempt: int = 1) -> list[int]:
        """In the order in which they were stored."""
        return [step for number, step, _ in self.runs[run_id]["stored"] if number == attempt]

    def late_samples(self, run_id: str) -> list[int]:
        """Steps whose samples came behind them, in that order."""
        return [frame.step for frame in self.runs[run_id]["samples"]]

    def scalars(self, run_id: str, name: str = "loss") -> dict[int, float]:
        stored = self.runs[run_id]["stored"]
        return {step: frame.scalars[name] for _, step, frame in stored if name in frame.scalars}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeServer

    def setup(self) -> None:
        super().setup()
        self.fake.connections.add(self.connection)
        if self.fake._http is not self.server:
            # Taken just before the server went away, which has not seen it.
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        self.fake.connections.discard(self.connection)
        super().finish()

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        """A run as far as its writer asks for it."""
        fake = self.fake
        with fake.changed:
            fake.requests.append((self.path, "None", dict(self.headers)))
            fake.changed.notify_all()
        if self.path.endswith("/advice"):
            self._advise(unquote(self.path.split("/")[-2]))
            return
        run = fake.runs.get(unquote(self.path.split("/")[-1]))
        if run is None:
            self._answer(404, {"error": {"code": "run_not_found", "message": "no such run"}})
            return
        attempts = [
            {"attempt": number, "resumeFromStep": first} for number, first in enumerate(run["attempts"], 1)
        ]
        self._answer(200, {"status": run["status"], "attempts": attempts})

    def _advise(self, run_id: str) -> None:
        fake = self.fake
        run = fake.runs.get(run_id)
        if fake.advised is None or run is None:
            self._answer(404, {"error": {"code": "not_found", "message": "no such path"}})
            return
        steps = [step for _, step, _ in run["stored"]]
        reply = {"runId": run_id, "attempt": len(run["attempts"]), "step": max(steps, default=None)}
        self._answer(200, {**reply, "version": str(len(fake.advised)), "items": fake.advised})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        fake = self.fake
        fault = fake.faults.popleft() if fake.faults else None
        with fake.changed:
            fake.requests.append((self.path, str(fault), dict(self.headers)))
            fake.changed.notify_all()
        if fault == "hang":
            fake.release.wait()
            self.close_connection = True
            return
        if fault == "drop":
            self.close_connection = True
            return
        if isinstance(fault, int):
            self._answer(fault, {"error": {"code": f"made_{fault}", "message": "as the test wants it"}})
            return
        if fault == "html":
            self._send(200, b"<html>wi-fi login</html>", "text/html")
            return
        with fake.changed:
            status, reply = self._take(body)
            if status < 300 and fake.ignored:
                reply = {**reply, "ignored": fake.ignored}
            fake.changed.notify_all()
        if fault == "stored_drop":
            self.close_connection = True
            return
        self._answer(status, reply)

    def _answer(self, status: int, value: Any) -> None:
        self._send(status, json.dumps(value).encode(), "application/json")

    def _send(self, status: int, data: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        if self.fake.ignored and self.command == "GET":
            self.send_header("X-Ignored-Parameters", ", ".join(map(quote, self.fake.ignored)))
        if self.fake.retry_after is not None and status in (429, 503):
            self.send_header("Retry-After", self.fake.retry_after)
        self.end_headers()
        self.wfile.write(data)

    def _take(self, body: bytes) -> tuple[int, Any]:
        parts = [unquote(part) for part in self.path.split("/")[3:]]
        if parts == ["runs"]:
            return self._open(json.loads(body))
        run = self.fake.runs.get(parts[1])
        if run is None:
            return 404, {"error": {"code": "run_not_found", "message": f"no run {parts[1]}"}}
        if parts[2] == "events":
            run["events"].append(json.loads(body))
            return 201, {}
        if parts[2] == "finish":
            run["status"] = json.loads(body)["status"]
            return 200, {}
        if parts[2] == "samples" and self.fake.no_samples is not None:
            status, code = self.fake.no_samples
            return status, {"error": {"code": code, "message": "no such path"}}
        if run["status"] != "running":
            return 410, {"error": {"code": "run_finished", "message": "the run has ended"}}
        if parts[2] == "samples":
            return self._samples(run, body)
        return self._frames(run, body)

    def _open(self, create: dict[str, Any]) -> tuple[int, Any]:
        status = 200
        run = self.fake.runs.get(create["id"])
        if run is None:
            status = 201
            run = {"create": create, "attempts": [0], "stored": [], "hashes": {}, "events": [], "samples": []}
            # As `stored`, with the layer at which each frame begins.
            run["shards"] = []
            self.fake.runs[create["id"]] = run
        elif run["create"]["layers"] != create["layers"]:
            return 409, {"error": {"code": "layers_differ", "message": "other layers"}}
        attempt = len(run["attempts"])
        has_frames = any(number == attempt for number, _, _ in run["stored"])
        resume = create.get("resumeFromStep")
        is_again = resume is not None and not has_frames and run["attempts"][-1] == resume
        if resume is not None and not is_again and (status == 200 or resume > 0):
            status = 201
            run["attempts"].append(resume)
        run["status"] = run.get("status", "running") if "resumeFromStep" not in create else "running"
        next_step = 1 + max((step for _, step, _ in run["stored"]), default=-1)
        url = f"{self.fake.url}/runs/{create['id']}"
        return status, {
            "id": create["id"],
            "attempt": len(run["attempts"]),
            "nextStep": next_step,
            "url": url,
        }

    def _samples(self, run: dict[str, Any], body: bytes) -> tuple[int, Any]:
        metadata, frames = decode_frames(body)
        stored = {step for number, step, _ in run["stored"] if number == int(metadata["attempt"])}
        known = {frame.step for frame in run["samples"]}
        rejected = [
            {"step": frame.step, "code": "step_not_stored", "message": "post its frame first"}
            for frame in frames
            if frame.step not in stored
        ]
        new = [frame for frame in frames if frame.step in stored and frame.step not in known]
        run["samples"] += new
        duplicates = len(frames) - len(new) - len(rejected)
        return 200, {"accepted": len(new), "duplicates": duplicates, "rejected": rejected}

    def _frames(self, run: dict[str, Any], body: bytes) -> tuple[int, Any]:
        metadata, frames = decode_frames(body)
        attempt = int(metadata["attempt"])
        offset = int(metadata.get("layer_offset", "0"))
        accepted = duplicates = 0
        rejected = []
        events = [event for frame in frames for event in self.fake.found.get(frame.step, ())]
        for frame in frames:
            key = (attempt, frame.step, offset)
            digest = hashlib.sha256(encode_frames([frame])).hexdigest()
            if key not in run["hashes"]:
                accepted += 1
                run["hashes"][key] = digest
                run["stored"].append((attempt, frame.step, frame))
                run["shards"].append((attempt, frame.step, offset, frame))
            elif run["hashes"][key] == digest:
                duplicates += 1
            else:
                rejected.append({"step": frame.step, "code": "step_conflict", "message": "other content"})
        return 200, {"accepted": accepted, "duplicates": duplicates, "rejected": rejected, "events": events}
