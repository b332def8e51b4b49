"""A training that listens to advice survives what ruins its twin, on the real worker.

Nothing is advised here: a broken batch is found by the server's detectors, and the way back comes over HTTP.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("torch")

URL = os.environ.get("SPIKESCOPE_TEST_URL", "")
pytestmark = pytest.mark.skipif(URL == "", reason="SPIKESCOPE_TEST_URL names no product")

EXAMPLE = Path(__file__).parents[3] / "examples" / "python" / "advised_loop.py"


def start(run_id: str, folder: Path, *arguments: str) -> subprocess.Popen:
    folder.mkdir()
    environment = {
        **os.environ,
        "SPIKESCOPE_URL": URL,
        "SPIKESCOPE_RUN_ID": run_id,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    return subprocess.Popen(
        [sys.executable, str(EXAMPLE), *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def get(path: str):
    with urllib.request.urlopen(f"{URL}/api/v1{path}") as reply:
        return json.load(reply)


def last_loss(output: str) -> float:
    found = re.search(r"mean loss of the last 20 steps: ([\d.]+)", output)
    assert found is not None, output
    return float(found.group(1))


def test_it_survives_what_ruins_its_twin(tmp_path):
    name = f"advised-{secrets.token_hex(4)}"
    jobs = {
        "deaf": start(f"{name}-deaf", tmp_path / "deaf"),
        "listens": start(f"{name}-listens", tmp_path / "listens", "--listen"),
    }
    output = {kind: job.communicate()[0] for kind, job in jobs.items()}
    assert [job.returncode for job in jobs.values()] == [0, 0], output
    assert "passed over" not in output["listens"]
    loss = {kind: last_loss(text) for kind, text in output.items()}
    # 3.0 and 2.4; before the broken batch both were at 2.45, and scatter by 0.02 from seed to seed.
    assert loss["listens"] < 2.6 < 2.8 < loss["deaf"]

    run = get(f"/runs/{name}-listens")
    assert [attempt["resumeFromStep"] for attempt in run["attempts"]] == [0, 81]
    [spike] = get(f"/runs/{name}-listens/spikes?kind=loss_spike&attempt=1")["items"]
    assert 180 <= spike["onsetStep"] <= 190
    assert get(f"/runs/{name}-listens/spikes?kind=loss_spike&attempt=2")["items"] == []
    # What was done is on the run's timeline, by the ids of what was advised.
    done = {event["id"]: event["attempt"] for event in get(f"/runs/{name}-listens/events")["items"]}
    assert done[f"1-rewind-{spike['id']}"] == 1
    assert done[f"2-skip_batch-{spike['id']}"] == 2

    # The twin was advised the same, and had nobody to hear it.
    twin = get(f"/runs/{name}-deaf")
    assert len(twin["attempts"]) == 1
    [first, *_] = get(f"/runs/{name}-deaf/advice")["items"]
    assert (first["action"], first["checkpointStep"]) == ("rewind", 80)
