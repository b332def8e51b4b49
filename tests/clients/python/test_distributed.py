"""Replicas, shards and stages in real processes, held to the same training in one process."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from fake_server import FakeServer

from spikescope.wire.buffers import MISSING_FLOAT32_BITS

torch = pytest.importorskip("torch")

WORLD = 2
JOB = Path(__file__).with_name("distributed_job.py")
pytestmark = pytest.mark.skipif(
    not torch.distributed.is_available() or not torch.distributed.is_gloo_available(),
    reason="this torch has no gloo",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """All jobs, in one start of two processes."""
    folder = tmp_path_factory.mktemp("distributed")
    server = FakeServer()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SPIKESCOPE_")}
    ranks = [
        subprocess.Popen(
            [sys.executable, str(JOB), str(rank), str(WORLD), str(folder / "store"), server.url],
            cwd=folder,
            env={**environment, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(WORLD)
    ]
    outputs = [rank.communicate(timeout=400)[0] for rank in ranks]
    yield server, outputs
    server.stop()


def metrics(frame) -> dict[str, list]:
    return {
        name: [
            None if bits == MISSING_FLOAT32_BITS else value
            for bits, value in zip(
                struct.unpack(f"<{frame.layer_count}I", data), struct.unpack(f"<{frame.layer_count}f", data)
            )
        ]
        for name, data in frame.layers.items()
    }


@pytest.mark.parametrize("name", ["ddp", "fsdp2", "stages", "zero"])
def test_what_ranks_see_together_is_what_one_process_sees(trained, name):
    server, outputs = trained
    assert f"{name} failed" not in "".join(outputs), outputs[0] + outputs[1]
    assert "passed over" not in "".join(outputs), outputs[0] + outputs[1]
    whole, shared = server.runs["whole"], server.runs[name]
    assert shared["create"]["layers"] == [{**layer} for layer in whole["create"]["layers"]], (
        "names, kinds and parameter counts"
    )
    assert len(shared["stored"]) == len(whole["stored"]) == 6
    for (_, step, expected), (_, other, found) in zip(whole["stored"], shared["stored"]):
        assert step == other
        expected_metrics, found_metrics = metrics(expected), metrics(found)
        assert set(found_metrics) == set(expected_metrics)
        for metric, column in expected_metrics.items():
            assert found_metrics[metric] == pytest.approx(column, rel=1e-5, abs=1e-6), f"{metric} at {step}"
        assert found.histograms.keys() == expected.histograms.keys()
        for kind, histogram in expected.histograms.items():
            counts = struct.unpack(f"<{len(histogram.counts) // 4}I", histogram.counts)
            others = struct.unpack(f"<{len(histogram.counts) // 4}I", found.histograms[kind].counts)
            assert sum(counts) == sum(others)
            moved = sum(abs(a - b) for a, b in zip(counts, others))
            # Gradients that were summed in another order differ in their last bits.
            assert moved <= 2e-3 * sum(counts), kind
        assert found.scalars["gradient_norm"] == pytest.approx(expected.scalars["gradient_norm"], rel=1e-5)
