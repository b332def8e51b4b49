"""Lightning.

logger = SpikescopeLogger(project="pretrain")
trainer = Trainer(logger=logger, callbacks=[SpikescopeCallback(logger)])
"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

try:
    from lightning.pytorch import Callback
    from lightning.pytorch.loggers import Logger
    from lightning.pytorch.utilities import rank_zero_only
except ImportError:  # the package under its older name
    from pytorch_lightning import Callback
    from pytorch_lightning.loggers import Logger
    from pytorch_lightning.utilities import rank_zero_only

from ..init import init
from ..run import Run

# What a Trainer may call the end, and the contract's words.
_STATUS = {"success": "finished", "finished": "finished", "failed": "failed"}


class SpikescopeLogger(Logger):  # type: ignore[misc]
    """What `self.log` reports, as scalars of the step. `init_options` are those of `spikescope.init`.

    The run begins once hyperparameters are known or something is logged.
    """

    def __init__(self, project: str | None = None, **init_options: Any) -> None:
        super().__init__()
        self._project = project
        self._init_options = init_options
        self._run: Run | None = None

    @property
    def experiment(self) -> Run:
        if self._run is None:
            self._run = init(self._project, **self._init_options)
        return self._run

    @property
    def name(self) -> str:
        return self.experiment.project

    @property
    def version(self) -> str:
        return self.experiment.id

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        if self._run is None:
            self._init_options.setdefault("config", params)
        _ = self.experiment

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        values = {name: value for name, value in metrics.items() if name != "epoch"}
        if values:
            self.experiment.log(values, step=step)

    @rank_zero_only  # type: ignore[untyped-decorator]
    def finalize(self, status: str) -> None:
        if self._run is not None:
            self._run.finish(_STATUS.get(status, "stopped"))


class SpikescopeCallback(Callback):  # type: ignore[misc]
    """Watches the module and its optimizers; each batch that stepped is a step of the run.

    Takes the logger's run, or one of your own.
    """

    def __init__(self, source: SpikescopeLogger | Run, **watch_options: Any) -> None:
        self._source = source
        self._watch_options = watch_options

    @property
    def run(self) -> Run:
        return self._source if isinstance(self._source, Run) else self._source.experiment

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self.run.watch(pl_module, trainer.optimizers, **self._watch_options)

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if (batch_idx + 1) % trainer.accumulate_grad_batches != 0 and not trainer.is_last_batch:
            return
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        # Lightning counts each optimizer's step, its loggers each batch that stepped.
        count = max(1, len(trainer.optimizers))
        self.run.log({} if loss is None else {"loss": loss}, step=trainer.global_step // count - 1)

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Any) -> None:
        if trainer.is_global_zero:
            step = max(0, trainer.global_step - 1)
            self.run.event(f"checkpoint-{trainer.global_step}", kind="checkpoint", step=step)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self.run.finish("stopped" if isinstance(exception, KeyboardInterrupt) else "failed")
