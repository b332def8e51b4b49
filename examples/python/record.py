"""Keeps what a job posts as a recording that `npm run import` reads, while it is posted.

    python examples/python/record.py spike.jsonl.gz -- python examples/python/loss_spike.py 320

Stands between the job and the server at SPIKESCOPE_URL and passes everything on, so that a job
that listens to the server, as `--mitigation reset` does, hears it; with `--alone` it is the server,
that takes everything and finds nothing. Small on purpose: layers below 1,000 parameters are left
out, numbers have three digits, and distributions are kept every tenth step, and at each of the
steps that `--around` names.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import struct
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from spikescope.importers.observations import Bins
from spikescope.importers.rebin import rebin
from spikescope.wire.buffers import MISSING_FLOAT32_BITS
from spikescope.wire.frames import Frame, Histogram, decode_frames

SMALLEST_LAYER = 1000
HISTOGRAMS_EVERY = 10
DIGITS = 3
# Of u: wide enough for all that is seen, and coarse; its bins on the wire are much finer near 0.
UPDATE_BINS, UPDATE_LIMIT = 64, 2.0


class Recorder:
    """What was posted of one run."""

    def __init__(self, steps: range) -> None:
        self.create: dict[str, Any] = {}
        self.frames: dict[int, Frame] = {}
        self._all_histograms = steps

    def take(self, path: str, body: bytes) -> None:
        if path.endswith("/runs"):
            self.create = json.loads(body)
        elif path.endswith("/frames"):
            for frame in decode_frames(body)[1]:
                self.frames[frame.step] = frame

    def lines(self) -> list[dict[str, Any]]:
        return [self._line(frame) for _, frame in sorted(self.frames.items())]

    def description(self) -> dict[str, Any]:
        optimizer = self.create["optimizer"]
        return {
            "config": {
                **self.create.get("config", {}),
                "optimizer": optimizer["name"],
                "b1": optimizer["beta1"],
                "b2": optimizer["beta2"],
                "eps": optimizer["epsilon"],
                "wd": optimizer.get("weightDecay", 0.0),
            },
            "layers": [
                {"name": layer["name"], "n": layer["parameterCount"], "shape": layer["shape"]}
                for layer in self._layers()
            ],
        }

    def _layers(self) -> list[dict[str, Any]]:
        return [layer for layer in self.create["layers"] if layer["parameterCount"] >= SMALLEST_LAYER]

    def _line(self, frame: Frame) -> dict[str, Any]:
        has_histograms = frame.step % HISTOGRAMS_EVERY == 0 or frame.step in self._all_histograms
        columns = {name: _floats(column) for name, column in frame.layers.items()}
        rows = []
        for index, layer in enumerate(self.create["layers"]):
            if layer["parameterCount"] < SMALLEST_LAYER:
                continue
            row: dict[str, Any] = {"name": layer["name"], "n": layer["parameterCount"]}
            for name, values in columns.items():
                if values[index] is not None:
                    row[name] = values[index]
            if has_histograms and frame.histograms:
                row["u_hist"] = _update(frame.histograms["update"], index)
                row["r_hist"] = _ratio(frame.histograms["ratio"], index)
            rows.append(row)
        scalars = {name: _rounded(value, 6) for name, value in frame.scalars.items()}
        return {"step": frame.step, "wall_time": round(frame.wall_time or 0, 3), **scalars, "layers": rows}


def _floats(column: Any) -> list[Any]:
    data = bytes(column)
    count = len(data) // 4
    bits, values = struct.unpack(f"<{count}I", data), struct.unpack(f"<{count}f", data)
    return [None if b == MISSING_FLOAT32_BITS else _rounded(v, DIGITS) for b, v in zip(bits, values)]


def _rounded(value: float, digits: int) -> float | str:
    # JSON has no NaN and no infinities; the importer takes their names.
    names = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return names.get(repr(value)) or float(f"{value:.{digits}g}")


def _row(histogram: Histogram, layer: int) -> tuple[list[float], list[int], tuple[int, ...]]:
    bins = histogram.bin_count
    edges = struct.unpack(f"<{bins + 1}f", histogram.edges)
    counts = struct.unpack_from(f"<{bins}I", histogram.counts, 4 * bins * layer)
    return list(edges), list(counts), struct.unpack_from("<4I", histogram.outside, 16 * layer)


def _ratio(histogram: Histogram, layer: int) -> dict[str, Any]:
    """Its bins are equal: as they were posted."""
    edges, counts, (under, over, zeros, _) = _row(histogram, layer)
    limits = {"lo": edges[0], "hi": edges[-1], "bins": len(counts)}
    return {**limits, "counts": counts, "under": under, "over": over, "undef": zeros}


def _update(histogram: Histogram, layer: int) -> dict[str, Any]:
    """On equal bins; the zeros are in the bin that begins at 0, where the importer looks for them."""
    edges, counts, (under, over, zeros, _) = _row(histogram, layer)
    step = 2 * UPDATE_LIMIT / UPDATE_BINS
    wanted = [index * step - UPDATE_LIMIT for index in range(UPDATE_BINS + 1)]
    found = rebin(Bins(edges[:-1], edges[1:], counts), wanted)
    found.counts[UPDATE_BINS // 2] += zeros
    limits = {"lo": -UPDATE_LIMIT, "hi": UPDATE_LIMIT, "bins": UPDATE_BINS}
    outside = {"under": under + found.outside[0], "over": over + found.outside[1], "undef": 0}
    return {**limits, "counts": found.counts, **outside}


def answer_alone(path: str, body: bytes, own: str) -> tuple[int, bytes]:
    """What a server says that stores each post for the first time."""
    if path.endswith("/runs"):
        run_id = json.loads(body)["id"]
        opened = {"id": run_id, "attempt": 1, "nextStep": 0, "url": f"{own}/runs/{run_id}"}
        return 201, json.dumps(opened).encode()
    if path.endswith("/frames"):
        count = len(decode_frames(body)[1])
        return 200, json.dumps({"accepted": count, "duplicates": 0, "rejected": [], "events": []}).encode()
    return 200, b"{}"


def serve(recorder: Recorder, upstream: str | None) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass_on(None)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_packed = self.headers.get("Content-Encoding") == "gzip"
            plain = gzip.decompress(body) if is_packed else body
            recorder.take(self.path, plain)
            if upstream is None:
                status, answer = answer_alone(self.path, plain, self._own())
                self._answer(status, "application/json", answer)
            else:
                self._pass_on(body)

        def _pass_on(self, body: bytes | None) -> None:
            if upstream is None:
                self._answer(404, "application/json", b'{"error":{"code":"not_found","message":"nobody"}}')
                return
            left_out = ("host", "content-length", "connection")
            headers = {key: value for key, value in self.headers.items() if key.lower() not in left_out}
            request = urllib.request.Request(upstream + self.path, body, headers, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=30) as reply:
                    status, kind, answer = reply.status, reply.headers["Content-Type"], reply.read()
            except urllib.error.HTTPError as error:
                status, kind, answer = error.code, error.headers["Content-Type"], error.read()
            except (OSError, http.client.HTTPException) as error:
                # As a proxy says it; the job tries again.
                status, kind, answer = 502, "text/plain", str(error).encode()
            # The job's own look-ups go where the page is: through here as well.
            self._answer(status, kind, answer.replace(upstream.encode(), self._own().encode()))

        def _answer(self, status: int, kind: str, answer: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _own(self) -> str:
            return f"http://127.0.0.1:{self.server.server_address[1]}"

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="NAME.jsonl.gz; NAME.meta.json is written beside it")
    parser.add_argument("--around", metavar="FROM-TO", default="1-0", help="steps with all distributions")
    parser.add_argument("--alone", action="store_true", help="without a server")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def main() -> int:
    options = read_options()
    first, last = (int(part) for part in options.around.split("-"))
    recorder = Recorder(range(first, last + 1))
    upstream = os.environ.get("SPIKESCOPE_URL", "http://127.0.0.1:3000").rstrip("/")
    server = serve(recorder, None if options.alone else upstream)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    code = subprocess.call(options.command, env={**os.environ, "SPIKESCOPE_URL": url})
    server.shutdown()
    if code != 0 or not recorder.frames:
        print("nothing was recorded", file=sys.stderr)
        return code or 1
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in recorder.lines())
    # Without its own time, so that the same steps make the same file.
    options.file.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    description = json.dumps(recorder.description(), indent=1)
    name = options.file.name.removesuffix(".gz").removesuffix(".jsonl")
    options.file.with_name(f"{name}.meta.json").write_text(description + "\n")
    print(f"{len(recorder.frames)} steps, {options.file.stat().st_size / 1e6:.2f} MB in {options.file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
