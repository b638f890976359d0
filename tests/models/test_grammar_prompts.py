"""The grammar reads the prompts that the meta-agent really sends."""

from __future__ import annotations

import asyncio
import random

import pytest

from w4s.meta_agent import MetaAgent
from w4s.models.base import Request
from w4s.models.grammar import Grammar, sample_program
from w4s.models.grammar.conversation import plan_of, read
from w4s.models.grammar.program import write
from w4s.models.sampler import InProcess
from w4s.prompts import render
from w4s.tasks.base import Brief, Interface
from w4s.types import Entry, Message, Problem, State, Step, Workflow
from w4s.workflow import example_workflows


def brief(interface: Interface) -> Brief:
    example = Problem("p", "toy/0", "What is 1 + 1?", "2")
    return Brief("sums", "Add numbers.", interface, example, "2", "exact match")


def feedback(accuracy: float) -> str:
    return render("feedback", accuracy=accuracy, trend="", troubles=[], cases=[])


def state(interface: Interface) -> tuple[State, list[str]]:
    """A state with three examples, an anchor and one turn in the window; their plan lines."""
    rng = random.Random(4)
    anchor, acted = (sample_program(rng, interface) for _ in range(2))
    examples = tuple(
        Entry(workflow, 0.2 + 0.1 * number, feedback(0.2 + 0.1 * number))
        for number, workflow in enumerate(example_workflows(interface))
    )
    entry = Entry(Workflow(anchor.code, "turn 2"), 0.7, feedback(0.7))
    step = Step(f"Analysis.\n\n```python\n{acted.code}```", feedback(0.65))
    full = State(3, examples, entry, (step,), 0.7, entry, entry)
    return full, [anchor.plan.line, acted.plan.line]


@pytest.mark.parametrize("interface", list(Interface))
def test_the_archive_and_the_window_are_read(interface: Interface) -> None:
    full, lines = state(interface)
    agent = MetaAgent(InProcess(Grammar()), brief(interface), seed=0)
    reading = read(agent.prompt(full))
    assert reading.interface == interface
    assert reading.error is None
    assert [shown.plan.line for shown in reading.shown[3:]] == lines
    accuracies = [shown.accuracy for shown in reading.shown]
    assert accuracies == pytest.approx([0.2, 0.3, 0.4, 0.7, 0.65])


@pytest.mark.parametrize("interface", list(Interface))
def test_every_bug_is_mended_within_the_repairs(interface: Interface) -> None:
    full, _ = state(interface)
    agent = MetaAgent(InProcess(Grammar(bugs=1.0, feedback=False)), brief(interface), seed=1)

    async def check(workflow: Workflow) -> str | None:
        mended = workflow.code == write(plan_of(workflow.code, interface))
        return None if mended else "RAISED: TypeError: unexpected keyword (line 9)"

    proposals = asyncio.run(agent.propose(full, 5, check))
    assert [len(proposal.repairs) for proposal in proposals] == [1] * 5
    assert all(proposal.workflow is not None for proposal in proposals)


def test_a_repair_prompt_is_read_as_one() -> None:
    messages = [
        Message("user", "a task"),
        Message("assistant", "an action"),
        Message("user", render("repair", error="RAISED: KeyError: 'x' (line 3)")),
    ]
    assert read(messages).error is not None
    assert read(messages).failed == "an action"


def test_five_samples_of_one_request_differ() -> None:
    full, _ = state(Interface.ANSWER)
    requests: list[Request] = []

    class Noting(InProcess):
        async def complete(self, request: Request):  # type: ignore[no-untyped-def]
            requests.append(request)
            return await super().complete(request)

    async def fine(workflow: Workflow) -> None:
        return None

    agent = MetaAgent(Noting(Grammar(bugs=0)), brief(Interface.ANSWER), seed=1)
    proposals = asyncio.run(agent.propose(full, 5, fine))
    assert [request.n for request in requests] == [5]
    assert len({p.workflow.digest for p in proposals if p.workflow is not None}) == 5
