"""What a job hands over by mistake is said once; it never ends a training."""

from __future__ import annotations

import pytest

import spikescope


class Unreadable:
    """As proxies and lazily made objects can be."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__

    def __float__(self) -> float:
        raise RuntimeError("no number")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("config", {"config": {"a": Unreadable()}}),
        ("config", {"config": {Unreadable(): 1}}),
        ("layers", {"layers": [1, 2]}),
        ("layers", {"layers": [{"count": 5}]}),
        ("layers", {"layers": 5}),
        ("optimizer", {"optimizer": 5}),
        ("optimizer", {"optimizer": "adamw"}),
        ("tags", {"tags": 5}),
        ("tags", {"tags": [Unreadable()]}),
    ],
)
def test_what_init_cannot_read_is_left_out_and_said(server, name, options, capsys):
    run = spikescope.init("demo", id="run-1", url=server.url, directory="kept", **options)
    run.log(loss=1.0, step=0)
    run.finish()
    assert server.scalars("run-1") == {0: 1.0}
    assert capsys.readouterr().err.count(f"spikescope: {name}: ") == 1


def test_what_is_no_field_of_an_optimizer_is_named_once_and_the_rest_is_posted(server, capsys):
    optimizer = {"name": "adamw", "betas": (0.9, 0.95), "eps": 1e-8, "beta1": "0.9", "lr": 1e-3}
    run = spikescope.init(
        "demo", id="run-1", url=server.url, directory="kept", optimizer=optimizer, layers=[]
    )
    run.log(loss=1.0, step=0)
    run.finish()
    assert server.runs["run-1"]["create"]["optimizer"] == {"name": "adamw", "beta1": 0.9, "epsilon": 1e-8}
    said = capsys.readouterr().err
    assert (
        said.count("optimizer: betas, lr are left out; expected name, beta1, beta2, epsilon, weight_decay")
        == 1
    )


def test_a_field_of_an_optimizer_that_is_no_number_costs_no_other(server, capsys):
    optimizer = {"name": "lion", "beta1": "high", "beta2": 0.99}
    run = spikescope.init(
        "demo", id="run-1", url=server.url, directory="kept", optimizer=optimizer, layers=[]
    )
    run.log(loss=1.0, step=0)
    run.finish()
    assert server.runs["run-1"]["create"]["optimizer"] == {"name": "lion", "beta2": 0.99}
    assert capsys.readouterr().err.count("optimizer.beta1: expected a number, got 'high'") == 1


def test_a_value_that_cannot_be_read_costs_no_other(server, capsys):
    run = spikescope.init("demo", id="run-1", url=server.url, directory="kept", layers=[])
    for step in range(2):
        run.log(loss=1.5, odd=Unreadable(), step=step)
    run.finish()
    assert server.scalars("run-1") == {0: 1.5, 1: 1.5}
    assert capsys.readouterr().err.count("odd: expected a number, got Unreadable") == 1


def test_a_tensor_without_a_value_costs_no_other(server):
    torch = pytest.importorskip("torch")
    run = spikescope.init("demo", id="run-1", url=server.url, directory="kept", layers=[])
    run.log(loss=1.5, odd=torch.ones((), device="meta"), step=0)
    run.finish()
    assert server.scalars("run-1") == {0: 1.5}
