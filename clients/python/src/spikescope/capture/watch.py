"""Reads gradients, moments and weights at each step of an optimizer.

  clip_grad_norm_  ─▶ before_clip   the gradient, after unscaling and reduction, unclipped
  optimizer.step() ─▶ pre-hook      the gradient, where nothing clipped it
                   ─▶ post-hook     moments and weights after the update; the capture is complete.
                                    Of step(closure), as Lightning's, the gradient as well

Nothing here waits for a device: a capture is a copy under way, read by the outbox's thread.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable

import torch

from ..layers import LayerInfo, OptimizerInfo
from ..settings import read_max_overhead
from ..transport.notices import Notices
from ..weak_calls import weak_call
from ..wire.frames import MAX_SAMPLES
from . import clip_hook, scaler_hook
from .cadence import Cadence
from .capture_builder import CaptureBuilder
from .layer_plan import Grouping, LayerPlan, make_layer_plan, name_parameters
from .optimizers import Adapter, describe_optimizer
from .own_layers import LayerOffset, OwnLayers, find_own_layers, gather_claims, make_claim
from .pace import make_pace
from .shards import Shards, looks_sharded
from .step_hooks import as_list, hook_steps, is_capturing_graph, pending_unscale, unwrap_optimizer

if TYPE_CHECKING:
    from ..run import Run

# The dip of 8,192 values without two peaks stays below 0.008 in 99.9 % of cases, so that 0.01, where
# layers begin to be watched, is no noise; a spread is right to 1 %. Cost: docs/performance.md.
DEFAULT_MAX_ELEMENTS = 8192
# Beyond the steps that accumulate gradients, or that GradScaler skips at first.
UNSEEN_LOGS = 64
SAMPLES_WHEN = ("always", "spike", "asked")


class Watch:
    """Made by `run.watch`.

    scalars_every     metrics of each layer, every so many optimizer steps
    histograms_every  the distributions of u and r, and with them the norm of the weights and
                      the largest gradient, each of which costs a pass over the whole model
    max_overhead      the fraction of the step time that captures may cost; where they cost more
                      both cadences are stretched, save around a suspected spike. None: as told
    max_elements      coordinates read of a layer, a fixed seeded subset; None: all of them.
                      Norms and the largest gradient are of the whole layer
    group             "tensor", "module", a pattern whose first group names the layer, or a
                      function of the parameter's name
    samples           raw (g, m, v) posted of this many coordinates of each layer, 12 bytes
                      each; the server keeps those of the steps around a spike. 0: none
    samples_when      "always": with every capture, so that the steps before a spike are
                      there when it is found; "spike": the last captures' stay on the host
                      and are posted once a spike is suspected, with those of the next steps;
                      "asked": after `run.request_samples()`
    sharded           whether ranks hold different parts of the model (FSDP, tensor or
                      pipeline parallel), whose statistics are then reduced; None: find out
    layer_offset      for ranks that hold different layers, whole: each posts its own. "find":
                      ranks tell each other what they have; a number: the first of this
                      rank's layers among those of the run
    process_group     the ranks that hold the model together, where that is not all of them
    adapter           (parameter, state, group) → Moments, for an optimizer we do not know
    """

    def __init__(
        self,
        run: Run,
        model: Any,
        optimizer: Any | Sequence[Any] | None = None,
        *,
        notices: Notices,
        scalars_every: int = 1,
        histograms_every: int = 10,
        max_overhead: float | None = None,
        max_elements: int | None = DEFAULT_MAX_ELEMENTS,
        group: Grouping = "tensor",
        samples: int = 0,
        samples_when: str = "always",
        sharded: bool | None = None,
        layer_offset: LayerOffset = None,
        process_group: Any = None,
        adapter: Adapter | None = None,
        seed: int = 0,
    ) -> None:
        given = as_list(optimizer)
        optimizers = self._optimizers = [unwrap_optimizer(each) for each in given]
        self._run = run
        self._model = model
        self._notices = notices
        if samples_when not in SAMPLES_WHEN:
            expected = ", ".join(SAMPLES_WHEN)
            notices.say("samples_when", f"samples_when: expected one of {expected}; it is taken as always")
            samples_when = "always"
        if any(type(each).__module__.startswith("deepspeed.runtime.zero") for each in given):
            notices.say(
                "deepspeed",
                "watch: DeepSpeed's ZeRO keeps gradients and moments in flat partitions that are no layers; "
                "they are shown as they are. torch's FSDP and ZeroRedundancyOptimizer are read by layer",
            )
        self.holds_samples = samples > 0 and samples_when == "spike"
        self._is_stopped = False
        limit = read_max_overhead(max_overhead, notices.say)
        named = name_parameters(model, optimizers)
        make_plan = functools.partial(
            make_layer_plan, named, grouping=group, max_elements=max_elements, seed=seed
        )
        own = None
        if layer_offset is not None and Shards.has_ranks():
            own = self._find_own_layers(make_plan(), layer_offset, process_group, limit)
            self._shards = Shards() if own is not None else Shards.of_group(process_group)
        else:
            self._shards = Shards.find(model, given, sharded)
        if own is None:
            plan = make_plan(count_elements=self._shards.element_counter(named))
            self._plan = self._shards.merge_plan(plan)
        else:
            self._plan = own.plan
        agreed = own.max_overhead if own is not None else self._shards.of_first(limit)
        if agreed != limit:
            notices.say(
                "ranks' max_overhead", f"max_overhead: the first rank says {agreed}, which stands for all"
            )
        self.has_budget = agreed is not None
        self.part = None if own is None else own.part
        self.layers: Sequence[LayerInfo] = self._plan.layers if own is None else own.layers
        self.optimizer_info: OptimizerInfo | None = describe_optimizer(optimizers[0]) if optimizers else None
        self._pace = make_pace(
            Cadence(scalars_every, histograms_every),
            agreed,
            find_devices=lambda: self._builder.devices,
            reads_captures=run.rank == 0 or self.part is not None,
            is_shared=self._shards.is_sharded or (own is not None and own.norms is not None),
            tell=self._tell_cadence,
        )
        self._builder = CaptureBuilder(
            self._plan,
            optimizers,
            adapter=adapter,
            optimizer_info=self.optimizer_info,
            shards=self._shards,
            norms=None if own is None else own.norms,
            sample_count=min(samples, MAX_SAMPLES),
            posts_samples_always=samples > 0 and samples_when == "always",
            holds_samples=self.holds_samples,
            note_span=self._pace.note_span,
        )
        self._has_logged = False
        self._group = group
        self._known_count = self._count_parameters()
        self._index = 0
        # Of optimizer steps that were seen, of each of several.
        self.update_count = 0
        self._log_count = 0
        self._stepped: set[int] = set()
        self._handles: list[Any] = []
        # Ranks that neither post nor hold a shard have nothing to do.
        if run.rank == 0 or self._shards.is_sharded or self.part is not None:
            self._guard("prepare", self._builder.prepare)
            self._hook()

    def __reduce__(self) -> tuple[Callable[[], Watch], tuple[()]]:
        # Copied or sent to another process with what holds it: nothing is watched there.
        return _watch_of_nothing, ()

    @property
    def is_hooked(self) -> bool:
        """Whether optimizer steps are seen on this rank."""
        return bool(self._handles)

    def stop(self) -> None:
        """Removes every hook."""
        if self._is_stopped:
            return
        self._is_stopped = True
        clip_hook.forget(self)
        scaler_hook.forget(self)
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._builder.forget_layouts()

    def request_samples(self, steps: int = 5) -> None:
        """Posts raw coordinates with the next captures."""
        if self._is_stopped:
            return
        self._builder.request_samples(steps)

    def lift_limit(self) -> None:
        """A spike is suspected: the next steps are captured as if there was no `max_overhead`."""
        self._pace.lift()

    def capture_gradients(self) -> None:
        """Call before clipping gradients by other means than torch.nn.utils."""
        self._guard("capture_gradients", lambda: self._take_gradients(None))

    def after_step(self) -> None:
        """Call after an `optimizer.step()` that is compiled, or replayed from a CUDA graph."""

        def capture() -> None:
            for index in range(len(self._optimizers)):
                self._before_step(index)
                self._after_step(index)

        self._guard("after_step", capture)

    def parameters_of_layers(self) -> dict[str, list[torch.nn.Parameter]]:
        """What this rank holds of each layer, by the layer's name."""
        found: dict[str, list[torch.nn.Parameter]] = {}
        for tensor in self._plan.tensors:
            found.setdefault(self._plan.layers[tensor.layer].name, []).append(tensor.parameter)
        return found

    def note_log(self) -> None:
        """A loop that logs and is never seen to step has hooks that do not run."""
        self._log_count += 1
        self._has_logged = True
        is_unseen = self._index == 0 and self._log_count == UNSEEN_LOGS and bool(self._optimizers)
        if is_unseen and self._run.rank == 0:
            self._notices.say(
                "unseen",
                "watch: no optimizer.step() was seen yet. Where it is compiled or in a CUDA graph, "
                "call run.after_step() behind it",
            )

    def _tell_cadence(self, message: str, title: str) -> None:
        if self._run.rank != 0:
            return
        self._notices.forget("cadence")
        self._notices.say("cadence", message)
        self._run.event(title, detail=message)

    def _find_own_layers(
        self, plan: LayerPlan, offset: LayerOffset, group: Any, max_overhead: float | None
    ) -> OwnLayers | None:
        """None where statistics have to be reduced instead, on all ranks alike."""
        must_reduce = self._run.mode == "offline" or looks_sharded(self._model)
        claim = make_claim(self._run, plan, offset, must_reduce=must_reduce, max_overhead=max_overhead)
        claims = gather_claims(claim, group)
        if not any(each.must_reduce for each in claims):
            return find_own_layers(claims, claim, plan, group)
        if self._run.rank == 0:
            self._notices.say(
                "layer_offset",
                "layer_offset: tensors are sharded, or the run is kept offline; rank 0 posts for all ranks",
            )
        return None

    # Hooks

    def before_clip(self, parameters: list[torch.Tensor], factor: clip_hook.ClipFactor) -> None:
        self._guard("before_clip", lambda: self._take_gradients(parameters, factor))

    def note_skipped(self, optimizer: Any) -> None:
        """GradScaler found a gradient that is not finite."""
        if any(each is unwrap_optimizer(optimizer) for each in self._optimizers):
            self._guard("note_skipped", self._run.note_skipped_update)

    def _hook(self) -> None:
        clip_hook.listen(self)
        scaler_hook.listen(self)
        before, after = weak_call(self._on_step), weak_call(self._on_stepped)
        for index, optimizer in enumerate(self._optimizers):
            self._handles += hook_steps(optimizer, index, before, after)

    def _on_step(self, index: int, has_closure: bool) -> None:
        # A closure has yet to compute the gradient: what is there is that of the step before.
        if not has_closure:
            self._guard("before_step", lambda: self._before_step(index))

    def _on_stepped(self, index: int, has_closure: bool) -> None:
        if has_closure:
            self._guard("before_step", lambda: self._before_step(index))
        self._guard("after_step", lambda: self._after_step(index))

    def _before_step(self, index: int) -> None:
        if self._pace.cadence.needs_gradient(self._index):
            self._find_new_parameters()
            self._builder.before_step(
                index,
                pending_unscale(self._optimizers[index]),
                has_wholes=self._pace.cadence.wants_wholes(self._index),
            )

    def _after_step(self, index: int) -> None:
        self.update_count += 1
        self._stepped.add(index)
        if len(self._stepped) < len(self._optimizers):
            return
        self._stepped.clear()
        self._pace.begin_update()
        step, cadence, builder = self._index, self._pace.cadence, self._builder
        self._index += 1
        capture = None
        try:
            if not cadence.needs_gradient(step):
                builder.forget_gradients()
            is_wanted = cadence.wants_scalars(step)
            capture = builder.finish(
                is_wanted=is_wanted,
                has_histograms=cadence.wants_histograms(step),
                has_wholes=cadence.wants_wholes(step),
                vote=self._pace.vote() if is_wanted else None,
            )
        finally:
            # Also where this rank had no capture to give: ranks change their cadence together.
            note_reading = self._pace.end_step(step, builder.ballots, is_captured=capture is not None)
        if capture is not None:
            capture.note_reading = note_reading
        self._run.attach(capture, step)

    def _take_gradients(
        self, parameters: list[torch.Tensor] | None, factor: clip_hook.ClipFactor | None = None
    ) -> None:
        if self._pace.cadence.needs_gradient(self._index):
            # Taken by the loop itself, and logged since: GradScaler skipped the step between.
            is_new_step = parameters is None and self._has_logged
            has_wholes = self._pace.cadence.wants_wholes(self._index)
            self._builder.before_clip(parameters, factor, has_wholes=has_wholes, is_new_step=is_new_step)
            self._has_logged = False

    def _count_parameters(self) -> int:
        return sum(len(group["params"]) for each in self._optimizers for group in each.param_groups)

    def _find_new_parameters(self) -> None:
        """Parameters that joined later go to the layers that there are; a run's layers are fixed."""
        count = self._count_parameters()
        if count == self._known_count:
            return
        self._known_count = count
        homeless = self._plan.adopt(name_parameters(self._model, self._optimizers), self._group)
        self._builder.forget_layouts()
        if homeless:
            self._notices.say(
                "late parameters",
                f"{len(homeless)} parameters joined after the run was opened, as {homeless[0]}; "
                "they are not shown. watch(group=…) can put them into layers that are there",
            )

    def _guard(self, name: str, work: Callable[[], None]) -> None:
        # In a forked child a lock may be held by a thread that is not there.
        if self._is_stopped or not self._run.is_mine or is_capturing_graph():
            return
        try:
            with self._pace.hook():
                work()
        except Exception as error:
            # A fault of this client, or a model that it does not know; training goes on.
            self._notices.say(
                f"watch {name} {type(error).__name__}",
                f"watch: {name} failed and was passed over: {type(error).__name__}: {error}",
            )


def _watch_of_nothing() -> Watch:
    watch = Watch.__new__(Watch)
    watch._is_stopped = True
    watch._plan = LayerPlan([], [])
    watch.layers, watch.part, watch.optimizer_info = (), None, None
    watch.holds_samples = watch.has_budget = False
    return watch
