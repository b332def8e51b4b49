from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

# Helper modules beside the tests, by their plain names.
sys.path.insert(0, str(Path(__file__).parent))

# Where there is no card Triton's kernels are interpreted, which it decides when it is imported.
if importlib.util.find_spec("torch") is not None:
    import torch

    if not torch.cuda.is_available():
        os.environ.setdefault("TRITON_INTERPRET", "1")

import patience  # noqa: F401
from fake_server import FakeServer


@pytest.fixture(autouse=True)
def _no_settings_of_the_person(monkeypatch, tmp_path):
    """Nothing of the machine's own settings, and nothing written beside the tests."""
    for name in list(os.environ):
        if name.startswith("SPIKESCOPE_") and not name.startswith("SPIKESCOPE_TEST_"):
            monkeypatch.delenv(name)
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server():
    fake = FakeServer()
    yield fake
    fake.close()
