"""Collection: episodes on training problems, many side by side, kept as they are.

In: the settings. Out: a run folder with one record per finished episode: prompts and actions with
their token ids, outcomes, feedback, rewards. Load the tasks, open the workbench, play what is
missing. What becomes an example to learn from is decided later, in `w4s dataset`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import fmean

from w4s.commands.display import Display
from w4s.commands.drawing import problems_of, tasks_to_play
from w4s.commands.foreseeing import collect_estimates, keep_estimate
from w4s.commands.workbench import (
    Workbench,
    answer_keys,
    meta_agent_of,
    open_models,
    open_workbench,
    problems_digest,
    weights_of,
)
from w4s.config import CollectConfig
from w4s.environment import Environment
from w4s.errors import StoreError, TooManyUnscored, W4sError
from w4s.estimates.record import Estimate
from w4s.evaluation import Evaluator
from w4s.meta_agent import MetaAgent
from w4s.methods import PUBLISHED
from w4s.models.answer_book import AnswerBook
from w4s.models.base import Purpose
from w4s.models.metering.ledger import Totals
from w4s.reports.estimated import COLLECT, Foreseen, against_truth, in_one_line, of_collection
from w4s.reports.run import ESTIMATES, SPENT, Role, Spent
from w4s.reports.tables import seconds_text
from w4s.reports.tracked import episode_points
from w4s.store import RunFolder, read_journal, read_settings
from w4s.tasks.base import Brief, SearchSet, Task
from w4s.tasks.confidential import keep_confidential
from w4s.tasks.scorers import natural
from w4s.training.collect import Collected, Episode, collect, plan_episodes
from w4s.training.settings import Reward
from w4s.types import JSON, Evaluation, Outcome, Workflow

EPISODES = "episodes.jsonl"
ACCOUNT = "collect_calls.sqlite"
_CONFIDENTIAL = "confidential"


@dataclass(frozen=True, slots=True)
class Collection:
    """The folder of a collection, read."""

    path: Path
    config: CollectConfig
    confidential: bool
    """Whether one of its tasks must not be published."""
    episodes: tuple[Collected, ...]
    foreseen: tuple[Foreseen, ...] = ()
    """What it was expected to take against what it took."""

    @property
    def planned(self) -> int:
        """Episodes that the settings ask for."""
        return self.config.episodes * len(self.config.tasks)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a sitting of a collection came to."""

    collection: Collection
    """All that lies in the folder."""
    early: W4sError | None
    """What ended it before its last episode, if anything; the same collection goes on."""


async def collect_in_folder(config: CollectConfig) -> Gathered:
    """Collect, or go on with a collection, in the folder of the settings.

    Whatever ends it after it has begun is returned with what has been collected; ConfigError is
    raised, before anything is spent, for whatever cannot work."""
    early = await _collect(config)
    return Gathered(read_collection(config.run), early)


def read_collection(path: Path) -> Collection:
    """Everything in the folder. ConfigError when it holds no collection."""
    settings = read_settings(path, of="tasks")
    facts = settings.pop("facts", {})
    episodes = read_journal(path / EPISODES, Collected)
    return Collection(
        path,
        CollectConfig.resolve(settings, {"run": path}),
        isinstance(facts, Mapping) and bool(facts.get(_CONFIDENTIAL)),
        episodes,
        _foreseen(path) if episodes else (),
    )


def _foreseen(path: Path) -> tuple[Foreseen, ...]:
    estimates = of_collection(read_journal(path / ESTIMATES, Estimate))
    spent = read_journal(path / SPENT, Spent)
    if not spent:
        return ()
    took = sum(spent[-1].totals.values(), Totals())
    return against_truth(COLLECT, estimates, took, spent[-1].elapsed)


async def _collect(config: CollectConfig) -> W4sError | None:
    tasks = tasks_to_play(config)
    for task in tasks.values():
        keep_confidential(task, config.run)
    episodes = plan_episodes(config.tasks, config.episodes, config.seed)
    models = open_models(config, config, tuple(Role), lambda: _book(tasks), token_ids=True)
    with RunFolder(config.run) as folder:
        async with open_workbench(
            config,
            config,
            next(iter(tasks.values())),
            models,
            folder,
            facts=_facts(config, tasks),
            account=ACCOUNT,
            problems=config.private * config.trials,
            track=config.track,
        ) as bench:
            for estimate in collect_estimates(config, tasks):
                kept = keep_estimate(folder, estimate)
                bench.display.say(f"{kept.title}, expected: {in_one_line(kept)}")
            try:
                await _play(config, bench, tasks, episodes)
                bench.feed.send(episode_points(read_journal(config.run / EPISODES, Collected)))
            except StoreError as error:
                return error  # what is on the disk stays; there is no room for more
            except W4sError as error:
                bench.account.keep("episodes, cut short")
                return error
    return None


