"""What a measurement was made on, for the head of its output."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path


def describe_machine() -> str:
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        # Not Linux: platform's word stands.
        pass
    here = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True
        )
        commit = done.stdout.strip() or "unknown"
    except OSError:
        # A copy of the tree on a machine without git.
        commit = "unknown"
    cores = f"{os.cpu_count()} logical cores of {model}"
    return f"{cores}, Python {platform.python_version()}, commit {commit}"


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
