"""Where the runs of a confidential task may lie.

In: a task and the folder of a run. Out: nothing, or a ConfigError that says where to. A run folder
quotes problems (prompts, answers, feedback), so that of a confidential task must lie in the cache,
where the rows themselves are, and not in a project that may be published.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from w4s.errors import ConfigError
from w4s.tasks.base import Task
from w4s.tasks.hub import cache_folder


def runs_folder() -> Path:
    """A place in the cache for run folders."""
    return cache_folder() / "runs"


def keep_confidential(task: Task, run: Path) -> None:
    """ConfigError when the task is confidential and the run folder lies outside the cache."""
    if task.confidential:
        keep_in_cache(task.name, run, "--run")


def keep_in_cache(what: str, folder: Path, flag: str) -> None:
    """ConfigError when a folder that quotes confidential problems lies outside the cache; `flag`
    is the option that names it.

    Links are followed, so one that leads out of the cache does not count as inside."""
    if folder.resolve().is_relative_to(cache_folder().resolve()):
        return
    inside = shlex.quote(str(runs_folder() / folder.name))
    raise ConfigError(
        f"{what} is confidential: its authors ask that no problem be published, and this"
        f" folder quotes problems. Keep it in the cache: {flag} {inside}"
    )
