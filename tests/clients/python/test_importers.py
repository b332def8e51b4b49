"""Readers of other tools' files, on files that those tools wrote."""

from __future__ import annotations

import gzip
import json
import math
import os
import random
import struct
import subprocess
import sys
from array import array
from pathlib import Path

import pytest

from spikescope.cli.import_runs import recognise, run_id_of
from spikescope.cli.main import main
from spikescope.importers import tables, tensorboard, text_logs, wandb_files
from spikescope.importers.frames import EDGES, make_frames
from spikescope.importers.observations import Bins, ImportFault, Observation, Source, collect
from spikescope.importers.plan import NameMapping, is_clock, make_plan, read_mapping
from spikescope.importers.rebin import norm, rebin
from spikescope.importers.record_files import crc32c, masked_crc32c, read_tfrecords

np = pytest.importorskip("numpy")


def said_nothing(message: str) -> None:
    raise AssertionError(f"nothing was to be said, but: {message}")


def record(source: Source):
    return collect(source, lambda name: is_clock(NameMapping(), name))


def plan_of(source: Source):
    recording = record(source)
    return recording, make_plan(recording, NameMapping(), said_nothing)


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


# Records


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


# TensorBoard


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


# W&B


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


# Logs

MEGATRON = """
 > finished creating GPT datasets ...
 [2024-03-01 12:00:05] iteration       10/  500000 | consumed samples:         2560 | elapsed time per iteration (ms): 1234.5 | learning rate: 1.500E-04 | global batch size:   256 | lm loss: 7.123456E+00 | loss scale: 1.0 | grad norm: 1.234 | number of skipped iterations:   0 | number of nan iterations:   0 |
(min, max) time across ranks (ms):
 [2024-03-01 12:00:15] iteration       20/  500000 | consumed samples:         5120 | elapsed time per iteration (ms): 1230.0 | learning rate: 3.000E-04 | global batch size:   256 | lm loss: nan | loss scale: 1.0 | grad norm: inf | number of skipped iterations:   1 | number of nan iterations:   1 |
 [2024-03-01 13:00:00] iteration       20/  500000 | consumed samples:         5120 | learning rate: 3.000E-04 | lm loss: 6.5E+00 | grad norm: 0.9 |
 [2024-03-01 13:00:10] iteration       15/  500000 | lm loss: 6.6E+00 |
"""  # noqa: E501
NANOTRON = """
03/15/2024 09:10:11 [INFO|DP=0|PP=0|TP=0|ip-1]: [Start training] datetime: 2024-03-15
03/15/2024 09:10:20 [INFO|DP=0|PP=0|TP=0|ip-1]: iteration: 1 / 50 | consumed_tokens: 32.8K | elapsed_time_per_iteration_ms: 3.41K | tokens_per_sec: 9.61K | global_batch_size: 128 | lm_loss: 11.3 | lr: 0.00015 | model_tflops_per_gpu: 2.36 | grad_norm: 15.7
03/15/2024 09:10:22 [INFO|DP=0|PP=0|TP=0|ip-1]: iteration: 1.2K / 50K | consumed_tokens: 39.3M | lm_loss: 3.02 | lr: 0.0003 | grad_norm: 0.51 | cuda_memory_allocated: 1.2G
"""  # noqa: E501


def test_a_log_of_megatron_is_read_with_its_restart(tmp_path):
    path = tmp_path / "main.log.gz"
    with gzip.open(path, "wt") as file:
        file.write(MEGATRON)
    assert recognise(path) == "megatron"
    [source] = text_logs.find_runs(path, said_nothing)
    assert source.name == "main"
    recording, plan = plan_of(source)
    assert [attempt.first_step for attempt in recording.attempts] == [0, 15]
    [first, second] = make_frames(recording.attempts[0], plan)
    assert first.step == 10
    assert first.wall_time == 1709294405.0
    assert first.scalars["loss"] == 7.123456
    assert first.scalars["learning_rate"] == 1.5e-4
    assert first.scalars["gradient_norm"] == 1.234
    assert first.scalars["consumed_samples"] == 2560
    # The line that was printed last for a step stands.
    assert second.scalars["loss"] == 6.5
    assert recording.attempts[1].steps() == [15]


def test_words_for_what_is_not_finite_are_read():
    line = MEGATRON.splitlines()[4]
    values = text_logs.read_line(line).values
    assert math.isnan(values["lm loss"])
    assert values["grad norm"] == math.inf


