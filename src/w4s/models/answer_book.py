"""What the simulated executor knows: one AnswerKey per problem, found again by its text.

In: AnswerKeys from the tasks. Out: for the text of a conversation, the keys of the problems
quoted in it. The command that runs a simulation injects the book; nothing else has one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Skill(StrEnum):
    """What a problem mainly asks of a model."""

    ARITHMETIC = "arithmetic"
    READING = "reading"
    KNOWLEDGE = "knowledge"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """One problem as the simulation sees it."""

    question: str
    answer: str = field(repr=False)
    """A right answer in its natural form; for code the reference solution."""
    skill: Skill
    steps: int = 1
    """Reasoning steps a careful solver needs."""
    load: float = 0.0
    """Strain of a single step, 0 (single digits, facts in plain sight) to 1 (ten-digit numbers,
    facts hidden among distractors, obscure knowledge)."""
    program: str | None = field(default=None, repr=False)
    """Python text whose `solution()` returns the answer, where code can solve the problem."""
    slips: tuple[str, ...] = field(default=(), repr=False)
    """Plausible wrong answers, the most tempting first."""
    broken: tuple[str, ...] = field(default=(), repr=False)
    """Plausible wrong variants of `program` (or, for code, of `answer`)."""
