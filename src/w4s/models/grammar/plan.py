"""What a workflow does, as one line of slots: the genome of the grammar.

In: a generator of random numbers, or a line out of a program. Out: a Plan. How a plan is worded
as Python is left to the sketches; equal plans give equal programs.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

UNUSED = "-"
"""Stands in the slots that a strategy has no use for."""

DOMAINS: Mapping[str, tuple[str, ...]] = {
    "samples": ("2", "3", "3", "4", "5", "5", "6", "7", "9"),
    "temperature": ("0.0", "0.2", "0.3", "0.5", "0.5", "0.7", "0.7", "0.8", "0.8", "1.0"),
    "rounds": ("1", "2", "2", "3", "4"),
    "agents": ("2", "3", "3", "4"),
    "base": ("direct", "cot", "cot", "code"),
    "partner": ("code", "code", "facts"),
    "format": ("json", "json", "json", "text"),
    "key": ("reasoning", "reasoning", "thinking", "thought", "steps", "analysis", "work"),
    "role": ("solver", "expert", "mathematician", "analyst", "teacher", "engineer", "reader"),
    "words": ("plain", "stepwise", "careful", "verify", "restate", "concise", "traps"),
    "clean": ("none", "strip", "strip", "number", "letter", "extract"),
    "norm": ("none", "strip", "lower", "number"),
    "fallback": ("none", "direct", "cot", "cot", "vote"),
    "decide": ("vote", "judge"),
}
"""The values of each slot; a value that stands there twice is twice as likely."""

STYLES = 1000
SLOTS = ("strategy", *DOMAINS, "style")
"""The fixed order of the plan line."""

_ANSWER = ("role", "words", "temperature", "key", "clean")
_CODE = ("role", "words", "temperature", "key")


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to answer, with the slots it reads."""

    weight: float
    """How often it is drawn, relative to the others."""
    slots: tuple[str, ...]
    narrowed: Mapping[str, tuple[str, ...]]
    """Slots of which only some values make sense here."""

    def values(self, slot: str) -> tuple[str, ...]:
        return self.narrowed.get(slot, DOMAINS[slot])


def _strategy(
    weight: float, common: tuple[str, ...], *slots: str, **narrowed: tuple[str, ...]
) -> Strategy:
    used = {*common, *slots, *narrowed}
    return Strategy(weight, tuple(slot for slot in DOMAINS if slot in used), narrowed)


STRATEGIES: Mapping[str, Mapping[str, Strategy]] = {
    "answer": {
        "direct": _strategy(1.0, ("role", "words", "temperature", "clean"), "format"),
        "cot": _strategy(1.5, _ANSWER, "format"),
        "vote": _strategy(2.0, _ANSWER, "samples", "norm", "format"),
        "adaptive": _strategy(1.0, _ANSWER, "norm", samples=("4", "5", "6", "7", "9")),
        "panel": _strategy(1.0, _ANSWER, "norm", agents=("3", "4", "5")),
        "code": _strategy(1.5, _ANSWER, "fallback"),
        "code_retry": _strategy(1.0, _ANSWER, "rounds", "fallback"),
        "code_vote": _strategy(1.5, _ANSWER, "samples", "norm", "fallback"),
        "cross": _strategy(1.5, _ANSWER, "norm", decide=("code", "judge", "third")),
        "refine": _strategy(1.5, _ANSWER, "base", "rounds"),
        "verify": _strategy(1.0, _ANSWER, "base", "rounds"),
        "debate": _strategy(1.0, _ANSWER, "agents", "norm", "decide", rounds=("1", "2", "3")),
        "judge": _strategy(1.0, _ANSWER, "base", samples=("2", "3", "3", "4", "5")),
        "decompose": _strategy(1.0, _ANSWER, rounds=("2", "3", "4", "5")),
        "stepback": _strategy(0.8, _ANSWER),
        "outline": _strategy(0.8, _ANSWER),
        "facts": _strategy(1.0, _ANSWER),
        "facts_vote": _strategy(1.0, _ANSWER, "samples", "norm"),
        "facts_code": _strategy(0.8, _ANSWER, "samples", "norm", "fallback"),
        "options": _strategy(0.8, _ANSWER),
        "router": _strategy(1.0, _ANSWER, "fallback"),
        "ensemble": _strategy(
            1.5,
            _ANSWER,
            "partner",
            "norm",
            "decide",
            base=("direct", "cot", "cot"),
            samples=("2", "3", "4", "5"),
        ),
        "rephrase": _strategy(0.8, _ANSWER, "norm", samples=("2", "3", "4", "5")),
    },
    "code": {
        "direct": _strategy(1.0, ("role", "words", "temperature"), "format"),
        "cot": _strategy(1.5, _CODE, "format"),
        "outline": _strategy(1.0, _CODE),
        "edges": _strategy(1.0, _CODE),
        "select": _strategy(2.0, _CODE, "samples", "format", decide=("first", "judge")),
        "public": _strategy(2.0, _CODE, "rounds", "format"),
        "select_public": _strategy(2.0, _CODE, "samples", "rounds"),
        "repair": _strategy(1.5, _CODE, "rounds"),
        "reflect": _strategy(1.5, _CODE, "rounds"),
        "agree": _strategy(1.0, _CODE, samples=("3", "4", "5", "7")),
        "own_tests": _strategy(1.0, _CODE, "samples"),
        "judge": _strategy(1.0, _CODE, samples=("2", "3", "4", "5")),
        "panel": _strategy(1.0, _CODE, agents=("2", "3", "4")),
        "router": _strategy(0.8, _CODE),
        "reflect_public": _strategy(1.0, _CODE, "rounds"),
    },
}
"""Per interface, the strategies by name."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One value for each slot."""

    interface: str
    """`answer` or `code`."""
    values: tuple[str, ...]
    """In the order of SLOTS; UNUSED where the strategy reads none."""

    def __getitem__(self, slot: str) -> str:
        return self.values[SLOTS.index(slot)]

    @property
    def strategy(self) -> Strategy:
        return STRATEGIES[self.interface][self["strategy"]]

    @property
    def line(self) -> str:
        """The plan as the comment at the head of its program."""
        return "# plan: " + ", ".join(f"{s}={v}" for s, v in zip(SLOTS, self.values, strict=True))

    def with_slots(self, changes: Mapping[str, str]) -> Plan:
        return Plan(
            self.interface,
            tuple(changes.get(s, v) for s, v in zip(SLOTS, self.values, strict=True)),
        )


