from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import tomllib

import spikescope
from spikescope.cli.main import main
from spikescope.transport.kept_run import find_kept_runs


def keep_offline(steps: range, **options):
    options.setdefault("id", "run-1")
    run = spikescope.init("demo", mode="offline", directory="kept", layers=[], **options)
    for step in steps:
        run.log(loss=float(step), step=step)
    run.event("ckpt", kind="checkpoint")
    run.finish()


def test_the_installed_command_is_the_one_that_is_tested():
    project = tomllib.loads((Path(__file__).parents[3] / "clients/python/pyproject.toml").read_text())
    module, _, name = project["project"]["scripts"]["spikescope"].partition(":")
    assert getattr(importlib.import_module(module), name) is main


def test_sync_delivers_an_offline_run_and_leaves_nothing(server, capsys):
    keep_offline(range(150))
    assert main(["sync", "kept", "--url", server.url]) == 0
    assert server.steps("run-1") == list(range(150))
    assert server.runs["run-1"]["status"] == "finished"
    assert server.runs["run-1"]["events"][0]["title"] == "ckpt"
    assert not list(find_kept_runs(Path("kept")))
    assert "run-1: 150 steps delivered, 0 were there" in capsys.readouterr().out
    assert main(["sync", "kept", "--url", server.url]) == 0
    assert "nothing is kept" in capsys.readouterr().out


def test_sync_delivers_attempts_in_the_order_in_which_they_happened(server):
    keep_offline(range(10))
    keep_offline(range(5, 12))
    assert len(list(find_kept_runs(Path("kept")))) == 2
    assert main(["sync", "kept", "--url", server.url]) == 0
    assert server.steps("run-1", 1) == list(range(10))
    assert server.steps("run-1", 2) == list(range(5, 12))


def test_a_sync_that_was_cut_off_goes_on_where_it_was(server, capsys):
    keep_offline(range(200))
    # The run, one batch of 64, and from then on nothing.
    server.faults.extend([None, None, *([503] * 20)])
    assert main(["sync", "kept", "--url", server.url, "--timeout", "1"]) == 1
    assert len(server.steps("run-1")) == 64
    server.faults.clear()
    assert main(["sync", "kept", "--url", server.url]) == 0
    assert server.steps("run-1") == list(range(200))
    assert len(server.runs["run-1"]["attempts"]) == 1
    assert "no progress" in capsys.readouterr().err


def test_sync_may_deliver_a_run_under_another_id(server):
    keep_offline(range(3))
    assert main(["sync", "kept", "--as", "run-2", "--url", server.url]) == 0
    assert server.steps("run-2") == [0, 1, 2]


def test_sync_leaves_a_job_alone_that_still_runs(server, capsys):
    run = spikescope.init("demo", id="run-1", mode="offline", directory="kept", layers=[])
    run.log(loss=1.0, step=0)
    run.flush(1.0)
    while not list(find_kept_runs(Path("kept"))):
        run.flush(0.1)
    assert main(["sync", "kept", "--url", server.url]) == 0
    assert "still running" in capsys.readouterr().out
    assert server.runs == {}
    run.finish()


@pytest.mark.parametrize("url", ["localhost:3000", ""])
def test_an_address_that_is_none_is_wrong_usage(url, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["runs", "--url", url or "ftp://x"])
    assert ended.value.code == 2


def test_a_server_that_is_away_is_said_in_one_line(capsys):
    assert main(["runs", "--url", "http://127.0.0.1:9"]) == 1
    assert "no_connection" in capsys.readouterr().err


def test_sync_delivers_what_the_typescript_client_kept(server, tmp_path):
    """The files on disk are one format of both clients."""
    root = Path(__file__).parents[3]
    node = shutil.which("node")
    if node is None or not (root / "node_modules" / "tsx").is_dir():
        pytest.skip("needs node and the packages of package.json")
    code = """
      const { createClient } = await import(process.env.CLIENT);
      const options = { url: 'http://127.0.0.1:9', directory: process.env.KEPT, mode: 'offline' };
      const client = createClient(options);
      const layers = [{ name: 'wte', parameterCount: 8 }, { name: 'head', parameterCount: 8 }];
      const run = client.startRun({ project: 'demo', id: 'from-node', optimizer: { name: 'adamw' }, layers });
      for (let step = 0; step < 150; step++) {
        run.log({ step, loss: 1 / (step + 1), layers: { rms: [step, null] } });
      }
      run.event({ step: 100, kind: 'checkpoint', title: 'ckpt' });
      await run.finish('stopped');
    """
    environment = {
        **os.environ,
        "CLIENT": (root / "clients" / "typescript" / "create-client.ts").as_uri(),
        "KEPT": str(tmp_path / "kept"),
    }
    command = [node, "--import", (root / "node_modules/tsx/dist/loader.mjs").as_uri(), "--input-type=module"]
    subprocess.run([*command, "--eval", code], check=True, cwd=root, env=environment, timeout=120)
    assert main(["sync", str(tmp_path / "kept"), "--url", server.url]) == 0
    assert server.steps("from-node") == list(range(150))
    assert server.scalars("from-node")[3] == 0.25
    assert server.runs["from-node"]["status"] == "stopped"
    assert server.runs["from-node"]["events"][0]["title"] == "ckpt"
    assert not list(find_kept_runs(tmp_path / "kept"))
