"""Hugging Face Trainer.

trainer = Trainer(..., callbacks=[SpikescopeCallback(project="finetune")])
"""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback

from ..init import init
from ..run import Run

# What Trainer reports of the whole training; no series.
_SUMMARIES = frozenset(
    ("train_runtime", "train_samples_per_second", "train_steps_per_second", "total_flos", "train_loss")
)


class SpikescopeCallback(TrainerCallback):  # type: ignore[misc]
    """Watches the model and the optimizer that Trainer steps, and logs what Trainer logs.

    Layers are captured at every step; the loss is Trainer's own, every `logging_steps`:
    set it to 1 for a loss of every step.

    run     a run of yours; left out, one is made at the start of training and finished at its end
    watch   options of `run.watch`
    others  arguments of `spikescope.init`
    """

    def __init__(
        self, run: Run | None = None, *, watch: dict[str, Any] | None = None, **init_options: Any
    ) -> None:
        self.run = run
        self._owns_run = run is None
        self._watch_options = watch or {}
        self._init_options = init_options

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        model, optimizer = kwargs.get("model"), kwargs.get("optimizer")
        if self.run is None:
            options = dict(self._init_options)
            options.setdefault("config", _config(args, model))
            if getattr(args, "run_name", None) and args.run_name != args.output_dir:
                options.setdefault("name", args.run_name)
            options.setdefault("rank", 0 if state.is_world_process_zero else max(1, args.process_index))
            self.run = init(**options)
        self.run.watch(model, optimizer, **self._watch_options)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.run is not None:
            self.run.log(step=state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        values = {name: value for name, value in (logs or {}).items() if name not in _SUMMARIES}
        if self.run is not None and values:
            self.run.log(values, step=state.global_step)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.run is not None:
            self.run.event(f"checkpoint-{state.global_step}", kind="checkpoint", step=state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        run = self.run
        if run is not None and self._owns_run:
            self.run = None
            run.finish()


def _config(args: Any, model: Any) -> dict[str, Any]:
    config = args.to_sanitized_dict()
    # Tokens of other services and paths of this machine are nobody's business.
    config = {name: value for name, value in config.items() if not name.endswith(("_token", "_dir"))}
    model_config: Any = getattr(model, "config", None)
    if hasattr(model_config, "to_diff_dict"):
        config["model"] = model_config.to_diff_dict()
    return config
