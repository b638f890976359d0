"""What a collection plays on: its tasks, and the training problems of each episode.

In: the settings of a collection. Out: its tasks, and the problems of an episode. What an episode
cannot be played on is a ConfigError, in the collection as in its estimate.
"""

from __future__ import annotations

from w4s.config import CollectConfig
from w4s.settings import named_once
from w4s.tasks.base import SearchSet, Task
from w4s.tasks.registry import load_task
from w4s.training.collect import Episode, episode_problems, plan_episodes


def tasks_to_play(config: CollectConfig) -> dict[str, Task]:
    """The tasks by name. ConfigError when one has too few training problems for its first
    episode."""
    named_once(config.tasks, "give --episodes to play it more often")
    tasks = {name: load_task(name, split=config.split) for name in config.tasks}
    for episode in plan_episodes(config.tasks, 1, config.seed):
        problems_of(config, tasks[episode.task], episode)
    return tasks


def problems_of(config: CollectConfig, task: Task, episode: Episode) -> SearchSet:
    """What this episode is played on."""
    return episode_problems(
        task, episode, private=config.private, public=config.public, seed=config.seed
    )
