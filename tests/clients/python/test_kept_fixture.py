"""What either client leaves on disk, by the bytes that both hold themselves to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from frame_vectors import FRAMES

from spikescope.cli.main import main
from spikescope.transport.backlog import Item
from spikescope.transport.spool import Spool

KEPT = Path(__file__).parents[2] / "fixtures" / "spool"


def read_records() -> list[tuple[bytes, bytes]]:
    described = json.loads((KEPT / "records.json").read_text(encoding="utf-8"))
    return [
        (each["kind"].encode(), each["text"].encode() if "text" in each else _body(each["body"]))
        for each in described
    ]


def _body(name: str) -> bytes:
    return (FRAMES / name).read_bytes()


def test_writes_the_segment_that_both_clients_share(tmp_path):
    spool = Spool(tmp_path / "run", max_bytes=2**20)
    for kind, payload in read_records():
        spool.append(kind, payload)
    spool.close()
    written = (tmp_path / "run" / "00000001.spool").read_bytes()
    assert written == (KEPT / "run" / "00000001.spool").read_bytes()


def test_reads_every_record_back_and_packs_it_again_to_the_byte(tmp_path):
    folder = shutil.copytree(KEPT / "run", tmp_path / "run")
    found = [(kind, bytes(payload)) for kind, payload, _ in Spool(folder, max_bytes=2**20).records()]
    assert found == read_records()
    assert [Item.of_record(kind, payload).to_record() for kind, payload in found] == [
        payload for _, payload in found
    ]


def test_delivers_frames_samples_event_and_end_to_their_places(server, tmp_path):
    shutil.copytree(KEPT / "run", tmp_path / "kept" / "kept-run" / "20260131T120000.000000-4194305-5f0c9a")
    create = json.loads((KEPT / "run" / "run.json").read_text())["create"]
    run = {"create": create, "attempts": [0, 0, 0], "stored": [], "shards": [], "hashes": {}}
    server.runs["kept-run"] = {**run, "events": [], "samples": [], "status": "running"}
    server.runs["kept-run"]["stored"].append((3, 13, None))
    assert main(["sync", str(tmp_path / "kept"), "--url", server.url]) == 0
    stored = server.runs["kept-run"]
    assert [(number, step, offset) for number, step, offset, _ in stored["shards"]] == [(3, 0, 0), (3, 12, 7)]
    assert [(frame.step, frame.samples.sample_count) for frame in stored["samples"]] == [(13, 2)]
    assert [event["title"] for event in stored["events"]] == ["näher"]
    assert stored["status"] == "stopped"
