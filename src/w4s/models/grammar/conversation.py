"""What the grammar understands of the meta-agent's conversation.

In: messages. Out: a Reading: the interface, the workflows shown with their accuracies, whether an
error has to be repaired, and which strategies the task's words suggest. Everything may be absent;
a conversation that says nothing is read as a task with short answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from w4s.models.grammar.plan import DOMAINS, STRATEGIES, Plan, parse
from w4s.types import Message

_BLOCK = re.compile(
    r"^[ \t]*```[ \t]*(?:python|py)?[ \t]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE
)
_ACCURACY = re.compile(r"accuracy\D{0,60}?(\d+(?:\.\d+)?)[ ]*(%?)", re.IGNORECASE)
_ERROR_HEADING = re.compile(r"\s*#+[^\n]*\berror\b", re.IGNORECASE)
_CODE_SIGNATURE = re.compile(r"def\s+solver\s*\([^)]*\bentry_point\b")
_SIGNS: Sequence[tuple[str, Mapping[str, float]]] = (
    (
        r"calculat|arithmetic|how many|how much|number|mathemat|comput",
        {"code": 1.4, "code_vote": 1.4, "cross": 1.4, "code_retry": 1.3},
    ),
    (r"passage|paragraph|text below|read", {"facts": 1.4, "facts_vote": 1.4, "vote": 1.2}),
    (r"option|multiple.choice|letter", {"options": 1.4, "vote": 1.3, "debate": 1.2}),
    (r"test|function|program", {"public": 1.2, "select": 1.2, "select_public": 1.2}),
)
"""Words of a task and how mildly they lean the draw of a strategy."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One workflow in the conversation."""

    plan: Plan
    accuracy: float | None
    """0 to 1; None where the conversation gives none."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One conversation, understood as far as it can be."""

    interface: str
    shown: tuple[Shown, ...]
    """In the order of the conversation."""
    error: str | None
    """The last message, when it asks to repair an error."""
    failed: str
    """The last action, which has to be repaired where there is an error."""
    leaning: Mapping[str, float]


def read(messages: Sequence[Message]) -> Reading:
    """Understand a conversation."""
    told = [m for m in messages if m.role != "assistant"]
    interface = "code" if any(_CODE_SIGNATURE.search(m.content) for m in told) else "answer"
    last = messages[-1] if messages else Message("user", "")
    error = last.content if last.role == "user" and _ERROR_HEADING.match(last.content) else None
    return Reading(
        interface,
        tuple(_shown(messages, interface)),
        error,
        next((m.content for m in reversed(messages) if m.role == "assistant"), ""),
        _leaning(told),
    )


def _shown(messages: Sequence[Message], interface: str) -> list[Shown]:
    found = []
    for index, message in enumerate(messages):
        if message.role == "user":
            found += _archive(message.content, interface)
        elif message.role == "assistant":
            blocks = _solvers(message.content)
            answer = messages[index + 1].content if index + 1 < len(messages) else ""
            if blocks and not _ERROR_HEADING.match(answer):
                found.append(Shown(plan_of(blocks[-1], interface), _accuracy_in(answer, -1)))
    return found


def _archive(text: str, interface: str) -> list[Shown]:
    """The workflows of a message; an accuracy stands before its block, else behind it."""
    found = []
    end = 0
    blocks = [block for block in _BLOCK.finditer(text) if "def solver" in block[1]]
    for number, block in enumerate(blocks):
        following = blocks[number + 1].start() if number + 1 < len(blocks) else len(text)
        accuracy = _accuracy_in(text[end : block.start()], -1)
        if accuracy is None:
            accuracy = _accuracy_in(text[block.end() : following], 0)
        found.append(Shown(plan_of(block[1], interface), accuracy))
        end = block.end()
    return found


def _solvers(text: str) -> list[str]:
    return [block[1] for block in _BLOCK.finditer(text) if "def solver" in block[1]]


def _accuracy_in(text: str, position: int) -> float | None:
    found = _ACCURACY.findall(text)
    if not found:
        return None
    number, percent = found[position]
    value = float(number)
    return value / 100 if percent or value > 1 else value


def plan_of(code: str, interface: str) -> Plan:
    """The plan that a program states, or else the plan that it looks like."""
    return stated_plan(code, interface) or _guessed(code, interface)


def stated_plan(text: str, interface: str) -> Plan | None:
    """The plan line of a text, where there is a valid one."""
    line = re.search(r"^[ \t]*# plan:.*$", text, re.MULTILINE)
    return parse(line[0], interface) if line else None


def _guessed(code: str, interface: str) -> Plan:
    numbers = re.findall(r"num_of_response\s*=\s*(\d+)", code)
    several = max(map(int, numbers), default=1) > 1
    if interface == "code":
        strategy = (
            "select_public"
            if several and "test_on_public_test" in code
            else "public"
            if "test_on_public_test" in code
            else "select"
            if several
            else "cot"
        )
    elif "execute_code" in code:
        strategy = "code_vote" if several else "code"
    else:
        strategy = "vote" if several else "cot" if "reason" in code else "direct"
    stated = {
        "samples": max(numbers, key=int, default="5"),
        **dict(re.findall(r"\b(temperature)\s*=\s*([\d.]+)", code)),
    }
    rule = STRATEGIES[interface][strategy]
    slots = [
        f"{slot}={stated[slot] if stated.get(slot) in rule.values(slot) else rule.values(slot)[0]}"
        for slot in DOMAINS
        if slot in rule.slots
    ]
    plan = parse(f"strategy={strategy}, style=0, {', '.join(slots)}", interface)
    assert plan is not None  # each slot was given one of its own values
    return plan


def _leaning(told: Sequence[Message]) -> Mapping[str, float]:
    task = next((m.content for m in told if m.role == "user"), "").split("```")[0].lower()
    leaning: dict[str, float] = {}
    for pattern, factors in _SIGNS:
        if re.search(pattern, task):
            for name, factor in factors.items():
                leaning[name] = leaning.get(name, 1.0) * factor
    return leaning
