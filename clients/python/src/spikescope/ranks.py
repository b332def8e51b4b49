"""Which of a job's processes this one is."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping


def find_rank(environment: Mapping[str, str] = os.environ) -> int:
    """The rank that torch.distributed, torchrun, Open MPI or Slurm gave; 0 for a job of one.

    torch is asked only where the job has imported it.
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return int(distributed.get_rank())
    names = ["RANK", "OMPI_COMM_WORLD_RANK"]
    # Slurm sets it in jobs of one process and in interactive shells as well.
    if _integer(environment.get("SLURM_NTASKS")) > 1:
        names.append("SLURM_PROCID")
    for name in names:
        if name in environment:
            return _integer(environment[name])
    return 0


def _integer(text: str | None) -> int:
    return int(text) if text is not None and text.isdigit() else 0
