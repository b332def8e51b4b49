from __future__ import annotations

import argparse
import dataclasses
import math

import pytest

import spikescope
from spikescope.ranks import find_rank
from spikescope.scalars import json_config, read_scalars
from spikescope.settings import read_settings

NOTHING = {
    "project": None,
    "name": None,
    "id": None,
    "resume": None,
    "tags": None,
    "mode": None,
    "url": None,
    "token": None,
    "directory": None,
}


def read(said: dict | None = None, environment: dict | None = None, **arguments):
    said = {} if said is None else said
    return read_settings(**{**NOTHING, **arguments}, warn=said.__setitem__, environment=environment or {})


def test_the_environment_says_what_arguments_do_not():
    environment = {
        "SPIKESCOPE_URL": "http://spikes:3000",
        "SPIKESCOPE_TOKEN": "secret",
        "SPIKESCOPE_PROJECT": "pretrain",
        "SPIKESCOPE_MODE": "offline",
        "SPIKESCOPE_DIR": "/scratch/kept",
        "SPIKESCOPE_RUN_ID": "run-7",
        "SPIKESCOPE_RESUME": "1200",
        "SPIKESCOPE_TAGS": "a, b",
        "SPIKESCOPE_NAME": "seventh",
        "SPIKESCOPE_MAX_OVERHEAD": "0.02",
    }
    settings = read(environment=environment, project="mine")
    assert dataclasses.asdict(settings) == {
        **dataclasses.asdict(settings),
        "url": "http://spikes:3000",
        "token": "secret",
        "project": "mine",
        "mode": "offline",
        "run_id": "run-7",
        "resume": 1200,
        "max_overhead": 0.02,
        "tags": ("a", "b"),
        "name": "seventh",
    }
    assert str(settings.directory) == "/scratch/kept"


@pytest.mark.parametrize(
    ("argument", "value", "field", "becomes"),
    [
        ("mode", "onlin", "mode", "offline"),
        ("id", "a run/7", "run_id", "a-run-7"),
        ("resume", "sometimes", "resume", "allow"),
        ("resume", -3, "resume", "allow"),
    ],
)
def test_a_mistake_is_said_and_does_not_keep_the_job_from_starting(argument, value, field, becomes):
    said: dict = {}
    assert getattr(read(said, **{argument: value}), field) == becomes
    assert "expected" in said[argument]


@pytest.mark.parametrize("value", ["0", "2", "1%", "nan", "-0.1"])
def test_a_limit_of_the_environment_that_is_none_is_said(value):
    said: dict = {}
    assert read(said, environment={"SPIKESCOPE_MAX_OVERHEAD": value}).max_overhead is None
    assert "expected a number above 0 and at most 1" in said["max_overhead"]


def test_resume_may_be_a_step_a_word_or_a_boolean():
    assert [read(resume=value).resume for value in (5, "5", True, False, None, "must")] == [
        5,
        5,
        "allow",
        "never",
        "allow",
        "must",
    ]


def test_an_address_that_is_none_keeps_the_run_on_disk(tmp_path, capsys):
    run = spikescope.init("demo", url="localhost:3000", directory=tmp_path / "kept")
    run.log(loss=1.0)
    run.finish()
    assert "url: expected http://" in capsys.readouterr().err
    assert list((tmp_path / "kept").rglob("*.spool"))


def test_disabled_does_nothing_at_all(tmp_path, capsys):
    with spikescope.init("demo", mode="disabled", directory=tmp_path / "kept") as run:
        run.log(loss=1.0)
        run.event("note")
    assert not (tmp_path / "kept").exists()
    assert capsys.readouterr().err == ""


def test_only_rank_0_posts(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "3")
    run = spikescope.init("demo", directory=tmp_path / "kept")
    run.log(loss=1.0)
    run.finish()
    assert run.rank == 3
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("environment", "rank"),
    [
        ({}, 0),
        ({"RANK": "2"}, 2),
        ({"SLURM_PROCID": "4", "SLURM_NTASKS": "8"}, 4),
        ({"SLURM_PROCID": "4", "SLURM_NTASKS": "1"}, 0),
        ({"RANK": "x"}, 0),
    ],
)
def test_the_rank_is_what_the_launcher_says(environment, rank):
    assert find_rank(environment) == rank


def test_numbers_of_all_kinds_are_read_and_the_rest_is_said_once():
    said: dict = {}
    values = {"lr": 1, "a b": 2.5, "val": {"loss": True}, "text": "x", "big": 10**400, "nan": math.nan}
    scalars = read_scalars(values, said.__setitem__)
    assert {name: value for name, value in scalars.items() if name != "nan"} == {
        "learning_rate": 1.0,
        "a_b": 2.5,
        "val/loss": 1.0,
        "big": math.inf,
    }
    assert math.isnan(scalars["nan"])
    assert set(said) == {"name a b", "value text"}


def test_a_configuration_of_any_kind_becomes_json():
    @dataclasses.dataclass
    class Inner:
        width: int = 64

    namespace = argparse.Namespace(inner=Inner(), rate=math.inf, names=("a", 1), big=2**60, other=object)
    assert json_config(namespace, lambda *_: None) == {
        "inner": {"width": 64},
        "rate": "inf",
        "names": ["a", 1],
        "big": str(2**60),
        "other": "<class 'object'>",
    }


def test_a_fault_of_what_is_given_never_reaches_the_job(tmp_path, capsys):
    class Hostile:
        def __float__(self):
            raise RuntimeError("of the object")

    run = spikescope.init("demo", mode="offline", directory=tmp_path / "kept")
    run.log(loss=Hostile(), step=0)
    run.log(loss=Hostile(), step=1)
    run.log(step="many")
    run.event("x", kind="unknown")
    run.finish("unknown")
    error = capsys.readouterr().err
    assert error.count("loss: expected a number, got Hostile") == 1
    assert "invalid literal" in error
