"""Accelerate.

accelerator = Accelerator(log_with=SpikescopeTracker("pretrain"))
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
accelerator.init_trackers("pretrain", config=config)
accelerator.get_tracker("spikescope").watch(model, optimizer)
accelerator.log({"loss": loss}, step=step)
accelerator.end_training()
"""

from __future__ import annotations

from typing import Any

from accelerate.tracking import GeneralTracker

from ..init import init
from ..run import Run


class SpikescopeTracker(GeneralTracker):  # type: ignore[misc]
    """`init_options` are those of `spikescope.init`.

    The run begins with `accelerator.init_trackers`, or with the first use, so that its
    configuration is known by then.
    """

    name = "spikescope"
    requires_logging_directory = False
    # Ranks that hold shards have to take part in what `watch` reduces.
    main_process_only = False

    def __init__(self, project: str | None = None, **init_options: Any) -> None:
        super().__init__()
        self._project = project
        self._init_options = init_options
        self._run: Run | None = None

    @property
    def tracker(self) -> Run:
        return self._begin({})

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        self._begin(values)

    def watch(self, model: Any, optimizer: Any, **options: Any) -> None:
        self.tracker.watch(model, optimizer, **options)

    def log(self, values: dict[str, Any], step: int | None = None, **kwargs: Any) -> None:
        self.tracker.log(values, step=step)

    def finish(self) -> None:
        if self._run is not None:
            self._run.finish()

    def _begin(self, config: dict[str, Any]) -> Run:
        if self._run is None:
            options = dict(self._init_options)
            options.setdefault("config", config)
            self._run = init(self._project, **options)
        return self._run
