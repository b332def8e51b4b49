"""One kept-alive HTTP connection, and what became of each request on it.

done       stored; `body` is the reply
retry      may work later: no connection, time-out, 408, 429, 5xx, a page that is not ours
fault      the server broke over this very request (500): worth a few tries
denied     401 or 403: a token can be repaired while the job runs
too_large  413: smaller pieces may pass
refused    this request is wrong and will stay so
closed     the run is gone or has ended
"""

from __future__ import annotations

import http.client
import json
import math
import socket
import ssl
import threading
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any, Callable

from .backoff import parse_retry_after
from .compression import Compression

JSON_TYPE = "application/json"
SAFETENSORS_TYPE = "application/vnd.safetensors"
# A reply is a few hundred bytes; an export's may be a heatmap of 8192 columns.
MAX_REPLY_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Outcome:
    kind: str
    status: int = 0
    body: Any = None
    code: str = ""
    message: str = ""
    retry_after: float | None = None

    @property
    def is_done(self) -> bool:
        return self.kind == "done"

    def describe(self) -> str:
        return f"{self.message} ({self.code})"


class Connection:
    """Not thread-safe, save `abort`, which ends a request that is under way."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        timeout: float = 15.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url: expected http://… or https://…, got {url!r}")
        self.base_url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self._scheme, self._host = parts.scheme, parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._prefix = parts.path.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._now = now
        self._proxy = _find_proxy(parts.scheme, parts.hostname)
        self._http: http.client.HTTPConnection | None = None
        # Told of the fields of each request that the server does not know.
        self.on_ignored: Callable[[list[str]], None] = lambda fields: None
        # Of a request; its caller may be called upon to let another thread take over meanwhile.
        self.guard: Callable[[Callable[[], Outcome]], Outcome] = lambda send: send()
        # What any request may take, whatever it asks for.
        self.longest = math.inf
        # Entered again by a signal's handler in the middle of `interrupt`.
        self._lock = threading.RLock()
        self._is_aborted = False
        self._is_interrupted = False
        is_loopback = self._host in ("localhost", "::1") or self._host.startswith("127.")
        self.compression = Compression(is_loopback=is_loopback)

    def get(self, path: str, *, accept: str = JSON_TYPE, timeout: float | None = None) -> Outcome:
        return self._request("GET", path, None, {"Accept": accept}, timeout)

    def post_json(self, path: str, value: Any, *, timeout: float | None = None) -> Outcome:
        return self.post(path, json.dumps(value).encode(), JSON_TYPE, timeout=timeout)

    def post(self, path: str, body: bytes, content_type: str, *, timeout: float | None = None) -> Outcome:
        headers = {"Accept": JSON_TYPE, "Content-Type": content_type}
        if self.compression.pays(body):
            body = self.compression.compress(body)
            headers["Content-Encoding"] = "gzip"
        return self._request("POST", path, body, headers, timeout)

    def close(self) -> None:
        with self._lock:
            connection, self._http = self._http, None
        if connection is not None:
            connection.close()

    def abort(self) -> None:
        """Ends the request of another thread, and all that follow: closing alone would leave it waiting."""
        with self._lock:
            self._is_aborted = True
        self._shut_down()

    def interrupt(self) -> None:
        """Ends the request of another thread as if it had timed out; those that follow are made."""
        with self._lock:
            self._is_interrupted = True
        self._shut_down()

    def _shut_down(self) -> None:
        with self._lock:
            raw = None if self._http is None else self._http.sock
        if raw is not None:
            try:
                raw.shutdown(socket.SHUT_RDWR)
            except OSError:
                # Not connected any more, which is what was wanted.
                return

    def _request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], timeout: float | None
    ) -> Outcome:
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        limit = self._timeout if timeout is None else timeout
        return self.guard(lambda: self._send(method, path, body, headers, min(limit, self.longest)))

    def _send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], limit: float
    ) -> Outcome:
        self._is_interrupted = False
        try:
            try:
                return self._exchange(method, path, body, headers, limit)
            except (http.client.BadStatusLine, BrokenPipeError, ConnectionResetError, ConnectionAbortedError):
                # A server closes an idle connection now and then just as a request goes
                # out. All requests may be repeated, so the second try is on a fresh one.
                self.close()
                if self._is_aborted or self._is_interrupted:
                    raise
                return self._exchange(method, path, body, headers, limit)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            message = f"{self.base_url} cannot be reached: {_explain(error)}"
            return Outcome("retry", code="no_connection", message=message)

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], timeout: float
    ) -> Outcome:
        connection = self._open(timeout)
        if self._is_aborted:
            raise ConnectionAbortedError("no more is sent")
        target = f"{self._prefix}{path}"
        if self._proxy is not None and self._scheme == "http":
            target = f"http://{self._host}:{self._port}{target}"
        started = time.monotonic()
        connection.request(method, target, body=body, headers=headers)
        if body is not None:
            self.compression.measure(len(body), time.monotonic() - started)
        reply = connection.getresponse()
        data = reply.read(MAX_REPLY_BYTES)
        if reply.will_close:
            self.close()
        outcome = _classify(reply, data, self._now(), self.base_url)
        ignored = _ignored_fields(reply, outcome.body)
        if ignored:
            self.on_ignored(ignored)
        return outcome

    def _open(self, timeout: float) -> http.client.HTTPConnection:
        with self._lock:
            connection = self._http
        if connection is None:
            connection = self._make(timeout)
            with self._lock:
                self._http = connection
        connection.timeout = timeout
        if connection.sock is None:
            connection.connect()
        raw: socket.socket = connection.sock
        # Small posts must not wait for the acknowledgement of the one before.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(timeout)
        return connection

    def _make(self, timeout: float) -> http.client.HTTPConnection:
        host, port = self._proxy or (self._host, self._port)
        if self._scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=timeout)
        secure = http.client.HTTPSConnection(
            host, port, timeout=timeout, context=ssl.create_default_context()
        )
        if self._proxy is not None:
            secure.set_tunnel(self._host, self._port)
        return secure


def _ignored_fields(reply: http.client.HTTPResponse, body: Any) -> list[str]:
    """Of a post as its reply says, of a query as the header does."""
    named = body.get("ignored") if isinstance(body, dict) else None
    fields = [str(name) for name in named] if isinstance(named, list) else []
    header = reply.headers.get("X-Ignored-Parameters", "")
    return fields + [urllib.parse.unquote(name.strip()) for name in header.split(",") if name.strip()]


def _find_proxy(scheme: str, host: str) -> tuple[str, int] | None:
    """The proxy that the environment names for this address, as urllib would take it."""
    address = urllib.request.getproxies().get(scheme)
    if address is None or urllib.request.proxy_bypass(host):
        return None
    parts = urllib.parse.urlsplit(address if "://" in address else f"http://{address}")
    return (parts.hostname, parts.port or 80) if parts.hostname else None


def _classify(reply: http.client.HTTPResponse, data: bytes, now: float, base_url: str) -> Outcome:
    content_type = reply.headers.get("Content-Type", "")
    body: Any = data
    is_json = "json" in content_type
    if is_json:
        try:
            body = json.loads(data)
        except ValueError:
            is_json = False
    if 200 <= reply.status < 300:
        if is_json or content_type.startswith((SAFETENSORS_TYPE, "text/csv", "text/plain")):
            return Outcome("done", status=reply.status, body=body)
        return Outcome(
            "retry",
            status=reply.status,
            code=f"http_{reply.status}",
            message=f"{base_url} answers, but not as Spikescope does: is the address right?",
        )
    error = body.get("error") if is_json and isinstance(body, dict) else None
    if not isinstance(error, dict):
        error = None
    return Outcome(
        _kind_of(reply.status, error is not None),
        status=reply.status,
        code=str(error.get("code", "")) if error else f"http_{reply.status}",
        message=_message_of(error) if error else _message_of_another(reply, base_url),
        retry_after=parse_retry_after(reply.headers.get("Retry-After"), now),
    )


def _message_of(error: dict[str, Any]) -> str:
    message = str(error.get("message", ""))
    details = error.get("details")
    detail = details[0] if isinstance(details, list) and details else None
    if not isinstance(detail, dict) or str(detail.get("path")) in message:
        return message
    return f"{message} ({detail.get('path')}: {detail.get('message')})"


def _message_of_another(reply: http.client.HTTPResponse, base_url: str) -> str:
    """Something between answered, or another server: faults of Spikescope name a code."""
    answer = f"{base_url} answered {reply.status} {reply.reason}"
    if reply.status >= 500 or reply.status in (408, 429):
        return answer
    return f"{answer}, but not as Spikescope does: is the address right?"


def _kind_of(status: int, is_ours: bool) -> str:
    if status in (401, 403):
        return "denied"
    if status == 413:
        return "too_large"
    if status == 500:
        return "fault"
    # A proxy in between answers 404 while the server behind it starts; ours names a code.
    if status in (408, 429) or status > 500 or not is_ours:
        return "retry"
    return "closed" if status in (404, 410) else "refused"


def _explain(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return "it does not speak TLS there, try http:// in place of https://"
    if isinstance(error, http.client.BadStatusLine):
        return "what answers there does not speak HTTP"
    # "[Errno 111] Connection refused": the words are enough.
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text if text else type(error).__name__
