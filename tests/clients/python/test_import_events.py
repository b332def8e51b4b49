"""Event files of TensorBoard and run files of W&B, as those tools wrote them."""

from __future__ import annotations

import math
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from imported_source import plan_of, record, said_nothing

from spikescope.cli.import_runs import recognise
from spikescope.importers import tensorboard, wandb_files
from spikescope.importers.frames import EDGES, make_frames
from spikescope.importers.plan import NameMapping, make_plan
from spikescope.importers.record_files import crc32c, masked_crc32c, read_tfrecords

np = pytest.importorskip("numpy")


def test_the_checksum_is_the_one_of_rfc_3720():
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(b"\xff" * 32) == 0x62A8AB43


def tfrecord(data: bytes) -> bytes:
    head = struct.pack("<Q", len(data))
    checks = [struct.pack("<I", masked_crc32c(part)) for part in (head, data)]
    return head + checks[0] + data + checks[1]


@pytest.mark.parametrize("cut", [1, 4, 11, 12, 15])
def test_a_record_that_is_half_written_ends_the_file_and_is_said(tmp_path, cut):
    whole = tfrecord(b"one") + tfrecord(b"three")
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(whole[:-cut])
    said: list[str] = []
    assert list(read_tfrecords(path, said.append)) == [b"one"]
    assert len(said) == 1


def test_a_damaged_record_is_left_out_and_the_next_is_read(tmp_path):
    first = bytearray(tfrecord(b"one"))
    first[13] ^= 0x10
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(bytes(first) + tfrecord(b"two"))
    said: list[str] = []
    assert list(read_tfrecords(path, said.append)) == [b"two"]
    assert "at byte 0 is damaged" in said[0]


def write_events(folder: Path, steps: range, *, loss=lambda step: 4.0 - step / 100):
    tensorboard_writer = pytest.importorskip("torch.utils.tensorboard")
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(steps.start)
    kept = {}
    with tensorboard_writer.SummaryWriter(str(folder)) as writer:
        for step in steps:
            writer.add_scalar("train/loss", loss(step), step)
            if step % 2 == 0:
                writer.add_scalar("lr", 3e-4, step)
            writer.add_scalar("grad_norm/h.0.weight", 0.5 + step, step)
            for layer, scale in (("wte.weight", 1e-4), ("h.0.weight", 1e-9)):
                gradient = scale * torch.randn(300, generator=generator)
                kept[layer, step] = gradient.numpy().astype("f8")
                writer.add_histogram(f"gradients/{layer}", gradient, step)
            writer.add_text("note", "no number", step)
    return kept


def test_event_files_of_the_real_writer_come_back_exactly(tmp_path):
    kept = write_events(tmp_path / "run", range(5))
    said: list[str] = []
    [source] = tensorboard.find_runs(tmp_path / "run", said.append)
    recording = record(source)
    plan = make_plan(recording, NameMapping(), said_nothing)
    assert source.name == "run"
    assert plan.layers == ["h.0.weight", "wte.weight"]
    assert plan.parameter_counts == {0: 300, 1: 300}
    assert any("hold no numbers" in message for message in said)
    frames = list(make_frames(recording.attempts[0], plan))
    assert [frame.step for frame in frames] == list(range(5))
    for frame in frames:
        step = frame.step
        assert frame.wall_time is not None
        assert frame.scalars["loss"] == struct.unpack("<f", struct.pack("<f", 4.0 - step / 100))[0]
        assert ("learning_rate" in frame.scalars) == (step % 2 == 0)
        # The layer whose norm was logged keeps it; the other's comes from Σg².
        own, of_bins = struct.unpack("<2f", frame.layers["gradient_norm"])
        assert own == pytest.approx(0.5 + step)
        gradient = kept["wte.weight", step]
        assert of_bins == pytest.approx(np.linalg.norm(gradient), rel=1e-6)
        peaks = struct.unpack("<2f", frame.layers["gradient_abs_max"])
        assert peaks[1] == pytest.approx(np.abs(gradient).max(), rel=1e-6)
        rms = struct.unpack("<2f", frame.layers["gradient_rms"])
        assert rms[1] == pytest.approx(np.sqrt(np.mean(gradient**2)), rel=1e-6)
        counts = np.frombuffer(frame.histograms["gradient"].counts, "u4").reshape(2, len(EDGES) - 1)
        assert counts.sum(axis=1).tolist() == [300, 300]
        # Bins of 10 % width go into bins of 15 %: three quarters of the mass lands where it is.
        exact, _ = np.histogram(gradient, np.asarray(EDGES))
        assert np.abs(np.cumsum(counts[1]) - np.cumsum(exact)).max() <= 12


def test_every_folder_with_event_files_is_a_run(tmp_path):
    write_events(tmp_path / "logs" / "a", range(3))
    write_events(tmp_path / "logs" / "deep" / "b", range(3))
    sources = tensorboard.find_runs(tmp_path / "logs", lambda message: None)
    assert [source.name for source in sources] == ["a", "deep/b"]


