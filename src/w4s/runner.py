"""Run one workflow on one problem; every way of failing becomes a Status.

In: Workflow, Problem. Out: Outcome. The program runs in the sandbox, its calls go to a Session of
the executor, its answer is scored on the host. Only limits of the whole run (budget, a provider
that is down) are raised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from w4s.errors import SandboxError
from w4s.executor import CallLimitExceeded, Executor, Session
from w4s.models.base import Purpose
from w4s.sandbox import values
from w4s.sandbox.base import Action, Ending, Job, Limits, Result
from w4s.tasks.base import Scorer
from w4s.types import JSON, Outcome, Problem, Status, Trouble, Workflow

_ANSWER_CHARACTERS = 20_000
_STATUS = {
    Ending.SYNTAX_ERROR: Status.SYNTAX_ERROR,
    Ending.NO_ENTRY: Status.NO_SOLVER,
    Ending.RAISED: Status.RAISED,
    Ending.EXITED: Status.EXITED,
    Ending.TIME: Status.TIME_LIMIT,
    Ending.MEMORY: Status.MEMORY_LIMIT,
    Ending.OUTPUT: Status.OUTPUT_LIMIT,
    Ending.CALLS: Status.CALL_LIMIT,
    Ending.KILLED: Status.DIED,
    Ending.PROTOCOL: Status.DIED,
}


class NoAnswer(Exception):
    """What a workflow returned holds no usable answer."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs workflows of one task."""

    executor: Executor
    scorer: Scorer
    limits: Limits = field(default_factory=Limits)

    async def run(
        self, workflow: Workflow, problem: Problem, purpose: Purpose, trial: int = 0
    ) -> Outcome:
        """One solver call. Raises BudgetExceeded and ProviderDown, nothing else."""
        session = self.executor.session(workflow, problem, purpose, trial)
        arguments: dict[str, JSON] = {"task": problem.question}
        if problem.entry_point is not None:
            arguments["entry_point"] = problem.entry_point
        job = Job(workflow.code, Action.CALL, "solver", arguments, limits=self.limits)
        try:
            result = await self.executor.sandbox.run(job, session)
            return await self._judge(problem, session, result)
        except CallLimitExceeded as error:
            return _failed(problem, session, Status.CALL_LIMIT, Trouble("CallLimit", str(error)))
        except SandboxError as error:
            return _failed(problem, session, Status.UNSCORED, Trouble("SandboxError", str(error)))

    async def _judge(self, problem: Problem, session: Session, result: Result) -> Outcome:
        if session.failure is not None:
            trouble = Trouble(type(session.failure).__name__, str(session.failure))
            return _failed(problem, session, Status.UNSCORED, trouble, result.seconds)
        if result.ending is not Ending.RETURNED:
            status = _STATUS[result.ending]
            return _failed(problem, session, status, result.trouble, result.seconds)
        try:
            answer = answer_text(values.decode(result.value))
        except NoAnswer as error:
            trouble = Trouble("NoAnswer", str(error))
            return _failed(problem, session, Status.NO_ANSWER, trouble, result.seconds)
        score = await self.scorer(problem, answer, self.executor.sandbox)
        return Outcome(
            problem.id,
            Status.SCORED,
            score,
            answer[:_ANSWER_CHARACTERS],
            None,
            session.usage,
            result.seconds,
        )


def answer_text(value: object) -> str:
    """The final answer in what a workflow returned, as text.

    Raises NoAnswer, with words for the meta-agent, when there is none."""
    if not isinstance(value, dict):
        raise NoAnswer(f"solver must return a dict with the key 'answer', not {_kind(value)}")
    if "answer" not in value:
        keys = ", ".join(str(key) for key in list(value)[:5]) or "none"
        raise NoAnswer(f"the returned dict has no key 'answer'; its keys: {keys}")
    answer = value["answer"]
    if isinstance(answer, float) and not math.isfinite(answer):
        raise NoAnswer(f"the answer is {answer}")
    if not isinstance(answer, str | int | float | Decimal | Fraction):
        raise NoAnswer(f"the answer must be a text or a number, not {_kind(answer)}")
    text = str(answer)
    if not text.strip():
        raise NoAnswer("the answer is empty")
    return text


def _kind(value: object) -> str:
    return {type(None): "None", list: "a list", dict: "a dict"}.get(
        type(value), f"a {type(value).__name__}"
    )


def _failed(
    problem: Problem,
    session: Session,
    status: Status,
    trouble: Trouble | None,
    seconds: float = 0.0,
) -> Outcome:
    return Outcome(problem.id, status, None, "", trouble, session.usage, seconds)
