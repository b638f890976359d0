"""A workflow that is put to use, and the settings it runs with.

In: a run folder, a workflow's file or the name of a baseline, and what the user asks for. Out: the
workflow and its settings: as asked, else as in the run that found it, else as in a search
without settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from w4s.config import SearchConfig
from w4s.errors import ConfigError
from w4s.reports.run import read_run
from w4s.reports.summary import best_entry
from w4s.serving.settings import UseConfig
from w4s.settings import nearest
from w4s.types import Workflow
from w4s.workflow import baseline_names, load_baseline, read_workflow


@dataclass(frozen=True, slots=True)
class InUse:
    """A workflow with everything it needs to run."""

    workflow: Workflow
    origin: str
    """Where it comes from, in a few words."""
    settings: SearchConfig
    """Executor, key variable, seed and limits; the rest means nothing here."""
    has_run: bool
    """Whether a search found it, so that its task is known."""


def put_to_use(config: UseConfig) -> InUse:
    """The workflow behind `config.workflow`. ConfigError when there is none, or no executor."""
    path = Path(config.workflow)
    if path.is_dir():
        run = read_run(path)
        best = best_entry(run.begin, run.turns, run.final)
        if best is None:
            raise ConfigError(f"{path} has no measured workflow yet; go on with its search")
        origin = f"found on {run.config.task}, {best.accuracy:.1%} right on its validation problems"
        return InUse(best.workflow, origin, _settings(config, run.config), True)
    workflow, origin = _named(path, config.workflow)
    if config.executor is None:
        raise ConfigError("which model shall it call? --executor openai:MODEL[@BASE_URL]")
    plain = SearchConfig(task="none", run=path)
    return InUse(workflow, origin, _settings(config, plain), False)


def _named(path: Path, name: str) -> tuple[Workflow, str]:
    names = baseline_names()
    if name in names:
        return load_baseline(name), "one of the workflows that come with w4s"
    if path.is_file():
        return read_workflow(path), f"from {path.name}"
    raise ConfigError(
        f"no run folder, workflow file or baseline {name!r}{nearest(name, names)} (baselines:"
        f" {', '.join(names)})"
    )


def _settings(asked: UseConfig, known: SearchConfig) -> SearchConfig:
    given: dict[str, object] = {
        "executor": asked.executor,
        "executor_key_env": asked.key_env,
        "seed": asked.seed,
        "solver_calls": asked.solver_calls,
        "executor_tokens": asked.executor_tokens,
        "solver_seconds": asked.solver_seconds,
    }
    return known.model_copy(update={k: v for k, v in given.items() if v is not None})
