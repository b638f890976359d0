"""A meta-agent without a language model: it samples workflows from a grammar.

In: the meta-agent's conversation and a seed. Out: an analysis and one workflow. Offline default,
random-search baseline, and the source of a small model's first corpus. What it draws depends on
the seed and on what the conversation shows, on nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from w4s.models.base import Choice
from w4s.models.grammar.conversation import Reading, Shown, read, stated_plan
from w4s.models.grammar.plan import SLOTS, Plan, draw, mutate
from w4s.models.grammar.program import with_bug, write
from w4s.models.grammar.wording import ANALYSIS_OF_ERRORS, ANALYSIS_OPENINGS, STRATEGY_REASONS
from w4s.models.sampler import Sampling
from w4s.types import Message

_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Grammar:
    """Samples actions from the grammar; a Sampler."""

    bugs: float = 0.03
    """Share of fresh programs that get a plausible mistake; repairs never get one."""
    feedback: bool = True
    """Whether it varies workflows that the conversation shows. Without, every action is drawn
    afresh: random search."""
    mutation: float = 0.5
    """With feedback: share of actions that vary a shown workflow."""

    @property
    def name(self) -> str:
        """`grammar`, with whatever differs from the defaults."""
        default = Grammar()
        changed = [
            f"{slot}={getattr(self, slot):g}"
            for slot in ("bugs", "feedback", "mutation")
            if getattr(self, slot) != getattr(default, slot)
        ]
        return "grammar" + (f"({','.join(changed)})" if changed else "")

    def sample(self, messages: Sequence[Message], sampling: Sampling) -> Choice:
        """One action."""
        rng = random.Random(sampling.seed)
        reading = read(messages)
        text = _repair(rng, reading) if reading.error is not None else self._action(rng, reading)
        most = sampling.max_tokens * _CHARACTERS_PER_TOKEN
        return Choice(text) if len(text) <= most else Choice(text[:most], "length")

    def _action(self, rng: random.Random, reading: Reading) -> str:
        # Both numbers are drawn in any case, so that neither knob shifts the other's draws.
        varies, slips = rng.random() < self.mutation, rng.random() < self.bugs
        if self.feedback and varies and reading.shown:
            parent = _parent(rng, reading.shown)
            plan = mutate(rng, parent.plan)
            reason = _why_varied(parent, plan)
        else:
            plan = draw(rng, reading.interface, reading.leaning if self.feedback else None)
            reason = STRATEGY_REASONS[plan["strategy"]]
        code = write(plan)
        if slips:
            code = with_bug(rng, code)
        return _reply(f"{rng.choice(ANALYSIS_OPENINGS)} {reason}", code)


def _parent(rng: random.Random, shown: Sequence[Shown]) -> Shown:
    """The best workflow, the last one, or any."""
    kind = rng.choice(("best", "best", "last", "any"))
    if kind == "best":
        return max(shown, key=lambda s: -1.0 if s.accuracy is None else s.accuracy)
    return shown[-1] if kind == "last" else rng.choice(shown)


def _why_varied(parent: Shown, plan: Plan) -> str:
    reached = (
        f"The workflow with {100 * parent.accuracy:.1f} % is a good start"
        if parent.accuracy is not None
        else "An earlier workflow is a good start"
    )
    if parent.plan["strategy"] != plan["strategy"]:
        return f"{reached}. {STRATEGY_REASONS[plan['strategy']]}"
    changes = [
        f"{slot} becomes {new}"
        for slot, old, new in zip(SLOTS, parent.plan.values, plan.values, strict=True)
        if old != new
    ]
    return f"{reached}; {' and '.join(changes)}, the rest stays."


def _repair(rng: random.Random, reading: Reading) -> str:
    """The failed program written anew without its mistake.

    A program whose plan cannot be read, or that failed although it was right, gives way to a
    simple one: chain of thought."""
    analysis = rng.choice(ANALYSIS_OF_ERRORS)
    plan = stated_plan(reading.failed, reading.interface)
    if plan is None or write(plan) in reading.failed:
        plan = draw(rng, reading.interface, {"cot": 1e9})
    return _reply(analysis, write(plan))


def _reply(analysis: str, code: str) -> str:
    return f"{analysis}\n\n```python\n{code}```\n"
