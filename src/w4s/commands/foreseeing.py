"""Estimates of the commands, before and when they run.

In: the settings of a command, and perhaps an earlier run to go by. Out: Estimates. The task is
loaded and prices are looked up; no key is needed, no model is called, and nothing is written but
an estimate that is to be kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from w4s.commands.drawing import tasks_to_play
from w4s.commands.planning import Plan, examples_of, plan_of
from w4s.commands.workbench import meta_agent_of, task_of
from w4s.config import CollectConfig, Limits, SearchConfig, Setup
from w4s.estimates.assumptions import Models, assumed_pace, assumed_rates
from w4s.estimates.foresight import foresee, within
from w4s.estimates.measured import Seen, measured_pace, measured_rates
from w4s.estimates.pace import Pace, processors_at_hand
from w4s.estimates.rates import Rates
from w4s.estimates.record import Estimate
from w4s.estimates.work import SearchSize, repeated, search_work, test_work
from w4s.methods import PUBLISHED
from w4s.models.grammar import Grammar
from w4s.models.metering.prices import Price
from w4s.models.sampler import InProcess
from w4s.models.specs import quote, read_spec
from w4s.reports.run import ESTIMATES, Role, Run, read_run
from w4s.store import RunFolder
from w4s.tasks.base import Task
from w4s.types import Entry, Message, State, Workflow

_EPISODES_METHOD = "w4s"


def foresee_search(asked: SearchConfig, like: Path | None = None) -> Estimate:
    """What a search is going to take, by an earlier run where one is given."""
    task = task_of(asked)
    return search_estimate(plan_of(asked, task), task, like)


def foresee_contest(
    asked: SearchConfig, task: Task, workflow: Workflow | None, like: Path | None = None
) -> list[Estimate]:
    """What a contest of a comparison is going to take: a search and the test of what it finds, or,
    of a workflow that is given, its test alone."""
    plan = plan_of(asked, task)
    if workflow is not None:
        return [_tested(plan, task, workflow, like)]
    found = Workflow("", "of what is found")
    return [search_estimate(plan, task, like), _tested(plan, task, found, like)]


def search_estimate(plan: Plan, task: Task, like: Path | None = None) -> Estimate:
    """The same, once the task is loaded and the search planned."""
    config = plan.config
    size = SearchSize(
        config.method,
        plan.turns,
        plan.samples,
        plan.trials,
        len(task.search.private),
        len(task.search.public),
        plan.examples,
        config.racing,
        config.finalists,
    )
    seen, candidates = _seen(like, config), plan.turns * plan.samples
    rates, pace = _measures(config, task, plan.examples, plan.samples, candidates, seen)
    work = search_work(size, rates)
    estimate = foresee(
        "search", _plan(str(size), config), work, pace, prices_of(config), rates.source
    )
    return within([estimate], config)[0]


def test_estimates(
    run: Run, task: Task, workflows: Sequence[Workflow], limits: Limits
) -> list[Estimate]:
    """What each of these is going to take on the sealed test, as far as they are not tested yet;
    by what the run has measured of them."""
    tested = {t.evaluation.workflow.digest for t in run.tests}
    fresh = [w for w in workflows if w.digest not in tested]
    config, examples = run.config, examples_of(run.config, task)
    seen = Seen(run) if any(turn.attempts for turn in run.turns) else None
    rates, pace = _measures(config, task, (*examples, *fresh), config.samples or 1, 1, seen)
    estimates = [
        foresee(
            f"test {workflow.name}",
            _plan(f"{workflow.digest} on {task.sealed.size} problems", limits),
            test_work(task.sealed.size, workflow, rates),
            pace,
            prices_of(config),
            rates.source,
            workflow.digest,
        )
        for workflow in fresh
    ]
    return within(estimates, limits)


test_estimates.__test__ = False  # type: ignore[attr-defined]


def foresee_collect(config: CollectConfig, like: Path | None = None) -> list[Estimate]:
    """What the episodes of each task are going to take."""
    return collect_estimates(config, tasks_to_play(config), like)


def collect_estimates(
    config: CollectConfig, tasks: Mapping[str, Task], like: Path | None = None
) -> list[Estimate]:
    """The same, once the tasks are loaded."""
    estimates = [_collecting(config, task, name, like) for name, task in tasks.items()]
    return within(estimates, config)


def keep_estimate(folder: RunFolder, estimate: Estimate, *, anew: bool = False) -> Estimate:
    """Write it into the run folder, and return it. One for the same work that stands there is
    left and returned, unless `anew`: it was made beforehand, and perhaps from measurements."""
    with closing(folder.journal(ESTIMATES, Estimate)) as journal:
        last = {kept.title: kept for kept in journal.records()}
        before = last.get(estimate.title)
        if not anew and before is not None and before.plan == estimate.plan:
            return before
        journal.append(estimate)
    return estimate


def prices_of(config: Setup) -> Mapping[Role, Price | None]:
    """What the models' tokens cost, None where that is not known."""
    named = {Role.EXECUTOR: config.executor, Role.META_AGENT: config.meta_agent}
    return {role: quote(read_spec(text), config.prices).price for role, text in named.items()}