def test_a_log_of_nanotron_is_read_with_its_suffixes(tmp_path):
    path = tmp_path / "train.log"
    path.write_text(NANOTRON)
    [source] = text_logs.find_runs(path, said_nothing)
    recording, plan = plan_of(source)
    [first, second] = make_frames(recording.attempts[0], plan)
    assert first.scalars["loss"] == 11.3
    assert first.scalars["consumed_tokens"] == pytest.approx(32_800)
    assert first.scalars["gradient_norm"] == 15.7
    assert first.wall_time == 1710493820.0
    assert second.step == 1200
    assert second.scalars["cuda_memory_allocated"] == 1.2e9


# Tables


def test_a_csv_of_any_columns_is_read_by_a_mapping(tmp_path):
    (tmp_path / "log.csv").write_text(
        "it,t,Loss,g.wte,g.h0,remark\n1,100.5,2.5,0.1,0.2,ok\n2,101.5,nan,,0.3,\nx,1,1,1,1,\n"
    )
    (tmp_path / "map.json").write_text(
        json.dumps(
            {
                "step": "it",
                "wall_time": "t",
                "scalars": {"Loss": "loss"},
                "layers": [{"pattern": r"g\.(?P<layer>.+)", "metric": "gradient_norm"}],
            }
        )
    )
    mapping = read_mapping(tmp_path / "map.json")
    said: list[str] = []
    names = tables.TableNames(mapping.step, mapping.wall_time)
    [source] = tables.find_csv(tmp_path / "log.csv", said.append, names)
    recording = collect(source, lambda name: is_clock(mapping, name))
    plan = make_plan(recording, mapping, said_nothing)
    [first, second] = make_frames(recording.attempts[0], plan)
    assert plan.layers == ["wte", "h0"]
    assert first.scalars == {"loss": 2.5}
    assert first.wall_time == 100.5
    assert struct.unpack("<2f", first.layers["gradient_norm"]) == pytest.approx((0.1, 0.2))
    missing, there = struct.unpack("<If", second.layers["gradient_norm"])
    assert missing == 0x7FE5CA1E
    assert there == pytest.approx(0.3)
    assert math.isnan(second.scalars["loss"])
    assert said == ["log.csv, line 4: it: expected a whole number, got 'x'"]


def test_json_lines_of_an_exported_history_are_read(tmp_path):
    rows = [
        {"_step": 0, "_timestamp": 5.5, "train": {"loss": 2.0}, "gradients/w": None},
        {"_step": 1, "_timestamp": 6.5, "train": {"loss": "NaN"}},
        {"_step": 2, "gradients/w": {"_type": "histogram", "bins": [-1, 0, 1], "values": [3, 5]}},
    ]
    path = tmp_path / "history.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")
    said: list[str] = []
    [source] = tables.find_json_lines(path, said.append, tables.TableNames())
    recording, plan = plan_of(source)
    frames = list(make_frames(recording.attempts[0], plan))
    assert frames[0].scalars == {"loss": 2.0}
    assert frames[0].wall_time == 5.5
    assert math.isnan(frames[1].scalars["loss"])
    assert sum(struct.unpack(f"<{len(EDGES) - 1}I", frames[2].histograms["gradient"].counts)) == 8
    assert len(said) == 1
    assert "line 4" in said[0]


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ({"metrics": {}}, "metrics"),
        ({"layers": [{"pattern": "x"}]}, "layers[0]"),
        ({"layers": [{"pattern": "g/.+", "metric": "gradient_norm"}]}, "layers[0].pattern"),
        ({"drop": ["("]}, "drop"),
        ({"step": 3}, "step"),
        ([], "expected an object"),
    ],
)
def test_a_mapping_that_is_wrong_names_the_field(tmp_path, mapping, field):
    path = tmp_path / "map.json"
    path.write_text(json.dumps(mapping))
    with pytest.raises(ImportFault) as fault:
        read_mapping(path)
    assert field in str(fault.value)


# Rebinning


def test_rebinned_counts_add_up_and_lie_where_the_mass_is():
    random.seed(4)
    edges = list(EDGES)
    for _ in range(200):
        limits = sorted(random.choice((-1, 1)) * 10 ** random.uniform(-14, 2) for _ in range(9))
        counts = [float(random.randrange(50)) for _ in range(8)]
        bins = Bins(array("d", limits[:-1]), array("d", limits[1:]), array("d", counts))
        row = rebin(bins, edges)
        assert sum(row.counts) + sum(row.outside) == sum(counts)
        assert min(row.counts) >= 0
        assert min(row.outside) >= 0
        for index in (0, 100, 209, 300, len(edges) - 1):
            below = sum(
                count * min(1.0, max(0.0, (edges[index] - left) / (right - left)))
                for left, right, count in zip(limits, limits[1:], counts)
            )
            assert row.outside[0] + sum(row.counts[:index]) == pytest.approx(below, abs=0.5 + 1e-6)


