"""How much a search does, and from where.

In: the settings as they were given. Out: the same with what the user left open as the method was
published, and the workflows of the first state. Nothing is opened here, so that a search can be
planned, and what it takes foreseen, without a key.
"""

from __future__ import annotations

from dataclasses import dataclass

from w4s.commands.workbench import form_of
from w4s.config import SearchConfig
from w4s.errors import ConfigError
from w4s.meta_agent import Form
from w4s.methods import METHODS, PUBLISHED
from w4s.methods.base import Published
from w4s.settings import nearest
from w4s.tasks.base import Task
from w4s.types import Workflow

_COMPACT = ("w4s", "random")
"""Methods that show a state in the form that the meta-agent reads."""
_FINALISTS = 3
"""In the economical mode."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A search before it begins."""

    config: SearchConfig
    """The settings, resolved."""
    turns: int
    samples: int
    trials: int
    examples: tuple[Workflow, ...]


def plan_of(asked: SearchConfig, task: Task) -> Plan:
    """ConfigError for a method that is none, or that does not go with the rest."""
    published = published_of(asked.method)
    published.ready()
    turns, samples, trials = _lengths(asked, published)
    config = resolved(asked)
    _check_form(config)
    return Plan(config, turns, samples, trials, examples_of(config, task))


def examples_of(config: SearchConfig, task: Task) -> tuple[Workflow, ...]:
    """The workflows of the first state, as the method was published."""
    return published_of(config.method).examples(task.interface)


def resolved(asked: SearchConfig) -> SearchConfig:
    """With what the user left open as the method was published."""
    turns, samples, trials = _lengths(asked, published_of(asked.method))
    return asked.model_copy(
        update={"turns": turns, "samples": samples, "trials": trials, **_economical(asked)}
    )


def _lengths(asked: SearchConfig, published: Published) -> tuple[int, int, int]:
    """Turns, samples, trials."""
    return (
        asked.turns or published.turns,
        asked.samples or published.samples,
        asked.trials or published.trials,
    )


def published_of(method: str) -> Published:
    """The settings a method was published with."""
    if method not in METHODS:
        names = list(METHODS)
        raise ConfigError(
            f"unknown method {method!r}{nearest(method, names)} (methods: {', '.join(names)})"
        )
    return PUBLISHED[method]


def _check_form(config: SearchConfig) -> None:
    """ADAS and AFlow speak to the meta-agent in prompts of their own."""
    if form_of(config) is Form.COMPACT and config.method not in _COMPACT:
        raise ConfigError(
            f"a small meta-agent reads its own short prompts, which method={config.method} does not"
            f" use; take method={' or '.join(_COMPACT)}, or another meta-agent"
        )


def _economical(asked: SearchConfig) -> dict[str, object]:
    """What the one switch turns on."""
    if not asked.economy:
        return {}
    finalists = asked.finalists or _FINALISTS
    return {"racing": True, "parent": "best", "finalists": finalists, "choice": "economical"}
