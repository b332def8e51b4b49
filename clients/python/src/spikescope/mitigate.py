"""Does what the server advises to a torch optimizer, step by step.

    mitigator = Mitigator(run, optimizer, save_checkpoint=save)
    run.on_advice(mitigator)
    ...
    if not mitigator.should_skip(step):
        optimizer.step()

The rate and the size of single updates are changed around `optimizer.step()` and put back behind it,
so that learning rate schedules and the optimizer's own state are left as they are:

  pre-hook   rate · factor; of tensors that are clipped or warmed up again, the weights are kept
  step()     as the optimizer does it
  post-hook  those weights go only a share of their way; the rate is as it was
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable

import torch

from .advice import AdviceItem
from .capture.step_hooks import unwrap_optimizer
from .transport.notices import Notices

if TYPE_CHECKING:
    from .run import Run

# Lowering ε frees updates at once, which has made runs worse: to be asked for.
DEFAULT_ACTIONS = (
    "save_checkpoint",
    "skip_batch",
    "lower_learning_rate",
    "clip_updates",
    "reset_optimizer_state",
)
# Those that need a function of the job's.
HANDLED_ACTIONS = ("save_checkpoint", "rewind", "stop")
EVENT_KINDS = {
    "save_checkpoint": "checkpoint",
    "skip_batch": "batch_skip",
    "lower_learning_rate": "learning_rate",
}

Handler = Callable[[AdviceItem], Any]


class Mitigator:
    """An `on_advice` callback. Each thing that it does is posted as an event of the run.

    save_checkpoint, rewind, stop   what the job does then; without one that advice is for a person
    actions      which of the others it does; lower_epsilon is not among the default
    layers       name → parameters; None: as `run.watch` has them

    With several ranks all of them make one, and all call `exchange()` at the same step.
    """

    def __init__(
        self,
        run: Run,
        optimizer: Any,
        *,
        save_checkpoint: Handler | None = None,
        rewind: Handler | None = None,
        stop: Handler | None = None,
        actions: Sequence[str] = DEFAULT_ACTIONS,
        layers: Mapping[str, Sequence[torch.nn.Parameter]] | None = None,
        notices: Notices | None = None,
    ) -> None:
        self._run = run
        self._optimizer = unwrap_optimizer(optimizer)
        self._notices = notices or Notices()
        handlers = {"save_checkpoint": save_checkpoint, "rewind": rewind, "stop": stop}
        self._handlers = {action: handler for action, handler in handlers.items() if handler is not None}
        self._actions = frozenset(actions) | frozenset(self._handlers)
        self._layers = layers
        self._waiting: list[AdviceItem] = []
        self._skipped: list[tuple[int, int]] = []
        self._rate = RateFactor()
        self._cap: float | None = None
        self._warm_ups: dict[torch.nn.Parameter, WarmUp] = {}
        self._rates_before: list[Any] | None = None
        self._held: list[tuple[torch.nn.Parameter, torch.Tensor, float]] = []
        self._hook()

    def __call__(self, item: AdviceItem) -> None:
        if _has_ranks():
            # A change on one replica alone would part it from the others.
            self._waiting.append(item)
        else:
            self._do(item)

    def exchange(self) -> None:
        """Does on all ranks what rank 0 was told since the last call. A collective operation."""
        if not _has_ranks():
            return
        box: list[Any] = [self._waiting if torch.distributed.get_rank() == 0 else None]
        torch.distributed.broadcast_object_list(box, src=0)
        self._waiting = []
        for item in box[0]:
            self._do(item)

    @property
    def rate_factor(self) -> float:
        """What the next step's learning rate is multiplied with."""
        return self._rate.value

    def should_skip(self, step: int) -> bool:
        """True for "do not call optimizer.step()" on this step."""
        self._skipped = [span for span in self._skipped if span[1] >= step]
        return any(first <= step <= last for first, last in self._skipped)

    def skip_steps(self, first: int, last: int) -> None:
        """Both inclusive."""
        self._skipped.append((first, last))

    def lower_rate(self, factor: float, steps: int | None = None) -> None:
        """For so many optimizer steps, of which the lowest factor holds; None: for good, on top."""
        self._rate.lower(factor, steps)

    def clip_updates(self, cap: float = 1.0) -> None:
        """From now on each tensor's update is divided by max(1, RMS_t / cap).

        Source: Wortsman et al. 2023, Stable and low-precision training, algorithm 2.
        """
        self._cap = cap if self._cap is None else min(cap, self._cap)

    def reset_state(self, parameters: Iterable[torch.nn.Parameter], warm_up_steps: int = 0) -> None:
        """Their moments begin anew; their updates grow to full size over `warm_up_steps`."""
        for parameter in parameters:
            if parameter in self._optimizer.state:
                self._optimizer.state[parameter] = {}
            if warm_up_steps > 0:
                self._warm_ups[parameter] = WarmUp(warm_up_steps)

    def lower_epsilon(self, value: float) -> None:
        for group in self._optimizer.param_groups:
            if isinstance(group.get("eps"), float) and group["eps"] > value:
                group["eps"] = value

    # What was advised

    def _do(self, item: AdviceItem) -> None:
        if item.action not in self._actions:
            self._notices.say(item.id, f"advised and left to you: {item.action}: {item.reason}")
            return
        handler = self._handlers.get(item.action)
        if handler is not None:
            handler(item)
            done = item.action.replace("_", " ")
        elif item.action in HANDLED_ACTIONS:
            self._notices.say(
                item.id, f"advised, and no function was given for it: {item.action}: {item.reason}"
            )
            return
        else:
            done = self._apply(item)
        self._notices.say(item.id, f"{done}: {item.reason}")
        self._run.event(
            done, kind=EVENT_KINDS.get(item.action, "hyperparameter"), detail=item.reason, id=item.id
        )

    def _apply(self, item: AdviceItem) -> str:
        """In words, what was done. Raises where the item lacks what it is about."""
        if item.action == "lower_learning_rate" and item.factor is not None:
            self.lower_rate(item.factor, item.for_steps)
            span = "" if item.for_steps is None else f" for {item.for_steps} steps"
            return f"learning rate × {item.factor:g}{span}"
        if item.action == "clip_updates":
            cap = 1.0 if item.value is None else item.value
            self.clip_updates(cap)
            return f"updates clipped at RMS {cap:g}"
        if item.action == "skip_batch" and item.skip_steps is not None:
            self.skip_steps(*item.skip_steps)
            return f"updates of steps {item.skip_steps[0]} to {item.skip_steps[1]} left out"
        if item.action == "reset_optimizer_state":
            found = self._parameters_of([layer.name for layer in item.layers])
            self.reset_state(found, item.for_steps or 0)
            return f"optimizer state of {len(item.layers)} layers reset"
        if item.action == "lower_epsilon" and item.value is not None:
            self.lower_epsilon(item.value)
            return f"ε lowered to {item.value:g}"
        raise ValueError(f"{item.action} without what it is about")

    def _parameters_of(self, names: Sequence[str]) -> list[torch.nn.Parameter]:
        """Of all layers where none is named."""
        layers = self._layers
        if layers is None:
            watch = self._run.watched
            layers = {} if watch is None else watch.parameters_of_layers()
        if not names:
            return [parameter for group in self._optimizer.param_groups for parameter in group["params"]]
        return [parameter for name in names for parameter in layers.get(name, ())]

    # Around optimizer.step()

    def _hook(self) -> None:
        # Weakly: an optimizer outlives the run.
        mitigator = weakref.ref(self)

        def call(name: str) -> None:
            alive = mitigator()
            if alive is not None:
                getattr(alive, name)()

        self._optimizer.register_step_pre_hook(lambda *_: call("_before_step"))
        self._optimizer.register_step_post_hook(lambda *_: call("_after_step"))

    def _before_step(self) -> None:
        if self._cap is not None or self._warm_ups:
            try:
                self._hold(self._shares())
            except Exception as error:
                # Tensors of a kind that this was not made for: training goes on unclipped.
                self._cap, self._warm_ups, self._held = None, {}, []
                self._notices.say("clip", f"updates cannot be clipped: {type(error).__name__}: {error}")
        factor = self._rate.take()
        if factor < 1.0:
            groups = self._optimizer.param_groups
            self._rates_before = [group["lr"] for group in groups]
            for group in groups:
                group["lr"] = group["lr"] * factor

    def _after_step(self) -> None:
        if self._rates_before is not None:
            for group, rate in zip(self._optimizer.param_groups, self._rates_before):
                group["lr"] = rate
            self._rates_before = None
        held, self._held = self._held, []
        with torch.no_grad():
            for parameter, before, share in held:
                parameter.lerp_(before, 1.0 - share)

    def _shares(self) -> dict[torch.nn.Parameter, float]:
        """How much of its update each tensor takes, where that is not all of it."""
        shares: dict[torch.nn.Parameter, float] = {}
        if self._cap is not None:
            for parameter, rms in _find_rms(self._optimizer).items():
                if rms > self._cap:
                    shares[parameter] = self._cap / rms
        for parameter, warm_up in list(self._warm_ups.items()):
            share = warm_up.take()
            if share >= 1.0:
                del self._warm_ups[parameter]
            else:
                shares[parameter] = min(share, shares.get(parameter, 1.0))
        return shares

    def _hold(self, shares: Mapping[torch.nn.Parameter, float]) -> None:
        self._held = [(parameter, parameter.detach().clone(), share) for parameter, share in shares.items()]


