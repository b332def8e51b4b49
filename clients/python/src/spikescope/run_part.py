"""Where the layers of one rank lie in a run that ranks post into together."""

from __future__ import annotations

from dataclasses import dataclass

from .transport.shared_run import SharedRun


@dataclass(frozen=True)
class RunPart:
    run_id: str
    first_layer: int
    layer_count: int
    # Of all ranks together.
    run_layer_count: int
    shared: SharedRun

    @property
    def layer_offset(self) -> int:
        """Of this rank's frames. Frames without layers lie behind all layers, where no others are."""
        return self.first_layer if self.layer_count > 0 else self.run_layer_count

    @property
    def late_offset(self) -> int:
        """Of what is logged for a step that was sent: a place where nobody's layers begin.

        Raises ValueError where there is none, as for a rank of one layer among others.
        """
        if self.layer_count >= 2:
            return self.first_layer + 1
        if self.layer_count == 1 and self.first_layer + 1 == self.run_layer_count:
            return self.run_layer_count
        raise ValueError("step: it was sent already, and a rank of one layer cannot add to it")
