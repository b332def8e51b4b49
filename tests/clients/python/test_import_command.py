"""What becomes of what was read: bins, and the import as a command."""

from __future__ import annotations

import math
import random
from array import array
from pathlib import Path

import pytest
from imported_source import record

from spikescope.cli.import_runs import run_id_of
from spikescope.cli.main import main
from spikescope.importers.frames import EDGES
from spikescope.importers.observations import Bins, Observation, Source
from spikescope.importers.rebin import norm, rebin


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
