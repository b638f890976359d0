"""What the learning experiment does with a meta-agent: collect with it, search with it.

In: a model and tasks. Out: a journal of episodes on training problems; or for each task the sealed
accuracy of what a search would hand over after each turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks._learning_world import STANDARD, World
from w4s.environment import Environment
from w4s.meta_agent import Form, MetaAgent
from w4s.methods import METHODS
from w4s.models.base import Model, Purpose
from w4s.reports.summary import best_entry
from w4s.store import Journal
from w4s.tasks.base import Brief, SearchSet
from w4s.training.collect import Collected, Episode, collect, plan_episodes
from w4s.types import Entry
from w4s.workflow import example_workflows

SIDE_BY_SIDE = 24
"""Episodes under way at a time: their samples are drawn together."""
SLOTS = 60
"""Responses sampled at a time."""
SAMPLES = 5
TOP_P = 0.98
"""At temperature 1: without the tail, of which most is slips of the pen."""

MAX_TOKENS = 400
"""Of a reply; programs of the grammar have about a hundred."""


@dataclass(frozen=True, slots=True)
class Search:
    """How one arm searches."""

    method: str = "w4s"
    turns: int = 5
    described_as: str = ""
    """The task whose description and example are shown instead; to see what they are worth."""
    private: int = 16
    """Validation problems: the first so many of the task's."""
    profile: str = STANDARD
    """The executor; all models were trained with the standard one."""


@dataclass(frozen=True, slots=True)
class Searched:
    """One search on one task."""

    task: str
    tested: tuple[float, ...]
    """Sealed accuracy of the best on validation after 0, 1, 2, … turns."""
    validated: tuple[float, ...]
    """Its accuracy on validation."""
    ran: float
    """Share of the actions that ran."""
    means: tuple[float, ...]
    """Mean validation accuracy of the actions of each turn."""


async def collect_with(
    model: Model, world: World, tasks: Sequence[str], episodes: int, seed: int, path: Path
) -> None:
    """Two turns of five actions per episode, on the training problems of the tasks.

    All episodes of a task read the same problems, which is what lets the memory serve them."""

    def opened(episode: Episode) -> tuple[Environment, MetaAgent]:
        brief = world.task(episode.task).brief
        return training_environment(world, episode.task), make_agent(model, brief, episode.seed)

    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(Journal(path, Collected)) as journal:
        planned = plan_episodes(tasks, episodes, seed)
        played = collect(planned, opened, journal, samples=SAMPLES, side_by_side=SIDE_BY_SIDE)
        async for one in played:
            if isinstance(one, Exception):
                raise one


def training_environment(world: World, name: str) -> Environment:
    """What is learned in: the training problems of a task, the last of them public."""
    task = world.task(name)
    problems = SearchSet(task.training[:-1], task.training[-1:])
    return Environment(world.evaluator(name), problems, example_workflows(task.interface.value))


async def search_with(
    model: Model, world: World, tasks: Sequence[str], seed: int, search: Search
) -> list[Searched]:
    """Search every task, and read what was found on its sealed problems."""
    slots = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(name: str) -> Searched:
        async with slots:
            return await _searched(model, world, name, seed, search)

    return list(await asyncio.gather(*map(one, tasks)))


async def _searched(model: Model, world: World, name: str, seed: int, search: Search) -> Searched:
    task = world.task(name)
    examples = example_workflows(task.interface.value)
    problems = replace(task.search, private=task.search.private[: search.private])
    env = Environment(world.evaluator(name), problems, examples)
    brief = _shown(world, task.brief, search.described_as)
    begin = await env.begin()
    run = METHODS[search.method](
        env, make_agent(model, brief, seed), begin, turns=search.turns, samples=SAMPLES
    )
    turns = [turn async for turn in run]
    best = [begin.best, *(best_entry(begin, turns[: k + 1]) for k in range(len(turns)))]
    tested = [await _sealed(world, name, entry) for entry in best if entry is not None]
    accuracies = [[a.evaluation.accuracy for a in turn.attempts] for turn in turns]
    return Searched(
        name,
        tuple(tested),
        tuple(entry.accuracy for entry in best if entry is not None),
        sum(map(len, accuracies)) / (SAMPLES * search.turns),
        tuple(sum(turn) / max(1, len(turn)) for turn in accuracies),
    )


async def _sealed(world: World, name: str, entry: Entry) -> float:
    problems = world.task(name).sealed.open()
    evaluation = await world.evaluator(name, problems).evaluate(
        entry.workflow, problems, Purpose.TEST
    )
    return evaluation.accuracy


def make_agent(model: Model, brief: Brief, seed: int) -> MetaAgent:
    """The meta-agent of all arms."""
    form = Form.COMPACT
    return MetaAgent(model, brief, seed, 1.0, TOP_P, max_tokens=MAX_TOKENS, repairs=0, form=form)


def _shown(world: World, brief: Brief, described_as: str) -> Brief:
    if not described_as:
        return brief
    other = world.task(described_as).brief
    return replace(
        brief,
        description=other.description,
        example=other.example,
        example_answer=other.example_answer,
    )
