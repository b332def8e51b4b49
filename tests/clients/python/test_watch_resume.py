"""`watch` in jobs that go back, copy what they hold, fork, skip steps, or fail on one rank alone."""

from __future__ import annotations

import copy
import math
import os
import pickle
import threading

import pytest

torch = pytest.importorskip("torch")

from watched_job import Job, adam_reference, assert_columns, batch, columns, loss_of, make_model  # noqa: E402

from spikescope.capture.ballots import Vote  # noqa: E402
from spikescope.capture.capture_builder import CaptureBuilder  # noqa: E402
from spikescope.capture.layer_plan import make_layer_plan, name_parameters  # noqa: E402
from spikescope.capture.optimizers import describe_optimizer, read_adam  # noqa: E402
from spikescope.capture.statistics import COLUMN, LayerSums  # noqa: E402


def backward(model, step: int) -> None:
    model.zero_grad()
    loss_of(model, batch(step)).backward()


def test_settings_that_a_checkpoint_brought_are_those_that_count(server):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    job = Job(server, model, optimizer)
    for step in range(2):
        backward(model, step)
        if step == 1:
            # load_state_dict makes groups anew; those that were read before are nobody's now.
            saved = copy.deepcopy(optimizer.state_dict())
            saved["param_groups"][0].update(eps=1e-2, betas=(0.8, 0.9))
            optimizer.load_state_dict(saved)
        gradients = [p.grad.clone() for p in model.parameters()]
        optimizer.step()
        job.run.log(loss=1.0, step=step)
    frame = job.finish()[-1]
    for layer, (p, g) in enumerate(zip(model.parameters(), gradients)):
        expected = adam_reference(p, g, optimizer.state[p], 0.8, 0.9, 1e-2)
        assert_columns(frame, layer, {name: expected[name] for name in ("update_std", "rms", "ratio_std")})


def test_what_holds_a_watch_is_copied_and_sent_and_its_copy_does_nothing(server, capsys):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer)
    held = {"watch": job.run.watched, "run": job.run, "optimizer": optimizer}
    for copied in (copy.deepcopy(held), pickle.loads(pickle.dumps(held)), copy.copy(job.run.watched)):
        watch = copied["watch"] if isinstance(copied, dict) else copied
        watch.request_samples()
        watch.capture_gradients()
        watch.after_step()
        assert watch.parameters_of_layers() == {}
        watch.stop()
    backward(model, 0)
    optimizer.step()
    job.run.log(loss=1.0, step=0)
    (frame,) = job.finish()
    assert columns(frame)["gradient_norm"][0] is not None
    assert "passed over" not in capsys.readouterr().err


def test_a_step_that_was_skipped_after_its_gradients_were_taken_is_not_the_next_one(server):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer)
    for step in range(3):
        backward(model, step)
        if step == 1:
            model.head.bias.grad[0] = math.inf
        job.run.capture_gradients()
        # As GradScaler does: no step where a gradient is not finite.
        if step != 1:
            optimizer.step()
        job.run.log(loss=1.0, step=step)
    gradient = model.head.bias.grad.double()
    last = job.finish()[-1]
    assert columns(last)["gradient_norm"][6] == pytest.approx(float(gradient.norm()), rel=1e-6)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_trains_on_while_a_thread_of_the_parent_held_a_lock(server):
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    job = Job(server, model, optimizer)
    backward(model, 0)
    is_held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with job.run._assembly._lock:
            is_held.set()
            may_end.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait()
    child = os.fork()
    if child == 0:
        import signal

        signal.alarm(120)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        os._exit(5)
    may_end.set()
    holder.join()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 5
    job.finish()


class Ranks:
    """Shards of this rank and of another that found nothing; notes each reduction."""

    is_sharded = True
    device = torch.device("cpu")

    def __init__(self) -> None:
        self.reduced: list[LayerSums] = []
        self.votes: list[Vote | None] = []

    def reduce(self, local: LayerSums, vote: Vote | None):
        self.reduced.append(local)
        self.votes.append(vote)
        return (lambda: local), None


def test_a_rank_that_cannot_read_its_part_still_reduces_with_the_others():
    fails = [False, True, False]

    def adapter(parameter, state, group):
        if fails[step]:
            raise KeyError("of the adapter")
        return read_adam(parameter, state, group)

    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    plan = make_layer_plan(name_parameters(model, [optimizer]), grouping="tensor", max_elements=None, seed=0)
    ranks = Ranks()
    builder = CaptureBuilder(
        plan,
        [optimizer],
        adapter=adapter,
        optimizer_info=describe_optimizer(optimizer),
        shards=ranks,
        sample_count=0,
        posts_samples_always=False,
        holds_samples=False,
    )
    readings = []
    for step in range(3):
        backward(model, step)
        builder.before_step(0, None, has_wholes=True)
        optimizer.step()
        whole = {"is_wanted": True, "has_histograms": True, "has_wholes": True, "vote": Vote(5)}
        capture = None
        if fails[step]:
            with pytest.raises(KeyError, match="of the adapter"):
                builder.finish(**whole)
        else:
            capture = builder.finish(**whole)
        readings.append(None if capture is None else capture.read())
    # Else the others would wait for it, and its next reduction would meet their last one.
    assert len(ranks.reduced) == 3
    assert ranks.votes == [Vote(5)] * 3
    assert ranks.reduced[1].ratio_slots.shape == ranks.reduced[0].ratio_slots.shape
    assert readings[0].layers and readings[2].layers
    # What it lacks is known to all, and nobody shows the rest as if it were the whole.
    assert math.isnan(ranks.reduced[1].sums[0, COLUMN["count"]].item())


def test_sums_that_lack_a_rank_are_a_gap_and_no_numbers():
    from spikescope.capture.readings import Edges, read_statistics

    sums = LayerSums.zeros(2, torch.device("cpu"), has_histograms=True)
    sums.sums[:, COLUMN["count"]] = 8
    sums.sums[:, COLUMN["gradient_squares"]] = 2
    sums.sums[:, COLUMN["whole_gradient_squares"]] = 2
    sums.update_slots[:, 9] = 8
    counts = torch.full((2,), 8.0, dtype=torch.float64)
    edges = Edges(0.9, 0.95)
    complete = read_statistics(sums, counts, edges, scalars={"learning_rate": 0.1}, samples=None)
    assert "gradient_norm" in complete.layers and "update" in complete.histograms
    sums.sums[:, COLUMN["count"]] = math.nan
    lacking = read_statistics(sums, counts, edges, scalars={"learning_rate": 0.1}, samples=None)
    assert not lacking.layers and not lacking.histograms
    assert lacking.scalars == {"learning_rate": 0.1}