def test_a_bin_without_width_keeps_its_values_and_zeros_are_told_apart():
    bins = Bins(array("d", [0.0, 1.0, 20.0]), array("d", [0.0, 1.0, 20.0]), array("d", [4.0, 5.0, 6.0]))
    row = rebin(bins, EDGES)
    assert row.outside == (0, 6, 4, 0)
    [index] = [index for index, count in enumerate(row.counts) if count]
    assert row.counts[index] == 5
    assert EDGES[index] <= 1.0 < EDGES[index + 1]
    assert norm(bins) == pytest.approx(math.sqrt(5 + 6 * 400))


def test_counts_beyond_32_bits_are_scaled_together():
    bins = Bins(array("d", [-1.0, 0.5]), array("d", [-0.5, 1.0]), array("d", [6e9, 3e9]))
    row = rebin(bins, EDGES)
    assert sum(row.counts) == 2**32 - 1
    assert sum(row.counts[: len(EDGES) // 2]) == pytest.approx(
        2 * sum(row.counts[len(EDGES) // 2 :]), rel=1e-6
    )


# The command


def write_csv(path: Path, steps: range) -> None:
    rows = "".join(f"{step},{4 - step / 1000},{1 + step % 3}\n" for step in steps)
    path.write_text(f"step,loss,grad_norm/wte\n{rows}")


def test_an_import_posts_every_step_once_and_again_changes_nothing(server, tmp_path, capsys):
    write_csv(tmp_path / "log.csv", range(700))
    arguments = ["import", str(tmp_path / "log.csv"), "--url", server.url, "--id", "r"]
    assert main(arguments) == 0
    assert server.steps("r") == list(range(700))
    assert server.runs["r"]["status"] == "finished"
    assert server.runs["r"]["create"]["layers"] == [{"name": "wte", "parameterCount": 1}]
    assert "700 accepted" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_an_import_that_was_cut_off_is_completed_by_the_same_command(server, tmp_path, capsys):
    write_csv(tmp_path / "log.csv", range(700))
    arguments = ["import", str(tmp_path / "log.csv"), "--url", server.url, "--id", "r"]
    # The run, one batch, its answer lost; then refused for good.
    server.faults.extend([None, "stored_drop", "drop", 422])
    assert main(arguments) == 1
    assert 0 < len(server.steps("r")) < 700
    assert server.runs["r"]["status"] == "running"
    server.faults.clear()
    assert main(arguments) == 0
    assert server.steps("r") == list(range(700))
    assert "256 were there" in capsys.readouterr().out


def test_a_server_that_is_away_is_given_up_after_the_timeout(server, tmp_path, capsys):
    write_csv(tmp_path / "log.csv", range(3))
    url = server.url
    server.stop()
    assert main(["import", str(tmp_path / "log.csv"), "--url", url, "--timeout", "0.5"]) == 1
    assert "no answer for 0 s" in capsys.readouterr().err.replace("1 s", "0 s")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "loss\n1\n", "a column 'step'"),
        ("b.txt", "hello\n", "its format is not known"),
        ("c.csv", "step,loss\n", "no row with a step"),
        ("missing.csv", None, "no such file"),
    ],
)
def test_a_file_that_cannot_be_imported_is_said_in_one_line(tmp_path, capsys, name, content, words):
    if content is not None:
        (tmp_path / name).write_text(content)
    assert main(["import", str(tmp_path / name)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_dry_run_says_what_becomes_of_each_name(tmp_path, capsys):
    write_csv(tmp_path / "log.csv", range(3))
    assert main(["import", str(tmp_path / "log.csv"), "--dry-run", "--url", "http://127.0.0.1:1"]) == 0
    said = capsys.readouterr().out
    assert "3 steps" in said
    assert "grad_norm/wte → gradient_norm of layer wte" in said


def test_ids_are_made_of_names_the_same_way_each_time():
    assert run_id_of("deep/b run") == "deep-b-run"
    assert run_id_of("…").startswith("import-")


def test_a_step_that_is_none_is_counted_and_left_out():
    source = Source(
        "x", (lambda: iter([Observation(-1, None, {"loss": 1.0}), Observation(1, None, {"loss": 2.0})]),)
    )
    recording = record(source)
    assert recording.left_out == 1
    assert recording.attempts[0].steps() == [1]
