"""`spikescope.init`: settings, rank and mode, made into a Run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .advice import AdviceCallback
from .ranks import find_rank
from .run import Run
from .settings import read_settings
from .transport.notices import Notices


def init(
    project: str | None = None,
    *,
    name: str | None = None,
    config: Any = None,
    id: str | None = None,
    resume: int | bool | str | None = None,
    tags: str | Sequence[str] | None = None,
    mode: str | None = None,
    url: str | None = None,
    token: str | None = None,
    directory: str | Path | None = None,
    optimizer: Mapping[str, Any] | None = None,
    layers: Sequence[Any] | None = None,
    rank: int | None = None,
    on_advice: AdviceCallback | None = None,
) -> Run:
    """Begins a run, or goes on with one. Returns at once and never raises.

    id         names the run; a job that restarts with the same id goes on with it
    resume     the step that the job starts from; "allow" (the default): the first logged
               step says; "must": warn where there is no such run; "never": take another id
    mode       "online"; "offline": keep everything on disk for `spikescope sync`; "disabled"
    optimizer, layers   what `watch` finds out by itself, for jobs that log layers on their own
    rank       which process of the job this is; only rank 0 posts
    on_advice  called with each thing that the server advises; see `Run.on_advice`

    Left out, they come from SPIKESCOPE_PROJECT, _NAME, _RUN_ID, _RESUME, _TAGS, _MODE,
    _URL, _TOKEN and _DIR. SPIKESCOPE_MAX_OVERHEAD is that of `watch`.
    """
    notices = Notices()
    settings = read_settings(
        project=project,
        name=name,
        id=id,
        resume=resume,
        tags=tags,
        mode=mode,
        url=url,
        token=token,
        directory=directory,
        warn=notices.say,
    )
    run = Run(
        settings,
        config=config,
        optimizer=optimizer,
        layers=layers,
        rank=find_rank() if rank is None else rank,
        notices=notices,
    )
    if on_advice is not None:
        run.on_advice(on_advice)
    return run


def disabled_run(run_id: str, project: str) -> Run:
    """A run that does nothing, for other processes that were handed one."""
    return init(project, id=run_id, mode="disabled")
