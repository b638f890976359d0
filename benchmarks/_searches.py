"""Many searches with the simulated executor, in this process (see `_trusted`)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks._trusted import Trusted
from w4s.environment import Environment, Parent
from w4s.evaluation import Evaluator
from w4s.executor import Executor
from w4s.meta_agent import MetaAgent
from w4s.methods import METHODS, PUBLISHED
from w4s.methods.choosing import choose, measure_again
from w4s.models.answer_book import AnswerBook
from w4s.models.base import Purpose
from w4s.models.grammar import Grammar
from w4s.models.sampler import InProcess
from w4s.models.simulated import SimulatedExecutor
from w4s.racing import Racing
from w4s.reports.summary import best_entry
from w4s.runner import Runner
from w4s.sandbox.base import Sandbox
from w4s.tasks.base import Sizes, Task
from w4s.tasks.registry import load_task
from w4s.types import Evaluation, Outcome, Problem, Turn, Workflow


@dataclass(frozen=True, slots=True)
class Setting:
    """One kind of search."""

    method: str = "w4s"
    turns: int = 4
    samples: int = 5
    racing: Racing | None = None
    parent: Parent = Parent.LAST
    finalists: int = 0
    economical: bool = False


@dataclass(slots=True)
class Counting:
    """Counts solver calls by purpose."""

    solver_calls: Counter[Purpose] = field(default_factory=Counter)

    def outcome(self, workflow: Workflow, purpose: Purpose, outcome: Outcome) -> None:
        self.solver_calls[purpose] += 1

    def evaluation(self, purpose: Purpose, evaluation: Evaluation) -> None:
        """Outcomes say it all."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to."""

    workflow: Workflow
    validated: float
    scores: tuple[float, ...]
    """On problems that no search sees: a part of the training set, so that no seal is opened."""
    tokens_of_one: float
    validations: int
    """Solver calls on private problems."""
    turns: tuple[Turn, ...]

    @property
    def held_out(self) -> float:
        return sum(self.scores) / len(self.scores)


Memory = dict[tuple[str, str, Purpose, int], Outcome]


@dataclass(frozen=True, slots=True)
class Remembering(Runner):
    """A Runner that makes no solver call twice. With one seed a call has one outcome, so searches
    that differ in their options alone share what they have in common."""

    memory: Memory = field(default_factory=dict)

    async def run(
        self, workflow: Workflow, problem: Problem, purpose: Purpose, trial: int = 0
    ) -> Outcome:
        key = (workflow.digest, problem.id, purpose, trial)
        if key not in self.memory:
            self.memory[key] = await Runner.run(self, workflow, problem, purpose, trial)
        return self.memory[key]


def task_of(
    name: str, seed: int, private: int, public: int, held_out: int = 1, sealed: int = 1
) -> Task:
    """A task with problems of its own for each seed, and room for held-out and sealed ones."""
    sizes = Sizes(private=private, public=public, training=held_out, test=sealed)
    return load_task(name, seed=seed, sizes=sizes)


def searched(
    task: Task, setting: Setting, seed: int, held_out: int, memory: Memory | None = None
) -> Found:
    """One search, and what its workflow is worth. A `memory` serves one task and one seed."""
    return asyncio.run(search(task, setting, seed, held_out, Trusted(), memory))


async def search(
    task: Task,
    setting: Setting,
    seed: int,
    held_out: int,
    sandbox: Sandbox,
    memory: Memory | None = None,
) -> Found:
    """One search in a sandbox of the caller's choice."""
    unseen = task.training[:held_out]
    problems = (*task.search.private, *task.search.public, *unseen)
    counting = Counting()
    executor = _executor(task, problems, sandbox, seed)
    runner = Remembering(executor, task.scorer, memory={} if memory is None else memory)
    evaluator = Evaluator(runner, observer=counting)
    env = Environment(
        evaluator,
        task.search,
        PUBLISHED[setting.method].examples(task.interface),
        racing=setting.racing,
        parent=setting.parent,
    )
    agent = MetaAgent(InProcess(Grammar()), task.brief, seed)
    begin = await env.begin()
    run = METHODS[setting.method](env, agent, begin, turns=setting.turns, samples=setting.samples)
    turns = [turn async for turn in run]
    best = best_entry(begin, turns)
    assert best is not None
    workflow, validated = best.workflow, best.accuracy
    if setting.finalists:
        finalists = await measure_again(env, begin, turns, count=setting.finalists)
        chosen = choose(finalists, economical=setting.economical)
        workflow, validated = chosen.workflow, chosen.fresh
    validations = counting.solver_calls[Purpose.VALIDATE]
    final = await evaluator.evaluate(workflow, unseen, Purpose.TEST)
    tokens = final.usage.prompt_tokens + final.usage.completion_tokens
    return Found(
        workflow,
        validated,
        tuple(o.value for o in final.outcomes),
        tokens / max(1, len(unseen)),
        validations,
        tuple(turns),
    )


def sealed_scores(task: Task, workflows: Sequence[Workflow], seed: int) -> list[float]:
    """The accuracy of each workflow on the sealed problems, once a search is over."""
    problems = task.sealed.open()
    evaluator = Evaluator(Runner(_executor(task, problems, Trusted(), seed), task.scorer))

    async def judged() -> list[float]:
        return [
            (await evaluator.evaluate(workflow, problems, Purpose.TEST)).accuracy
            for workflow in workflows
        ]

    return asyncio.run(judged())


def _executor(task: Task, problems: Sequence[Problem], sandbox: Sandbox, seed: int) -> Executor:
    """The simulated one, which knows the answers to these problems."""
    keys = [key for problem in problems if (key := task.answer_keys(problem)) is not None]
    return Executor(InProcess(SimulatedExecutor(AnswerBook(keys))), sandbox, seed)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
