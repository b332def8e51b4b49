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
    server.close()


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


def integers(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}I", data))


def steps_of(run, attempt: int = 1) -> dict[int, dict]:
    """What the server knows of each step: shards behind one another, of scalars the first's."""
    steps: dict[int, dict] = {}
    for number, step, _, frame in sorted(run["shards"], key=lambda shard: shard[:3]):
        if number != attempt:
            continue
        known = steps.setdefault(step, {"layers": {}, "histograms": {}, "scalars": {}})
        known["scalars"] = {**frame.scalars, **known["scalars"]}
        for name, column in metrics(frame).items():
            known["layers"].setdefault(name, []).extend(column)
        for kind, histogram in frame.histograms.items():
            counts = integers(histogram.counts)
            width = len(counts) // frame.layer_count
            rows = [counts[width * layer : width * (layer + 1)] for layer in range(frame.layer_count)]
            known["histograms"].setdefault(kind, []).extend(rows)
    return steps


def layers_of(run) -> list[dict]:
    return [{**layer} for layer in run["create"]["layers"]]


def assert_same_training(expected: dict[int, dict], found: dict[int, dict]) -> None:
    assert found.keys() == expected.keys()
    for step, one in expected.items():
        other = found[step]
        assert other["layers"].keys() == one["layers"].keys()
        for metric, column in one["layers"].items():
            assert other["layers"][metric] == pytest.approx(column, rel=1e-5, abs=1e-6), f"{metric} at {step}"
        assert other["histograms"].keys() == one["histograms"].keys()
        for kind, rows in one["histograms"].items():
            others = other["histograms"][kind]
            assert [sum(row) for row in others] == pytest.approx([sum(row) for row in rows], abs=2)
            moved = sum(abs(a - b) for row, peer in zip(rows, others) for a, b in zip(row, peer))
            # Gradients that were summed in another order differ in their last bits.
            assert moved <= 2e-3 * sum(map(sum, rows)), kind
        assert other["scalars"]["gradient_norm"] == pytest.approx(one["scalars"]["gradient_norm"], rel=1e-5)
        assert other["scalars"]["loss"] == 0.0


@pytest.fixture
def whole(trained):
    """What one process saw, and the outputs of all ranks without a word of a fault."""
    server, outputs = trained
    assert "failed" not in "".join(outputs), outputs[0] + outputs[1]
    assert "passed over" not in "".join(outputs), outputs[0] + outputs[1]
    assert len(server.runs["whole"]["stored"]) == 6
    return server.runs["whole"]


@pytest.mark.parametrize("name", ["ddp", "fsdp2", "stages", "zero", "replicas", "shards"])
def test_what_ranks_see_together_is_what_one_process_sees(trained, whole, name):
    server, _ = trained
    shared = server.runs[name]
    assert layers_of(shared) == layers_of(whole), "names, kinds and parameter counts"
    assert [offset for _, _, offset, _ in shared["shards"]] == [0] * 6, "rank 0 posts for all"
    assert_same_training(steps_of(whole), steps_of(shared))


def test_shards_of_flat_parameters_are_the_layers_they_were_cut_from(trained, whole):
    server, _ = trained
    flat = server.runs["fsdp1"]
    # FSDP1 keeps a shard's own shape, so a layer's is not known.
    assert layers_of(flat) == [
        {key: value for key, value in layer.items() if key != "shape"} for layer in layers_of(whole)
    ]
    assert_same_training(steps_of(whole), steps_of(flat))


@pytest.mark.parametrize("name", ["own", "numbered"])
def test_stages_that_post_their_own_layers_make_the_run_of_one_process(trained, whole, name):
    server, _ = trained
    run = server.runs[name]
    count = len(layers_of(whole))
    own, other = layers_of(whole)[:2], layers_of(whole)[2:]
    assert layers_of(run) == ([*own, *other] if name == "own" else [*other, *own])
    places = {(offset, frame.layer_count) for _, _, offset, frame in run["shards"]}
    assert places == ({(0, 2), (2, count - 2)} if name == "own" else {(0, count - 2), (count - 2, 2)})
    assert len(run["shards"]) == 12
    found = steps_of(run)
    if name == "numbered":
        for step in found.values():
            for columns in (step["layers"], step["histograms"]):
                columns.update({key: [*column[-2:], *column[:-2]] for key, column in columns.items()})
    assert_same_training(steps_of(whole), found)
    assert run["status"] == "finished"


def test_ranks_that_come_back_share_the_attempt_that_the_first_of_them_opens(trained, whole):
    server, outputs = trained
    run = server.runs["again"]
    assert run["attempts"] == [0, 3]
    assert steps_of(run, 1).keys() == set(range(6))
    assert steps_of(run, 2).keys() == {3, 4, 5}
    assert [shard[0] for shard in run["shards"]] == [1] * 12 + [2] * 6
    assert run["status"] == "finished"
    assert "".join(outputs).count("this is attempt 2 of again") == 1


def test_that_ranks_of_sharded_tensors_cannot_post_layers_of_their_own_is_said_once(trained, whole):
    _, outputs = trained
    assert "".join(outputs).count("rank 0 posts for all ranks") == 1


@pytest.mark.parametrize("name", ["paced", "paced-stages"])
def test_ranks_that_reduce_together_become_rarer_together(trained, whole, name):
    """At 0, 1 and 2 what the second rank wants is under way; then every fifth step is captured."""
    server, outputs = trained
    found, expected = steps_of(server.runs[name]), steps_of(whole)
    captured = [step for step, parts in found.items() if parts["layers"]]
    assert captured == [0, 1, 2, 5]
    assert [found[step]["scalars"]["loss"] for step in range(6)] == [0.0] * 6
    for step in captured:
        # Distributions are as much rarer, and with them what else is of the whole model.
        is_full = bool(found[step]["histograms"])
        assert is_full == (step in (0, 2))
        wanted = {**expected[step], "layers": {**expected[step]["layers"]}}
        if not is_full:
            wanted["histograms"] = {}
            for metric in ("weight_norm", "gradient_abs_max"):
                wanted["layers"].pop(metric, None)
        assert_same_training({step: wanted}, {step: found[step]})
    assert outputs[0].count("capturing layers every 5 steps") == 2, "by rank 0, in each of the two runs"
    assert outputs[1].count("capturing layers") == 0
    assert outputs[1].count("max_overhead: the first rank says 0.5") == 2