def test_a_restart_is_an_attempt_and_a_second_writer_is_none(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for index, (steps, value) in enumerate(((range(10), 4.0), (range(6, 12), 3.0))):
        write_events(tmp_path / str(index), steps, loss=lambda step, value=value: value)
        [file] = (tmp_path / str(index)).glob("*tfevents*")
        file.rename(folder / f"events.out.tfevents.{index}")
    writer = pytest.importorskip("torch.utils.tensorboard").SummaryWriter(str(tmp_path / "eval"))
    writer.add_scalar("eval/accuracy", 0.5, 3)
    writer.close()
    [file] = (tmp_path / "eval").glob("*tfevents*")
    file.rename(folder / "events.out.tfevents.2")
    [source] = tensorboard.find_runs(folder, lambda message: None)
    recording = record(source)
    assert [attempt.first_step for attempt in recording.attempts] == [0, 6]
    assert recording.attempts[0].steps() == list(range(10))
    assert recording.attempts[1].steps() == list(range(6, 12))


def test_tensors_of_tensorflow_2_are_read(tmp_path):
    """Its summaries are tensors; TensorBoard's own messages write them without TensorFlow."""
    event_pb2 = pytest.importorskip("tensorboard.compat.proto.event_pb2")
    path = tmp_path / "events.out.tfevents.2"
    events = []
    for step in range(3):
        event = event_pb2.Event(step=step, wall_time=100.0 + step)
        value = event.summary.value.add(tag="loss")
        if step == 0:  # later values do not repeat it
            value.metadata.plugin_data.plugin_name = "scalars"
        value.tensor.dtype = 1
        if step == 1:
            value.tensor.float_val.append(2.5)
        else:
            value.tensor.tensor_content = struct.pack("<f", 2.5)
        buckets = event.summary.value.add(tag="h.0/grad")
        buckets.metadata.plugin_data.plugin_name = "histograms"
        buckets.tensor.dtype = 2
        for size in (2, 3):
            buckets.tensor.tensor_shape.dim.add(size=size)
        buckets.tensor.tensor_content = struct.pack("<6d", -1e-3, 0.0, 8, 0.0, 2e-3, 4)
        events.append(tfrecord(event.SerializeToString()))
    path.write_bytes(b"".join(events))
    [source] = tensorboard.find_runs(path, said_nothing)
    recording, plan = plan_of(source)
    frames = list(make_frames(recording.attempts[0], plan))
    assert [frame.scalars["loss"] for frame in frames] == [2.5, 2.5, 2.5]
    assert [frame.wall_time for frame in frames] == [100.0, 101.0, 102.0]
    assert plan.layers == ["h.0"]
    # Without Σg² it is an estimate, and named so.
    assert set(frames[0].layers) == {"gradient_norm_from_bins", "gradient_rms_from_bins"}


@pytest.fixture(scope="module")
def wandb_run(tmp_path_factory):
    """An offline run of the real client, in a process of its own: it changes its process for good."""
    pytest.importorskip("wandb")
    folder = tmp_path_factory.mktemp("wandb-run")
    code = """
import random, wandb
run = wandb.init(project="p", name="cedar", config={"lr": 1e-3, "adam": {"beta2": 0.95}}, tags=["sweep"])
random.seed(1)
for step in range(400):
    row = {"train/loss": 3 - step * 0.001, "lr": 1e-3, "note": "text", "inner": {"x": step}}
    if step == 7:
        row["train/loss"] = float("nan")
    if step % 100 == 0:
        row["gradients/h.0.w"] = wandb.Histogram([random.gauss(0, 1e-3) for _ in range(500)])
    run.log(row)
run.finish()
"""
    environment = {**os.environ, "WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DIR": str(folder)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=folder, env=environment, timeout=240)
    return folder


def test_an_offline_run_of_wandb_comes_back_exactly(wandb_run):
    assert recognise(wandb_run) == "wandb"
    [source] = wandb_files.find_runs(wandb_run, said_nothing)
    recording, plan = plan_of(source)
    assert source.name == "cedar"
    assert source.tags == ("sweep",)
    assert source.status == "finished"
    assert source.config == {"lr": 1e-3, "adam": {"beta2": 0.95}}
    frames = list(make_frames(recording.attempts[0], plan))
    assert [frame.step for frame in frames] == list(range(400))
    assert math.isnan(frames[7].scalars["loss"])
    for frame in frames[8:]:
        assert frame.scalars["loss"] == 3 - frame.step * 0.001
        assert frame.scalars["inner/x"] == frame.step
        assert "note" not in frame.scalars
    random.seed(1)
    sample = np.array([random.gauss(0, 1e-3) for _ in range(500)])
    [estimate] = struct.unpack("<f", frames[0].layers["gradient_norm_from_bins"])
    assert estimate == pytest.approx(np.linalg.norm(sample), rel=0.01)
    assert plan.parameter_counts == {0: 500}
    assert not frames[1].layers


def test_a_run_file_that_is_cut_off_gives_what_is_whole(wandb_run, tmp_path):
    [file] = wandb_run.rglob("*.wandb")
    cut = tmp_path / "run-cut.wandb"
    data = file.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    said: list[str] = []
    [source] = wandb_files.find_runs(cut, said.append)
    [attempt] = record(source).attempts
    assert 20 < len(attempt.steps()) < 400
    assert attempt.steps() == list(range(len(attempt.steps())))
    assert source.status is None
    assert any("cut off" in message for message in said)