async def _play(
    config: CollectConfig, bench: Workbench, tasks: dict[str, Task], episodes: Sequence[Episode]
) -> None:
    """The episodes that are missing, each shown when it is on the disk."""
    counted = _Counted(bench.display)
    evaluators = {name: bench.evaluator_of(task, counted) for name, task in tasks.items()}

    def open_episode(episode: Episode) -> tuple[Environment, MetaAgent]:
        task = tasks[episode.task]
        problems = problems_of(config, task, episode)
        return (
            _environment(config, evaluators[episode.task], task, problems),
            meta_agent_of(
                config, bench.models[Role.META_AGENT], _brief(task, problems), episode.seed
            ),
        )

    with closing(bench.folder.journal(EPISODES, Collected)) as journal:
        here = {(c.trajectory.task, c.number) for c in journal.records()}
        done, lost = sum((e.task, e.number) in here for e in episodes), 0
        begun, missing = time.monotonic(), len(episodes) - done
        bench.display.planned = (len(episodes) - done) * _solver_calls(config)
        if here:
            bench.display.say(_begun(len(here), done, len(episodes)))
        bench.display.begin(f"{done} of {len(episodes)} episodes")
        bench.stop.check()
        async for made in collect(
            episodes,
            open_episode,
            journal,
            turns=config.turns,
            samples=config.samples,
            side_by_side=config.side_by_side,
            reward=_REWARDS[config.reward],
            noise=config.noise,
        ):
            if isinstance(made, TooManyUnscored):
                lost += 1
                bench.display.say(f"an episode is left out: {made}")
                continue
            done += 1
            bench.display.begin(f"{done} of {len(episodes)} episodes")
            left = len(episodes) - done
            seconds = (time.monotonic() - begun) / (missing - left) * left
            bench.display.say(
                f"{done} of {len(episodes)} episodes, about {seconds_text(seconds)} left;"
                f" {_said(made)}"
            )
        bench.account.keep("episodes")
    if lost:
        raise TooManyUnscored(
            f"{lost} of {len(episodes)} episodes could not be believed and are left out; the same"
            " command tries them again"
        )


_REWARDS = {
    "discrete": Reward.COLLECTED,  # as the environment gives it
    "margin": Reward.MARGIN,
    "continuous": Reward.CONTINUOUS,
    "advantage": Reward.ADVANTAGE,
}


def _environment(
    config: CollectConfig, evaluator: Evaluator, task: Task, problems: SearchSet
) -> Environment:
    examples = PUBLISHED["w4s"].examples(task.interface)
    return Environment(evaluator, problems, examples, trials=config.trials)


def _brief(task: Task, problems: SearchSet) -> Brief:
    """The task with a training problem as its example: that of a search stays with the search."""
    example = problems.public[0]
    key = task.answer_keys(example)
    answer = key.answer if key is not None else natural(example.target)
    return replace(task.brief, example=example, example_answer=answer)


def _book(tasks: dict[str, Task]) -> AnswerBook:
    return AnswerBook([key for task in tasks.values() for key in answer_keys(task, task.training)])


def _facts(config: CollectConfig, tasks: dict[str, Task]) -> dict[str, JSON]:
    """What the settings led to; a collection goes on only where they lead to the same."""
    return {
        "w4s": version("w4s"),
        _CONFIDENTIAL: any(task.confidential for task in tasks.values()),
        **weights_of(config),
        **{name: _fact(task) for name, task in tasks.items()},
    }


def _fact(task: Task) -> str:
    examples = PUBLISHED["w4s"].examples(task.interface)
    return json.dumps(
        {
            "training": len(task.training),
            "problems": problems_digest(task.training),
            "variant": task.variant,
            "examples": [w.digest for w in examples],
        }
    )


def _solver_calls(config: CollectConfig) -> int:
    """Of one episode, about."""
    workflows = 3 + config.turns * config.samples
    return workflows * (config.private * config.trials + config.public)


def _begun(here: int, done: int, planned: int) -> str:
    """What the folder holds before the first episode of this sitting."""
    if here > done:
        return f"{here} episodes are here already, {here - done} beyond the {planned} asked for"
    return f"going on behind {done} of {planned} episodes"


def _said(made: Collected) -> str:
    """One finished episode in a line."""
    turns = made.trajectory.turns
    attempts = [attempt for turn in turns for attempt in turn.attempts]
    dropped = sum(len(turn.dropped) for turn in turns)
    begin = turns[0].state.best.accuracy if turns else 0.0
    best = max((a.evaluation.accuracy for a in attempts), default=0.0)
    earned = fmean(a.reward for a in attempts) if attempts else 0.0
    return (
        f"{made.trajectory.task}, episode {made.number + 1}: {len(attempts)} actions,"
        f" {dropped} dropped, best {best:.1%} (at the start {begin:.1%}), mean reward {earned:.2f}"
    )


@dataclass(frozen=True, slots=True)
class _Counted:
    """Passes outcomes on to be counted. Of each workflow nothing is shown: with several episodes
    under way there are dozens of them."""

    display: Display

    def outcome(self, workflow: Workflow, purpose: Purpose, outcome: Outcome) -> None:
        self.display.outcome(workflow, Purpose.CHECK, outcome)

    def evaluation(self, purpose: Purpose, evaluation: Evaluation) -> None:
        """The episode is told as a whole."""
