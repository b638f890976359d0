"""The part of the grammar that a small model speaks: few values per slot, one style, short replies.

In: random numbers. Out: actions as text. A model of a million parameters learns ten thousand
programs by heart sooner than a hundred million; what is left out makes little difference to what
a program does. `Dialect` draws from it without looking at anything: the random search to compare
a model of this dialect with.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from w4s.models.base import Choice
from w4s.models.grammar.plan import SLOTS, UNUSED, Plan, draw, mutate
from w4s.models.grammar.program import write
from w4s.models.sampler import Sampling
from w4s.types import Message

_STYLE = "144"
"""The style with the shortest programs."""
_VALUES = {
    "samples": ("3", "5", "9"),
    "temperature": ("0.3", "0.7", "1.0"),
    "rounds": ("1", "3"),
    "agents": ("3",),
    "format": ("json",),
    "key": ("reasoning",),
    "role": ("expert", "mathematician", "reader"),
    "words": ("stepwise", "careful", "verify"),
    "clean": ("strip", "number", "letter", "extract"),
    "norm": ("strip", "lower", "number"),
    "fallback": ("none", "cot"),
}
"""Slots that have fewer values here than in the grammar."""


def draw_plan(rng: random.Random, interface: str) -> Plan:
    """A fresh plan."""
    return _narrowed(rng, draw(rng, interface))


def vary_plan(rng: random.Random, plan: Plan) -> Plan:
    """The plan with something changed."""
    return _narrowed(rng, mutate(rng, plan))


@lru_cache(4096)
def action(plan: Plan) -> str:
    """The fenced program of a plan. Its first line names the slots in use and no others."""
    code = write(plan).replace(plan.line, _line(plan)).replace("\n\n\n", "\n")
    return f"```python\n{code}```"


@dataclass(frozen=True, slots=True)
class Dialect:
    """Random search within the dialect; a Sampler for compact prompts."""

    name: str = "dialect"

    def sample(self, messages: Sequence[Message], sampling: Sampling) -> Choice:
        """One action, drawn afresh whatever the conversation shows."""
        interface = messages[0].content.partition(":")[0]
        return Choice(action(draw_plan(random.Random(sampling.seed), interface)))


def _narrowed(rng: random.Random, plan: Plan) -> Plan:
    changes = {"style": _STYLE}
    for slot, values in _VALUES.items():
        if plan[slot] != UNUSED and plan[slot] not in values:
            fit = [v for v in values if v in plan.strategy.values(slot)]
            if fit:
                changes[slot] = rng.choice(fit)
    return plan.with_slots(changes)


def _line(plan: Plan) -> str:
    used = (f"{s}={v}" for s, v in zip(SLOTS, plan.values, strict=True) if v != UNUSED)
    return "# plan: " + ", ".join(used)
