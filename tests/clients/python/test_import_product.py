"""Imports against the real worker, on a real database; see test_product.py."""

from __future__ import annotations

import json
import os
import secrets
import urllib.request

import pytest

from spikescope.cli.main import main

URL = os.environ.get("SPIKESCOPE_TEST_URL", "")
pytestmark = pytest.mark.skipif(URL == "", reason="SPIKESCOPE_TEST_URL names no product")


@pytest.fixture
def run_id():
    return f"import-{secrets.token_hex(6)}"


def get(path: str):
    with urllib.request.urlopen(f"{URL}/api/v1{path}") as reply:
        return json.load(reply)


def points_of(run_id: str, series: str, attempt: str = "effective"):
    path = f"/runs/{run_id}/timeline?series={series}&points=8192&attempt={attempt}"
    [found] = get(path)["series"]
    reported = [p for p in found["points"] if p["mean"] is not None or p["nonFiniteCount"] > 0]
    return {point["fromStep"]: point for point in reported}


def test_rows_that_differ_all_the_time_are_stored_in_order(run_id, tmp_path):
    rows = [
        f"{step},{4 - step / 1000!r},{3e-4 if step % 3 == 0 else ''},{'nan' if step == 40 else 1.5}"
        for step in range(1000)
    ]
    path = tmp_path / "log.csv"
    path.write_text("step,loss,lr,grad_norm\n" + "\n".join(rows) + "\n")
    assert main(["import", str(path), "--url", URL, "--id", run_id]) == 0
    loss = points_of(run_id, "loss")
    assert list(loss) == list(range(1000))
    assert all(loss[step]["mean"] == 4 - step / 1000 for step in loss)
    assert list(points_of(run_id, "learning_rate")) == list(range(0, 1000, 3))
    assert points_of(run_id, "gradient_norm")[40]["nonFiniteCount"] == 1
    assert get(f"/runs/{run_id}")["status"] == "finished"


def test_a_log_with_a_restart_becomes_two_attempts_and_imports_again_as_nothing(run_id, tmp_path, capsys):
    lines = [
        f"iteration {step:8}/ 500 | lm loss: {5 - step / 100:.6E} | grad norm: 1.0 |" for step in range(60)
    ]
    lines += [f"iteration {step:8}/ 500 | lm loss: {3 - step / 100:.6E} |" for step in range(40, 80)]
    path = tmp_path / "main.log"
    path.write_text("\n".join(lines) + "\n")
    arguments = ["import", str(path), "--url", URL, "--id", run_id]
    assert main(arguments) == 0
    run = get(f"/runs/{run_id}")
    assert [attempt["resumeFromStep"] for attempt in run["attempts"]] == [0, 40]
    effective = points_of(run_id, "loss")
    assert list(effective) == list(range(80))
    assert effective[39]["mean"] == 4.61
    assert effective[40]["mean"] == 2.6
    assert list(points_of(run_id, "loss", "1")) == list(range(60))
    capsys.readouterr()
    assert main(arguments) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_gradients_that_tensorboard_recorded_make_a_heatmap(run_id, tmp_path):
    torch = pytest.importorskip("torch")
    writers = pytest.importorskip("torch.utils.tensorboard")
    generator = torch.Generator().manual_seed(3)
    norms = {}
    with writers.SummaryWriter(str(tmp_path / "logs")) as writer:
        for step in range(20):
            writer.add_scalar("Loss/train", 2.0, step)
            for layer in ("wte", "h.0"):
                gradient = torch.randn(1000, generator=generator) * 1e-3
                norms[layer, step] = gradient.double().norm().item()
                writer.add_histogram(f"{layer}/grad", gradient, step)
    assert main(["import", str(tmp_path / "logs"), "--url", URL, "--id", run_id]) == 0
    run = get(f"/runs/{run_id}")
    assert [(layer["name"], layer["parameterCount"]) for layer in run["layers"]] == [
        ("wte", 1000),
        ("h.0", 1000),
    ]
    heatmap = get(f"/runs/{run_id}/heatmap?metric=gradient_norm&columns=100")
    for layer, name in enumerate(("wte", "h.0")):
        expected = [norms[name, step] for step in range(20)]
        assert heatmap["values"][layer] == pytest.approx(expected, rel=1e-5)
    found = get(f"/runs/{run_id}/layers/0/distributions?step=3")
    assert "gradient" in json.dumps(found)
