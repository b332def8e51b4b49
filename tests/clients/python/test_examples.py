"""Every example of examples/python runs and arrives whole."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("torch")

EXAMPLES = Path(__file__).parents[3] / "examples" / "python"
STEPS = 8


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhtml", None])
def test_training_goes_on_while_the_server_that_it_listens_to_is_away(monkeypatch, answer):
    """It closes the connection, answers with something else, or is not there."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from loss_spike import DipListener

    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                connection.recv(4096)
                connection.sendall(answer or b"")
                connection.close()

    if answer is None:
        listening.close()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    run = SimpleNamespace(flush=lambda timeout: True, url=f"http://127.0.0.1:{port}/runs/x")
    assert DipListener(run).largest(5) == 0.0
    listening.close()


@pytest.mark.parametrize(
    ("name", "package", "first_step"),
    [
        ("plain_loop", "torch", 0),
        ("huggingface_trainer", "transformers", 1),
        ("accelerate_loop", "accelerate", 0),
        ("lightning_module", "lightning", 0),
        ("loss_spike", "torch", 1),
    ],
)
def test_an_example_posts_every_step_with_its_loss_and_layers(server, tmp_path, name, package, first_step):
    pytest.importorskip(package)
    environment = {
        **os.environ,
        "SPIKESCOPE_URL": server.url,
        "SPIKESCOPE_RUN_ID": name,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        # No package may look for anything outside.
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), str(STEPS)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "passed over" not in done.stderr
    run = server.runs[name]
    assert run["status"] == "finished"
    assert run["create"]["optimizer"]["beta2"] == 0.95
    assert server.steps(name) == list(range(first_step, first_step + STEPS))
    for _, step, frame in run["stored"]:
        assert "loss" in frame.scalars, step
        assert frame.scalars["learning_rate"] > 0
        norms = struct.unpack(f"<{frame.layer_count}f", frame.layers["gradient_norm"])
        # Clipped to 0.5, which early gradients exceed: what is shown is what was before.
        if step == first_step:
            assert sum(norm * norm for norm in norms) ** 0.5 == pytest.approx(
                frame.scalars["gradient_norm"], rel=1e-4
            )
            assert frame.scalars["gradient_norm"] > 0.5
        assert "update_std" in frame.layers


def test_what_a_job_posts_is_recorded_for_the_importer(tmp_path):
    command = [sys.executable, str(EXAMPLES / "loss_spike.py"), "12", "--threads", "1"]
    record = [sys.executable, str(EXAMPLES / "record.py"), "--alone", "--around", "3-4", "run.jsonl.gz"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [*record, "--", *command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    described = json.loads((tmp_path / "run.meta.json").read_text())
    assert (described["config"]["b2"], described["config"]["eps"]) == (0.95, 3e-5)
    sizes = {layer["name"]: layer["n"] for layer in described["layers"]}
    assert len(sizes) == 35
    assert min(sizes.values()) >= 1000
    lines = [
        json.loads(line) for line in gzip.decompress((tmp_path / "run.jsonl.gz").read_bytes()).splitlines()
    ]
    assert [line["step"] for line in lines] == list(range(1, 13))
    for line in lines:
        assert [layer["name"] for layer in line["layers"]] == list(sizes)
        for layer in line["layers"]:
            assert ("u_hist" in layer) == (line["step"] in (3, 4, 10))
    # Every coordinate that is read is in a bin, beside the bins, or 0/0.
    for layer in lines[9]["layers"]:
        rows = (layer["u_hist"], layer["r_hist"])
        of_update, of_ratio = (sum(row["counts"]) + row["under"] + row["over"] + row["undef"] for row in rows)
        assert of_update == of_ratio
        assert min(sizes[layer["name"]], 8192) / 2 < of_update <= 8192
