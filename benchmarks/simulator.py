"""The simulated executor against published figures of real models.

Runs the hand-designed workflows in the real sandbox on populations of toy problems whose demands
stand for those of a benchmark, and prints each gap beside the published one. With `W4S_DATA` set,
GSM-Hard itself as well. What the figures are and where they come from is in `docs/simulator.md`.
`python -m benchmarks.simulator coder` measures another profile.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources

from w4s.errors import ConfigError
from w4s.evaluation import Evaluator
from w4s.executor import Executor
from w4s.models.answer_book import AnswerBook, AnswerKey
from w4s.models.base import Purpose
from w4s.models.sampler import InProcess
from w4s.models.simulated import SimulatedExecutor, simulator_digest
from w4s.runner import Runner
from w4s.sandbox.host import PythonSandbox
from w4s.tasks.base import Sizes, Task
from w4s.tasks.registry import load_task
from w4s.tasks.toy import load_toy
from w4s.types import Problem, Workflow
from w4s.workflow import load_baseline

PROBLEMS = 300
SEED = 11


@dataclass(frozen=True, slots=True)
class Population:
    """Problems that stand for a benchmark."""

    name: str
    tasks: tuple[str, ...]
    workflows: tuple[str, ...]
    steps: int | None = None
    """Demands put in place of the problems' own."""
    load: float | None = None

    def key(self, task: Task, problem: Problem) -> AnswerKey:
        key = task.answer_keys(problem)
        assert key is not None
        return replace(
            key,
            steps=key.steps if self.steps is None else self.steps,
            load=key.load if self.load is None else self.load,
        )


@dataclass(frozen=True, slots=True)
class Gap:
    """A published difference between two ways of working."""

    population: str
    better: str
    worse: str
    published: str
    """In points, with the model and the source."""


MATHEMATICS = ("toy_ledger", "toy_rates", "toy_primes", "toy_counting", "toy_robot")
WAYS = (
    "direct",
    "chain_of_thought",
    "self_consistency",
    "code_generation",
    "self_refine",
    "debate",
)
POPULATIONS = (
    Population("like GSM8K", MATHEMATICS, WAYS, steps=4, load=0.09),
    Population("like GSM-Hard", MATHEMATICS, WAYS, steps=4, load=0.6),
    Population("passages", ("toy_passage", "toy_tally"), WAYS),
    Population("knowledge", ("toy_elements",), WAYS),
    Population(
        "functions",
        ("toy_lists", "toy_strings"),
        ("code_direct", "code_chain_of_thought", "code_self_refine", "code_public_tests"),
    ),
)
REAL = Population("GSM-Hard itself", ("gsm_hard",), WAYS)
GAPS = (
    Gap("like GSM8K", "chain_of_thought", "direct", "+45.9 (Codex; PAL)"),
    Gap("like GSM8K", "code_generation", "chain_of_thought", "+6.4 (Codex; PAL)"),
    Gap("like GSM-Hard", "code_generation", "chain_of_thought", "about +40 (Codex; PAL)"),
    Gap("GSM-Hard itself", "code_generation", "chain_of_thought", "about +40 (Codex; PAL)"),
    Gap("like GSM8K", "self_consistency", "chain_of_thought",
        "+5.8 at 3, +8.6 at 6 (GPT-3.5; Huang); +17.9 at 40 (PaLM; Wang)"),
    Gap("like GSM8K", "self_refine", "chain_of_thought", "-0.8 to -1.2 (GPT-3.5; Huang)"),
    Gap("like GSM8K", "debate", "self_consistency", "-2.1 at 6 responses (GPT-3.5; Huang)"),
    Gap("knowledge", "self_consistency", "chain_of_thought",
        "+1.7 CommonsenseQA, +3.5 ARC-c (PaLM; Wang)"),
    Gap("functions", "code_public_tests", "code_chain_of_thought",
        "+12.1 TransCoder (Codex; Self-Debugging)"),
    Gap("functions", "code_self_refine", "code_chain_of_thought",
        "+3.5 TransCoder without running (Codex; Self-Debugging)"),
)  # fmt: skip


def main(profile: str = "standard") -> None:
    measured = asyncio.run(measure(profile))
    print(f"profile {profile}, simulator {simulator_digest()}, {PROBLEMS} problems each\n")
    _print_accuracies(measured)
    _print_gaps(measured)


async def measure(profile: str) -> dict[str, dict[str, float]]:
    """Accuracy in points by population and workflow."""
    prelude = resources.files("w4s").joinpath("agent.py").read_text("utf-8")
    sandbox = PythonSandbox(prelude, batch=True)
    try:
        return {p.name: await _measured(p, profile, sandbox) for p in _populations()}
    finally:
        await sandbox.aclose()


def _populations() -> list[Population]:
    try:
        load_task(REAL.tasks[0])
    except ConfigError:
        return list(POPULATIONS)
    return [*POPULATIONS, REAL]


async def _measured(
    population: Population, profile: str, sandbox: PythonSandbox
) -> dict[str, float]:
    values: dict[str, list[float]] = {name: [] for name in population.workflows}
    for name in population.tasks:
        task, problems = _problems(name, PROBLEMS // len(population.tasks))
        book = AnswerBook(population.key(task, problem) for problem in problems)
        model = InProcess(SimulatedExecutor(book, profile))
        evaluator = Evaluator(Runner(Executor(model, sandbox, SEED), task.scorer), concurrency=16)
        for workflow in map(load_baseline, population.workflows):
            values[workflow.name] += await _scores(evaluator, workflow, problems)
    return {name: 100 * sum(scores) / len(scores) for name, scores in values.items()}


def _problems(name: str, count: int) -> tuple[Task, Sequence[Problem]]:
    if name.startswith("toy_"):
        task = load_toy(name, seed=SEED, sizes=Sizes(private=1, public=1, training=count, test=1))
    else:
        task = load_task(name)
    return task, task.training[:count]


async def _scores(
    evaluator: Evaluator, workflow: Workflow, problems: Sequence[Problem]
) -> list[float]:
    evaluation = await evaluator.evaluate(workflow, problems, Purpose.VALIDATE)
    return [outcome.value for outcome in evaluation.scored]


def _print_accuracies(measured: dict[str, dict[str, float]]) -> None:
    for population, accuracies in measured.items():
        cells = ", ".join(f"{name} {value:.1f}" for name, value in accuracies.items())
        print(f"{population}: {cells}")
    print()


def _print_gaps(measured: dict[str, dict[str, float]]) -> None:
    print("| population | gap | published | simulated |")
    print("|---|---|---|---|")
    for gap in GAPS:
        if gap.population in measured:
            found = measured[gap.population][gap.better] - measured[gap.population][gap.worse]
            names = f"{gap.better} - {gap.worse}"
            print(f"| {gap.population} | {names} | {gap.published} | {found:+.1f} |")


if __name__ == "__main__":
    main(*sys.argv[1:2])
