"""Episodes to learn from: many, side by side, on training problems alone.

In: episodes, and what makes an environment and a meta-agent for each. Out: a journal with one
Collected per finished episode. The same call on the same journal makes what is missing: an
episode that was under way when the process died begins again, and its calls are answered from the
cache. Training problems are disjoint from everything that search and test read (`tasks`).
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from w4s.environment import Environment
from w4s.errors import ConfigError, TooManyUnscored
from w4s.meta_agent import MetaAgent
from w4s.rollout import rollout
from w4s.store import Journal
from w4s.tasks.base import SearchSet, Task
from w4s.training.dataset import rewarded
from w4s.training.settings import Reward
from w4s.types import Trajectory


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode to make."""

    task: str
    number: int
    """From 0, within the task."""
    seed: int
    """Of its meta-agent."""


@dataclass(frozen=True, slots=True)
class Collected:
    """One finished episode, as it stands in the journal."""

    number: int
    trajectory: Trajectory


Open = Callable[[Episode], tuple[Environment, MetaAgent]]
"""Makes what an episode plays in; called when its turn has come."""


def plan_episodes(tasks: Sequence[str], count: int, seed: int) -> list[Episode]:
    """`count` episodes of each task, taking turns, so that a stop leaves all of them with some."""
    return [
        Episode(task, number, _seed(seed, task, number))
        for number in range(count)
        for task in tasks
    ]


def episode_problems(
    task: Task, episode: Episode, *, private: int, public: int, seed: int
) -> SearchSet:
    """The problems of one episode: drawn from the training set afresh for each episode. No public
    problem shares its origin with a private one: its answer is shown."""
    if private + public > len(task.training):
        raise ConfigError(
            f"{task.name} has {len(task.training)} training problems; an episode with"
            f" private={private} and public={public} needs {private + public}"
        )
    rng = random.Random(f"{seed} {episode.task} {episode.number}")
    drawn = rng.sample(task.training, private + public)
    hidden = {problem.origin for problem in drawn[:private]}
    shown = [problem for problem in drawn[private:] if problem.origin not in hidden]
    taken = hidden | {problem.origin for problem in shown}
    spare = [problem for problem in task.training if problem.origin not in taken]
    if len(shown) + len(spare) < public:
        raise ConfigError(
            f"{task.name} has too few training problems of other origins for an episode with"
            f" private={private} and public={public}"
        )
    return SearchSet(tuple(drawn[:private]), (*shown, *rng.sample(spare, public - len(shown))))


async def collect(
    episodes: Sequence[Episode],
    open_episode: Open,
    journal: Journal[Collected],
    *,
    turns: int = 2,
    samples: int = 5,
    side_by_side: int = 8,
    reward: Reward = Reward.COLLECTED,
    noise: float = 0.02,
) -> AsyncIterator[Collected | TooManyUnscored]:
    """Make the episodes that the journal lacks, and yield each when it is on the disk.

    `reward` and `noise` say what an action earns; by default what the environment gave it.

    An episode whose accuracies cannot be believed is left out: its TooManyUnscored is yielded
    instead, and the next call tries it again. Every other error is raised, and a stop takes
    effect, when the episodes under way have ended; these are kept."""
    done = {(c.trajectory.task, c.number) for c in journal.records()}
    waiting = iter([e for e in episodes if (e.task, e.number) not in done])
    running: dict[asyncio.Task[Trajectory], Episode] = {}
    try:
        while True:
            for episode in waiting:
                play = _play(episode, open_episode, turns, samples, reward, noise)
                running[asyncio.create_task(play)] = episode
                if len(running) >= side_by_side:
                    break
            if not running:
                return
            ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(ended, key=lambda t: running[t].number):
                episode = running.pop(task)
                try:
                    made = Collected(episode.number, task.result())
                except TooManyUnscored as error:
                    yield error
                else:
                    journal.append(made)
                    yield made
    except asyncio.CancelledError:  # at once: what is under way is given up
        for task in running:
            task.cancel()
        raise
    finally:  # stopped: what is under way is paid for, so it is kept
        await asyncio.gather(*running, return_exceptions=True)
        for task, episode in running.items():
            if not task.cancelled() and task.exception() is None:
                journal.append(Collected(episode.number, task.result()))


async def _play(
    episode: Episode, open_episode: Open, turns: int, samples: int, reward: Reward, noise: float
) -> Trajectory:
    env, agent = open_episode(episode)
    begin = await env.begin()
    played = [turn async for turn in rollout(env, agent, begin, turns=turns, samples=samples)]
    return Trajectory(episode.task, tuple(rewarded(turn, reward, noise) for turn in played))


def _seed(seed: int, task: str, number: int) -> int:
    digest = hashlib.sha256(f"{seed} {task} {number}".encode()).digest()
    return int.from_bytes(digest[:4]) % 2**31
