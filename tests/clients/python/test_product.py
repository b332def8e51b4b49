"""The client against the real worker, on a real database.

`npm test` starts the product and names it in SPIKESCOPE_TEST_URL; by hand, any product will do.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import os
import secrets
import socket
import threading
import urllib.request
from urllib.parse import urlsplit

import pytest
from memory_store import MemoryStore, start_rank

import spikescope
from spikescope.cli.main import main
from spikescope.transport.connection import Connection

URL = os.environ.get("SPIKESCOPE_TEST_URL", "")
pytestmark = pytest.mark.skipif(URL == "", reason="SPIKESCOPE_TEST_URL names no product")

NUMBERS = itertools.count()


@pytest.fixture
def run_id():
    return f"python-{secrets.token_hex(4)}-{next(NUMBERS)}"


def get(path: str):
    with urllib.request.urlopen(f"{URL}/api/v1{path}") as reply:
        return json.load(reply)


class Gate:
    """A way to the product that can be shut and opened, as a network is."""

    def __init__(self) -> None:
        self._target = (urlsplit(URL).hostname, urlsplit(URL).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._is_open = True
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        self._is_open = False
        for each in self._sockets:
            with_suppressed(each.shutdown, socket.SHUT_RDWR)

    def open(self) -> None:
        self._is_open = True

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self._is_open:
                client.close()
                continue
            server = socket.create_connection(self._target)
            self._sockets += [client, server]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        with_suppressed(target.shutdown, socket.SHUT_RDWR)

    def close(self) -> None:
        self.shut()
        self._listener.close()


def with_suppressed(call, *arguments) -> None:
    try:
        call(*arguments)
    except OSError:
        return


def log_steps(run, steps, layer_count=2):
    for step in steps:
        run.log(
            loss=4.0 - step / 1000,
            step=step,
            layers={"gradient_norm": [0.01 * (layer + 1) for layer in range(layer_count)]},
        )


LAYERS = [("wte", 4096), ("head", 1024)]


def test_steps_events_and_the_end_are_stored(run_id):
    with spikescope.init(
        "python", id=run_id, url=URL, layers=LAYERS, optimizer={"name": "adamw", "beta1": 0.9}, tags="a,b"
    ) as run:
        log_steps(run, range(300))
        run.event("ckpt-200", kind="checkpoint", step=200)
    stored = get(f"/runs/{run_id}")
    assert stored["status"] == "finished"
    assert stored["lastStep"] == 299
    assert sorted(stored["tags"]) == ["a", "b"]
    assert run.counts.accepted == 300
    assert run.counts.rejected == run.counts.dropped == 0
    assert run.url is not None
    assert run.url.endswith(f"/runs/{run_id}")
    assert get(f"/runs/{run_id}/events")["items"][0]["title"] == "ckpt-200"


def test_an_outage_in_the_middle_loses_no_step_and_repeats_none(run_id):
    gate = Gate()
    run = spikescope.init("python", id=run_id, url=gate.url, layers=LAYERS)
    log_steps(run, range(50))
    assert run.flush()
    gate.shut()
    log_steps(run, range(50, 900))
    assert not run.flush(0.5)
    gate.open()
    log_steps(run, range(900, 1000))
    run.finish()
    gate.close()
    [series] = get(f"/runs/{run_id}/timeline?series=loss&points=8192")["series"]
    assert [point["fromStep"] for point in series["points"]] == list(range(1000))
    assert run.counts.accepted + run.counts.duplicates == 1000
    assert run.counts.rejected == 0


def test_a_job_that_comes_back_from_a_checkpoint_opens_an_attempt(run_id):
    for steps, loss in ((range(20), 1.0), (range(12, 30), 2.0)):
        run = spikescope.init("python", id=run_id, url=URL, layers=LAYERS)
        for step in steps:
            run.log(loss=loss, step=step)
        run.finish()
    assert run.attempt == 2
    [series] = get(f"/runs/{run_id}/timeline?series=loss")["series"]
    assert [point["max"] for point in series["points"]] == [1.0] * 12 + [2.0] * 18


def test_what_is_logged_after_its_step_was_sent_is_stored_with_it(run_id):
    run = spikescope.init("python", id=run_id, url=URL, layers=LAYERS)
    log_steps(run, range(3))
    assert run.flush()
    run.log(validation_loss=3.5, step=2)
    run.finish()
    [series] = get(f"/runs/{run_id}/timeline?series=validation_loss")["series"]
    found = [(point["fromStep"], point["max"]) for point in series["points"] if point["max"] is not None]
    assert found == [(2, 3.5)]
    assert run.counts.rejected == 0


def test_a_watched_training_arrives_as_layers_and_distributions(run_id):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.ReLU(), torch.nn.Linear(64, 8))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95))
    run = spikescope.init("python", id=run_id, url=URL)
    run.watch(model, optimizer, histograms_every=5, samples=64, samples_when="asked")
    for step in range(12):
        if step == 7:
            run.request_samples(1)
        x = torch.randn(16, 32)
        loss = (model(x) - x[:, :8]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        run.log(loss=loss, step=step)
    run.finish()
    assert run.counts.accepted == 12
    stored = get(f"/runs/{run_id}")
    assert [layer["name"] for layer in stored["layers"]] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert stored["missingStageInputs"] == []
    metrics = get(f"/runs/{run_id}/metrics")
    assert {"gradient_norm", "update_std", "rms", "gradient_cosine"} <= set(metrics["layerMetrics"])
    assert set(metrics["histograms"]) == {"ratio", "update"}
    [item] = get(f"/runs/{run_id}/layers/0/distributions?step=5")["items"]
    assert item["step"] == 5
    for distribution in item["distributions"]:
        outside = sum(distribution[name] for name in ("underflow", "overflow", "zeros", "nonFinite"))
        assert sum(distribution["counts"]) + outside == 32 * 64


def test_the_worker_and_the_device_agree_on_the_same_coordinates(run_id):
    """One run posts metrics, the other only the samples from which the worker computes them."""
    torch = pytest.importorskip("torch")
    values = {}
    for kind in ("device", "worker"):
        torch.manual_seed(0)
        model = torch.nn.Linear(16, 16)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
        name = f"{run_id}-{kind}"
        run = spikescope.init("python", id=name, url=URL)
        watch = run.watch(model, optimizer, max_elements=None, samples=256, histograms_every=1)
        run.request_samples(10)
        for step in range(5):
            x = torch.randn(8, 16)
            optimizer.zero_grad()
            (model(x) - x).square().mean().backward()
            optimizer.step()
            run.log(loss=1.0, step=step)
        if kind == "worker":
            assert watch is not None
            keep_only_samples(run)
        run.finish()
        assert run.counts.accepted == 5
        [item] = get(f"/runs/{name}/layers/0/distributions?step=4")["items"]
        values[kind] = item
    device, worker = (values[kind]["statistics"] for kind in ("device", "worker"))
    for name, value in worker.items():
        if name in device and value is not None:
            assert device[name] == pytest.approx(value, rel=2e-5, abs=1e-6), name
    assert {"update_std", "ratio_std", "rms", "gradient_norm"} <= set(worker)
    for ours, theirs in zip(values["device"]["distributions"], values["worker"]["distributions"]):
        assert ours["edges"] == theirs["edges"]
        assert sum(abs(a - b) for a, b in zip(ours["counts"], theirs["counts"])) <= 2


def test_samples_of_the_steps_before_a_spike_come_once_it_is_suspected(run_id):
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    model = torch.nn.Linear(16, 4)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    with spikescope.init("python", id=run_id, url=URL) as run:
        run.watch(model, optimizer, samples=32, samples_when="spike")
        for step in range(130):
            optimizer.zero_grad()
            model(torch.randn(8, 16)).square().mean().backward()
            optimizer.step()
            leap = 4.0 if 100 <= step < 110 else 0.0
            run.log(loss=2.0 + 0.01 * math.sin(1.7 * step) + leap, step=step)
        assert run.flush()
    assert run.counts.samples_refused == run.counts.dropped == run.counts.rejected == 0
    [spike] = get(f"/runs/{run_id}/spikes?kind=loss_spike")["items"]
    assert spike["onsetStep"] == 100
    items = get(f"/runs/{run_id}/samples")["items"]
    assert [item["step"] for item in items] == list(range(95, 106))
    assert {(item["layerCount"], item["sampleCount"]) for item in items} == {(2, 32)}


def keep_only_samples(run) -> None:
    from dataclasses import replace

    from spikescope import step_items as module

    make = module.make_frame

    def only_samples(step, layer_count):
        frame = make(step, layer_count)
        return replace(frame, layers={}, histograms={})

    module.make_frame = only_samples
    try:
        assert run.flush()
    finally:
        module.make_frame = make


def test_runs_and_export_show_what_was_stored(run_id, capsys, tmp_path):
    with spikescope.init("python-cli", id=run_id, url=URL, layers=LAYERS) as run:
        log_steps(run, range(5))
        run.log(loss=math.nan, step=5)
    assert main(["runs", "--url", URL, "--project", "python-cli"]) == 0
    assert run_id in capsys.readouterr().out
    assert main(["runs", "--url", URL, "--query", run_id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lastStep"] == 5
    assert main(["export", run_id, "--url", URL, "--series", "loss"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["fromStep"] for row in rows] == [str(step) for step in range(6)]
    assert rows[0]["mean"] == "4"
    assert rows[5]["mean"] == ""
    assert rows[5]["nonFiniteCount"] == "1"
    path = tmp_path / "series.csv"
    assert main(["export", run_id, "--url", URL, "--what", "series", "--layer", "head", "-o", str(path)]) == 0
    assert len(path.read_text().splitlines()) == 1 + 6
    assert main(["export", run_id, "--url", URL, "--what", "heatmap", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["values"]) == 2
    assert main(["export", run_id, "--url", URL, "--what", "series", "--layer", "nothing"]) == 1
    assert "the run has 2 layers" in capsys.readouterr().err
    assert main(["export", run_id, "--url", URL, "--what", "heatmap", "--metric", "rmss"]) == 1
    assert main(["export", run_id, "--url", URL, "--series", "loss,los"]) == 1
    said = capsys.readouterr().err
    assert "--metric rmss: the run has gradient_norm" in said
    assert "--series los: the run has loss" in said
    assert main(["export", "no-such-run", "--url", URL]) == 1
    assert "run_not_found" in capsys.readouterr().err


def test_gzip_is_taken_where_it_pays(run_id):
    connection = Connection(URL)
    run = spikescope.init("python", id=run_id, url=URL, layers=LAYERS)
    connection.compression._is_loopback = False
    run._posts.outbox._connection.compression._is_loopback = False
    edges = [float(edge) for edge in range(-500, 501)]
    for step in range(40):
        run.log(
            loss=1.0,
            step=step,
            histograms={"update": {"edges": edges, "counts": [1] + [0] * 1998 + [1]}},
        )
    run.finish()
    assert run.counts.accepted == 40


def test_ranks_that_post_their_own_layers_make_whole_steps_of_one_attempt(run_id):
    for begin in (0, 6):
        store = MemoryStore()
        ranks = [start_rank(URL, rank, store, run_id) for rank in (0, 1)]
        for step in range(begin, begin + 8):
            ranks[0].log(step=step, layers={"rms": [step + 0.5]})
            ranks[1].log(step=step, loss=1.0 + step, layers={"rms": [step + 1.5, step + 2.5]})
        ranks[1].log(step=begin + 1, validation=7.0)
        for rank in reversed(ranks):
            rank.finish()
    run = get(f"/runs/{run_id}")
    assert run["status"] == "finished"
    assert [(each["attempt"], each["resumeFromStep"]) for each in run["attempts"]] == [(1, 0), (2, 6)]
    heatmap = get(f"/runs/{run_id}/heatmap?metric=rms&columns=100")
    assert heatmap["toStep"] == list(range(14))
    assert heatmap["values"] == [[step + offset for step in range(14)] for offset in (0.5, 1.5, 2.5)]
    series = get(f"/runs/{run_id}/timeline?series=loss,validation&points=100")["series"]
    means = {each["name"]: [point["mean"] for point in each["points"]] for each in series}
    assert means["loss"] == [1.0 + step for step in range(14)]
    # Logged late for the second step of each attempt; the newer hides the older one from step 6 on.
    assert [value for value in means["validation"] if value is not None] == [7.0, 7.0]
