"""Small trajectories to learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from w4s.types import (
    Attempt,
    Entry,
    Evaluation,
    Message,
    Outcome,
    Proposal,
    Repair,
    Score,
    State,
    Status,
    Step,
    Trajectory,
    Turn,
    Workflow,
)


@dataclass(frozen=True, slots=True)
class Try:
    """One action of a made-up turn."""

    reply: str
    accuracy: float
    reward: float
    ran: bool = True
    repairs: tuple[Repair, ...] = ()
    reply_ids: tuple[int, ...] | None = None


def evaluation(workflow: Workflow, accuracy: float, ran: bool = True) -> Evaluation:
    status, score = (Status.SCORED, Score(accuracy)) if ran else (Status.RAISED, None)
    return Evaluation(workflow, (Outcome("p1", status, score),))


def make_trajectory(
    turns: Sequence[Sequence[Try]], task: str = "toy", start: str = "Write a workflow."
) -> Trajectory:
    """Each turn continues the conversation of the best action before it; start accuracy 0.5."""
    first = Entry(Workflow("def solver(agent, task): ..."), 0.5, "50 %")
    state = State(0, (first,), None, (), 0.5, first, first)
    prompt: tuple[Message, ...] = (Message("system", "Be brief."), Message("user", start))
    made = []
    for number, tries in enumerate(turns):
        attempts = tuple(
            Attempt(
                Proposal(prompt, t.reply, Workflow(t.reply), "", t.repairs, None, t.reply_ids),
                evaluation(Workflow(t.reply), t.accuracy, t.ran),
                evaluation(Workflow(t.reply), t.accuracy, t.ran),
                f"accuracy {t.accuracy}",
                t.reward,
            )
            for t in tries
        )
        turn = Turn(state, attempts)
        made.append(turn)
        chosen = turn.chosen
        if chosen is None:
            continue
        entry = Entry(chosen.workflow, chosen.evaluation.accuracy, chosen.feedback)
        best = entry if entry.accuracy > state.best.accuracy else state.best
        step = Step(chosen.proposal.reply, chosen.feedback)
        state = State(number + 1, (first,), None, (*state.window, step), 0.5, best, entry)
        prompt = (*prompt, Message("assistant", step.reply), Message("user", step.feedback))
    return Trajectory(task, tuple(made))


@pytest.fixture
def trajectory() -> Trajectory:
    """Two turns of three actions, one of them repaired and one that never answered."""
    return make_trajectory(
        [
            [
                Try("plan a\nbest", 0.75, 1.0),
                Try("plan b", 0.5, 0.0),
                Try("plan c", 0.0, 0.0, ran=False),
            ],
            [
                Try("plan d", 0.8, 1.0, repairs=(Repair("NameError: x", "plan d, broken"),)),
                Try("plan e", 0.6, 0.0),
                Try("plan e", 0.6, 0.0),
            ],
        ]
    )


@pytest.fixture
def make() -> Callable[..., Trajectory]:
    return make_trajectory


@pytest.fixture
def attempt() -> type[Try]:
    return Try
