"""Whether a task leaves room for a better workflow, before anyone pays for a search.

In: how the plain workflows did on the validation problems. Out: a verdict in words. Running
them is the command's affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from w4s.tasks.base import Interface

WORKFLOWS = {
    Interface.ANSWER: ("direct", "chain_of_thought", "self_consistency"),
    Interface.CODE: ("code_direct", "code_chain_of_thought", "code_self_consistency"),
}
"""The workflows that are measured, from cheap to dear."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One workflow on the validation problems."""

    workflow: str
    accuracy: float
    low: float
    """95 % interval."""
    high: float
    problems: int


class Room(StrEnum):
    """What the measurements say."""

    AMPLE = "ample"
    LITTLE = "little"
    """The best plain workflow may already be as good as can be told apart."""
    NONE_SOLVED = "none solved"
    """Nothing is right: more likely a fault of the task than a chance."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, and a sentence or two for the terminal."""

    room: Room
    text: str


def headroom(measured: Sequence[Measured]) -> Verdict:
    """What the best of the plain workflows leaves to gain."""
    best = max(measured, key=lambda m: m.accuracy)
    shown = f"{best.workflow} {best.accuracy:.1%} [{best.low:.1%}, {best.high:.1%}]"
    least = (best.high - best.low) / 2
    if best.high < 0.05:
        return Verdict(
            Room.NONE_SOLVED,
            f"Nothing works yet ({shown}). Look at a few answers before a search: is the scorer "
            "reading them, and does the description say how an answer must look?",
        )
    if best.high >= 1 - least:
        return Verdict(
            Room.LITTLE,
            f"Little room: {shown} is hardly to be told from all right on {best.problems} "
            f"problems. Use {best.workflow}, harder problems, or a cheaper executor.",
        )
    return Verdict(
        Room.AMPLE,
        f"There is room: {shown} leaves up to {1 - best.accuracy:.0%} to gain. On "
        f"{best.problems} problems a gain below about {least:.0%} is noise.",
    )
