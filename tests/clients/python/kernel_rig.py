"""What tests of the kernels share: a device, numbers, and kernels that are used on it.

On a card they are compiled; elsewhere Triton interprets them on the processor, where they read
the same tables of addresses. Small sizes: an interpreted program takes milliseconds.
"""

from __future__ import annotations

import os

import pytest

torch = pytest.importorskip("torch")
if not os.environ.get("CI"):
    pytest.importorskip("triton")

from spikescope.capture import fused_rows  # noqa: E402

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
# NumPy, which interprets, says what a card does in silence.
IGNORES_NUMPY = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(autouse=True)
def kernels_are_used(monkeypatch):
    """Imported by a test file it holds for all of its tests."""
    monkeypatch.setattr(fused_rows, "is_available", lambda device: fused_rows.row_kernels is not None)


def randn(*shape, seed: int = 1, scale: float = 1.0):
    return (scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))).to(DEVICE)
