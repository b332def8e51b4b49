"""How long log() holds a training loop up: python bench/python/log_latency.py [--away] [--calls 20000]

Each call passes 16 metrics of 1,000 layers and 4 scalars, as a job does that computes its own
statistics. The server is one in this process that answers at once (worse than one elsewhere,
since it takes the interpreter's lock as well), or, with --away, none at all: then everything
goes to disk.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import socket
import sys
import tempfile
import threading
import time
from array import array
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import spikescope
from measured_machine import describe_machine, quantile

LAYERS = 1000
METRICS = 16


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.rfile.read(length)
        is_run = self.path == "/api/v1/runs"
        reply = (
            {"id": "bench", "attempt": 1, "nextStep": 0, "url": "http://bench"}
            if is_run
            else {"accepted": 1, "duplicates": 0, "rejected": [], "events": []}
        )
        data = json.dumps(reply).encode()
        self.send_response(201 if is_run else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--away", action="store_true")
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--per-second", type=float, default=200.0, help="steps a second of the loop")
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    if options.away:
        with socket.create_server(("127.0.0.1", 0)) as free:
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
    else:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    columns = {
        f"metric_{index}": array("f", (random.random() for _ in range(LAYERS))) for index in range(METRICS)
    }
    work = bytes(256 * 1024)
    took: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        layers = [(f"layer.{index}", 4096) for index in range(LAYERS)]
        run = spikescope.init("bench", url=url, directory=folder, layers=layers)
        pause = 1 / options.per_second
        for step in range(options.calls):
            started = time.perf_counter()
            run.log(loss=1.0, learning_rate=1e-3, gradient_norm=0.5, tokens=step, step=step, layers=columns)
            took.append(time.perf_counter() - started)
            # The loop's own work: like torch's operations it runs outside the interpreter's
            # lock, and comes back for it some thousand times a second.
            until = time.perf_counter() + pause
            while time.perf_counter() < until:
                hashlib.blake2b(work)
        run.finish(timeout=2.0)
    print(describe_machine())
    print(
        f"log() of {METRICS} metrics × {LAYERS} layers, "
        f"{'server away' if options.away else 'server answering'}, "
        f"{options.calls} calls at {options.per_second:.0f}/s"
    )
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)):
        print(f"  {name:6} {quantile(took, share) * 1e6:9.1f} µs")
    counts = run.counts
    print(f"  {counts}")
    is_met = quantile(took, 0.99) <= 1e-3
    print(f"p99 ≤ 1 ms: {'met' if is_met else 'MISSED'}")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
