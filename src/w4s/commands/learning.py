"""Learning: from collected episodes to examples, and from examples to a better meta-agent.

In: the settings. Out: a folder with a data set, or with a trained model. What a data set leaves
open, how prompts are shown and whose tokeniser counts, comes from the collections. torch is
imported when it is needed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from w4s.commands.collecting import Collection, read_collection
from w4s.commands.sitting import current_sitting
from w4s.commands.workbench import form_of
from w4s.errors import ConfigError
from w4s.extras import needs
from w4s.models.checkpoints import SMALL
from w4s.models.specs import read_spec
from w4s.settings import nearest
from w4s.tasks.confidential import keep_in_cache
from w4s.training.card import Statistics
from w4s.training.export import export
from w4s.training.logs import StepLog
from w4s.training.settings import DatasetConfig, TrainConfig
from w4s.types import Trajectory

if TYPE_CHECKING:
    from w4s.training.trainer import Trained

_log = logging.getLogger("w4s")


@dataclass(frozen=True, slots=True)
class Made:
    """A data set that was written."""

    config: DatasetConfig
    """The settings, with what the collections filled in."""
    statistics: Statistics


def make_dataset(config: DatasetConfig) -> Made:
    """Merge the collections and write the folder."""
    collections = [read_collection(path) for path in config.runs]
    if any(collection.confidential for collection in collections):
        keep_in_cache("a task of these runs", config.out, "--out")
    collected = _Collected.of(collections)
    chosen = config.model_copy(
        update={
            "form": config.form or collected.form,
            "model": config.model or collected.checkpoint,
        }
    )
    episodes = [c.trajectory for run in collections for c in run.episodes]
    _need_collected(config, episodes)
    with needs("train", "counting tokens"):
        return Made(chosen, export(chosen, episodes))


def _need_collected(config: DatasetConfig, episodes: Sequence[Trajectory]) -> None:
    """A filter for what nobody collected is a mistake."""
    tasks = sorted({episode.task for episode in episodes})
    for task in config.tasks:
        if task not in tasks:
            raise ConfigError(
                f"no episode of these runs is on {task!r}{nearest(task, tasks)}"
                f" (tasks: {', '.join(tasks)})"
            )
    longest = max((len(episode.turns) for episode in episodes), default=0)
    for turn in config.turns:
        if turn > longest:
            raise ConfigError(
                f"no episode of these runs has a turn {turn}; the longest has {longest}"
            )


@dataclass(frozen=True, slots=True)
class _Collected:
    """How the collections were made, where they agree."""

    form: str
    checkpoint: str | None
    """The meta-agent's, where it ran in a process of ours."""

    @classmethod
    def of(cls, collections: Sequence[Collection]) -> _Collected:
        forms = {form_of(collection.config).value for collection in collections}
        if len(forms) > 1:
            raise ConfigError(
                "these runs show their states in different forms (compact and full), and one model"
                " reads one form: make a data set of each"
            )
        specs = {read_spec(collection.config.meta_agent) for collection in collections}
        spec = specs.pop()
        here = not specs and spec.checkpoint is not None
        return cls(forms.pop(), (spec.detail or SMALL) if here else None)


async def train_in_folder(config: TrainConfig) -> Trained:
    """Train in a thread, or go on with a training. The first Ctrl-C keeps the step under way."""
    with needs("train", "training"):
        from w4s.training.trainer import train

    stop = current_sitting().stop
    with stop.heeded(_log.info):
        return await asyncio.to_thread(train, config, _logged, stop=lambda: stop.requested)


def _logged(step: StepLog) -> None:
    _log.info("step %d of %d: loss %.4f", step.step, step.steps, step.loss)