class RateFactor:
    """A factor for good, and those that hold for some steps, of which the lowest counts."""

    def __init__(self) -> None:
        self._lasting = 1.0
        self._passing: list[list[float]] = []

    @property
    def value(self) -> float:
        return self._lasting * min((factor for factor, _ in self._passing), default=1.0)

    def lower(self, factor: float, steps: int | None) -> None:
        if steps is None:
            self._lasting *= factor
        elif steps > 0:
            self._passing.append([factor, steps])

    def take(self) -> float:
        """For the step that begins."""
        value = self.value
        self._passing = [[factor, left - 1] for factor, left in self._passing if left > 1]
        return value


class WarmUp:
    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._taken = 0

    def take(self) -> float:
        """The share of the step that begins; 1 once it is over."""
        self._taken += 1
        return min(1.0, self._taken / self._steps)


def _find_rms(optimizer: Any) -> dict[torch.nn.Parameter, float]:
    """RMS_t of the gradient that is about to be applied; of tensors that have a second moment.

    One number a tensor comes from the device, all at once.
    """
    found: list[tuple[torch.nn.Parameter, torch.Tensor]] = []
    unscale = getattr(optimizer, "grad_scale", None)
    with torch.no_grad():
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                rms = _rms_of(parameter, optimizer.state.get(parameter), group, unscale)
                if rms is not None:
                    found.append((parameter, rms))
        if not found:
            return {}
        device = found[0][1].device
        values = torch.stack([rms.to(device, non_blocking=True) for _, rms in found]).tolist()
    return {parameter: value for (parameter, _), value in zip(found, values)}


def _rms_of(
    parameter: torch.nn.Parameter, state: Mapping[str, Any] | None, group: Mapping[str, Any], unscale: Any
) -> torch.Tensor | None:
    gradient = parameter.grad
    average = None if state is None else state.get("exp_avg_sq")
    betas, step = group.get("betas"), None if state is None else state.get("step")
    if gradient is None or gradient.is_sparse or average is None or betas is None or step is None:
        return None
    square = gradient.float().square()
    if isinstance(unscale, torch.Tensor):
        square = square / unscale.square()
    beta2 = float(betas[1])
    corrected = torch.lerp(average.float(), square, 1.0 - beta2) / (1.0 - beta2 ** (step + 1))
    return (square / corrected.clamp_min(float(group.get("eps", 0.0)) ** 2)).mean().sqrt()


def _has_ranks() -> bool:
    distributed = torch.distributed
    is_initialized = distributed.is_available() and distributed.is_initialized()
    return bool(is_initialized and distributed.get_world_size() > 1)