def draw(rng: random.Random, interface: str, leaning: Mapping[str, float] | None = None) -> Plan:
    """A fresh plan. `leaning` multiplies the weight of the strategies it names."""
    strategies = STRATEGIES[interface]
    leaning = leaning or {}
    weights = [s.weight * leaning.get(name, 1.0) for name, s in strategies.items()]
    name = rng.choices(list(strategies), weights)[0]
    return _draw_slots(rng, interface, name, str(rng.randrange(STYLES)), {})


def mutate(rng: random.Random, plan: Plan) -> Plan:
    """The same plan with one slot changed, or two, or with another strategy."""
    if rng.random() < 0.25:
        others = [name for name in STRATEGIES[plan.interface] if name != plan["strategy"]]
        kept = dict(zip(SLOTS, plan.values, strict=True))
        return _draw_slots(rng, plan.interface, rng.choice(others), plan["style"], kept)
    slots = rng.sample(plan.strategy.slots, rng.choice((1, 1, 2)))
    return plan.with_slots({slot: _another(rng, plan, slot) for slot in slots})


def parse(line: str, interface: str) -> Plan | None:
    """The plan that a line states; None when it states none that could be drawn."""
    found = dict(re.findall(r"(\w+)=([\w.\-]+)", line))
    strategy = STRATEGIES[interface].get(found.get("strategy", ""))
    style = found.get("style", "")
    if strategy is None or not style.isdecimal():
        return None
    for slot in DOMAINS:
        if slot not in strategy.slots:
            found[slot] = UNUSED
        elif found.get(slot) not in strategy.values(slot):
            return None
    return Plan(interface, tuple(found[slot] for slot in SLOTS))


def _draw_slots(
    rng: random.Random, interface: str, name: str, style: str, kept: Mapping[str, str]
) -> Plan:
    """Values for every slot of a strategy; those of `kept` that fit stay as they are."""
    strategy = STRATEGIES[interface][name]
    chosen = {"strategy": name, "style": style}
    for slot in DOMAINS:
        if slot not in strategy.slots:
            chosen[slot] = UNUSED
        elif kept.get(slot) in strategy.values(slot):
            chosen[slot] = kept[slot]
        else:
            chosen[slot] = rng.choice(strategy.values(slot))
    return Plan(interface, tuple(chosen[slot] for slot in SLOTS))


def _another(rng: random.Random, plan: Plan, slot: str) -> str:
    return rng.choice([v for v in plan.strategy.values(slot) if v != plan[slot]])
