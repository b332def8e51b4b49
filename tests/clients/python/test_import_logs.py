"""Logs and tables, read line by line."""

from __future__ import annotations

import gzip
import json
import math
import struct

import pytest
from imported_source import plan_of, said_nothing

from spikescope.cli.import_runs import recognise
from spikescope.importers import tables, text_logs
from spikescope.importers.frames import EDGES, make_frames
from spikescope.importers.observations import ImportFault, collect
from spikescope.importers.plan import is_clock, make_plan, read_mapping

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
