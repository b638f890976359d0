"""Test: workflows on the sealed test of a run, each once.

In: a run folder, and which workflows. Out: their accuracies, kept in the folder. This is the one
door to a test set: a workflow that was tested before gets its recorded result, and how many were
tested is counted, since the best of many tries says less about problems nobody has seen.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from w4s.commands.foreseeing import keep_estimate, test_estimates
from w4s.commands.planning import examples_of
from w4s.commands.workbench import (
    Workbench,
    answer_book,
    facts_of,
    open_models,
    open_workbench,
    problems_digest,
    task_of,
    weights_of,
)
from w4s.config import Limits, SearchConfig, TestConfig
from w4s.errors import ConfigError
from w4s.estimates.record import Estimate
from w4s.models.base import Purpose
from w4s.reports.run import BEST, TEST_ACCOUNT, TESTS, Role, Run, Tested, read_run
from w4s.reports.summary import best_entry
from w4s.reports.tracked import test_points
from w4s.store import Journal, RunFolder
from w4s.tasks.base import Interface, Task
from w4s.tasks.confidential import keep_confidential
from w4s.types import Problem, Workflow
from w4s.waiting import settled
from w4s.workflow import baseline_names, example_workflows, load_baseline, named_workflow


class Origin(StrEnum):
    """Where a tested workflow comes from."""

    FOUND = "found"
    BASELINE = "baseline"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A workflow to test."""

    workflow: Workflow
    origin: Origin


async def measure_sealed(config: TestConfig, given: Workflow | None = None) -> list[Tested]:
    """Measure what has not been measured yet, keep it in the folder, and return the results of
    the workflows asked for, recorded ones among them. `given` is a workflow that has been read
    already, and counts before the one that the settings name.

    Raises what stopped it; workflows that were measured to their end are kept."""
    run = read_run(config.run)
    task = task_of(run.config)
    keep_confidential(task, config.run)
    candidates = [_given(given)] if given else _candidates(config, run, task.interface)
    problems = task.sealed.open()
    limits = _limits(config, run.config)
    known = (*task.search.private, *task.search.public, *problems)
    models = open_models(run.config, limits, (Role.EXECUTOR,), lambda: answer_book(task, known))
    examples = examples_of(run.config, task)
    with RunFolder(config.run) as folder:
        async with open_workbench(
            run.config,
            limits,
            task,
            models,
            folder,
            facts=facts_of(task, examples, weights_of(run.config)),
            account=TEST_ACCOUNT,
            problems=len(problems),
            track=run.config.track if config.track is None else config.track,
        ) as bench:
            for estimate in test_estimates(run, task, [c.workflow for c in candidates], limits):
                keep_estimate(folder, estimate)
            with closing(folder.journal(TESTS, Tested)) as journal:
                try:
                    await _Opening(bench, journal, problems).measure(candidates)
                finally:
                    bench.feed.send(test_points(journal.records()))
                return _recorded(journal, candidates, problems_digest(problems))


def foresee_test(config: TestConfig) -> list[Estimate]:
    """What each workflow that has not been tested yet is going to take; the set stays closed."""
    run = read_run(config.run)
    task = task_of(run.config)
    workflows = [c.workflow for c in _candidates(config, run, task.interface)]
    return test_estimates(run, task, workflows, config)


@dataclass(frozen=True, slots=True)
class _Opening:
    """One opening of the sealed set."""

    bench: Workbench
    journal: Journal[Tested]
    problems: tuple[Problem, ...]

    async def measure(self, candidates: Sequence[Candidate]) -> None:
        """Those not measured before, side by side."""
        bench, sealed = self.bench, problems_digest(self.problems)
        known = {t.evaluation.workflow.digest for t in self.journal.records() if t.sealed == sealed}
        fresh = {c.workflow.digest: c for c in candidates if c.workflow.digest not in known}
        for candidate in candidates:
            if candidate.workflow.digest in known:
                bench.display.say(
                    f"{candidate.workflow.name} was tested before: its recorded result stands"
                )
        if not fresh:
            return
        bench.display.planned = len(fresh) * len(self.problems)
        bench.display.begin("sealed test")
        try:
            await settled(self._measure_one(c, sealed) for c in fresh.values())
        finally:
            bench.account.keep(f"test {', '.join(c.workflow.name for c in fresh.values())}")

    async def _measure_one(self, candidate: Candidate, sealed: str) -> None:
        start, at = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
        evaluation = await self.bench.evaluator.evaluate(
            candidate.workflow, self.problems, Purpose.TEST
        )
        seconds = time.monotonic() - start
        self.journal.append(Tested(evaluation, candidate.origin.value, sealed, seconds, at))


def _limits(config: TestConfig, run: SearchConfig) -> Limits:
    """The test's own limits; what is no limit and was not given comes from the run."""
    inherited = {"concurrency", "key_env", "executor_key_env"} - config.model_fields_set
    return config.model_copy(update={name: getattr(run, name) for name in inherited})


def _candidates(config: TestConfig, run: Run, interface: Interface) -> list[Candidate]:
    """What to test: the asked-for workflow, or the best of the run; and baselines if wanted."""
    name = config.workflow
    chosen = _best(run) if name is None else _given(named_workflow(name, interface))
    if not config.baselines:
        return [chosen]
    return [*(Candidate(w, Origin.BASELINE) for w in simple_baselines(interface)), chosen]


def every_problem(task: Task) -> tuple[Problem, ...]:
    """All problems of a task, the sealed ones too: for a simulated executor, which has to know
    the answers to play a strong model. Nothing that searches may ask for them."""
    search = (*task.search.private, *task.search.public)
    return (*search, *task.training, *task.sealed.open())


def simple_baselines(interface: Interface) -> tuple[Workflow, ...]:
    """The direct call and the examples of the first state."""
    direct = "code_direct" if interface is Interface.CODE else "direct"
    return (load_baseline(direct), *example_workflows(interface))


def _best(run: Run) -> Candidate:
    best = best_entry(run.begin, run.turns, run.final)
    if best is None:
        raise ConfigError(
            f"{run.path} has no measured workflow yet; go on with its search, or name one with"
            f" --workflow (such as {shlex.quote(str(run.path / BEST))})"
        )
    examples = {entry.workflow.digest for entry in run.begin.examples} if run.begin else set()
    is_example = best.workflow.digest in examples
    return Candidate(best.workflow, Origin.BASELINE if is_example else Origin.FOUND)


def _given(workflow: Workflow) -> Candidate:
    comes_along = workflow.name in baseline_names() and workflow == load_baseline(workflow.name)
    return Candidate(workflow, Origin.BASELINE if comes_along else Origin.FILE)


def _recorded(
    journal: Journal[Tested], candidates: Sequence[Candidate], sealed: str
) -> list[Tested]:
    known = {t.evaluation.workflow.digest: t for t in journal.records() if t.sealed == sealed}
    return [known[candidate.workflow.digest] for candidate in candidates]