def _tested(plan: Plan, task: Task, workflow: Workflow, like: Path | None) -> Estimate:
    """One test, before there is a run."""
    config, workflows = plan.config, (*plan.examples, workflow)
    rates, pace = _measures(config, task, workflows, plan.samples, 1, _seen(like, config))
    size = task.sealed.size
    return foresee(
        f"test {workflow.name}",
        f"{workflow.name} on {size} problems",
        test_work(size, workflow, rates),
        pace,
        prices_of(config),
        rates.source,
        workflow.digest,
    )


def _collecting(config: CollectConfig, task: Task, name: str, like: Path | None) -> Estimate:
    examples = PUBLISHED[_EPISODES_METHOD].examples(task.interface)
    size = SearchSize(
        _EPISODES_METHOD,
        config.turns,
        config.samples,
        config.trials,
        config.private,
        config.public,
        examples,
    )
    seen, candidates = _seen(like, config, name), config.episodes * config.turns * config.samples
    rates, pace = _measures(config, task, examples, config.samples, candidates, seen)
    abreast = max(1, config.side_by_side // len(config.tasks))
    work = repeated(search_work(size, rates), config.episodes, abreast)
    plan = _plan(f"{config.episodes} episodes, {size}", config)
    return foresee(f"collect {name}", plan, work, pace, prices_of(config), rates.source)


def _measures(
    config: Setup,
    task: Task,
    workflows: Sequence[Workflow],
    samples: int,
    candidates: int,
    seen: Seen | None,
) -> tuple[Rates, Pace]:
    """Rates and pace, from the earlier run where there is one."""
    models = Models(read_spec(config.executor), read_spec(config.meta_agent))
    prompt = _first_prompt(config, task, workflows)
    rates = assumed_rates(task, models, prompt, workflows, samples=samples, candidates=candidates)
    pace: Pace | None = None
    if seen is not None:
        rates, pace = measured_rates(seen, rates), measured_pace(seen)
    return rates, pace or assumed_pace(
        models,
        rates,
        concurrency=config.concurrency,
        processors=processors_at_hand(),
        batch=config.isolation == "batch",
    )


def _seen(like: Path | None, config: Setup, task: str = "") -> Seen | None:
    if like is None:
        return None
    run = read_run(like)
    planned = task or (config.task if isinstance(config, SearchConfig) else "")
    pairs = {
        "task": (run.config.task, planned),
        "executor": (run.config.executor, config.executor),
        "meta-agent": (run.config.meta_agent, config.meta_agent),
    }
    return Seen(run, tuple(what for what, (there, here) in pairs.items() if there != here))


def _first_prompt(config: Setup, task: Task, workflows: Sequence[Workflow]) -> tuple[Message, ...]:
    """What the meta-agent is shown first, but for the feedback; it is not asked."""
    agent = meta_agent_of(config, InProcess(Grammar()), task.brief, config.seed)
    entries = tuple(Entry(workflow, 0.5, "") for workflow in workflows)
    return agent.prompt(State(0, entries, None, (), 0.5, entries[0], entries[0]))


def _plan(work: str, limits: Limits) -> str:
    """The work and what ends it, in words: the estimate is made anew when they change."""
    ends = {
        "calls": limits.max_calls,
        "tokens": limits.max_tokens,
        "usd": limits.max_usd,
        "minutes": limits.max_minutes,
    }
    return "; ".join([work, *(f"--max-{name} {v:g}" for name, v in ends.items() if v is not None)])
