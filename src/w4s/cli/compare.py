"""`w4s compare`: contestants by tasks by seeds, run or resumed, and what the numbers bear.

In: the settings. Out: one run folder per contestant, task and seed, and a report in four forms
with its figures. Every contestant searches on the same search set with the same models, and each
final workflow reads the sealed set once. What is done already is not done again.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from w4s.cli.contestants import contestants_of
from w4s.cli.output import output, say
from w4s.commands.planning import examples_of, resolved
from w4s.commands.searching import search_in_folder
from w4s.commands.sitting import run_sitting
from w4s.commands.testing import measure_sealed
from w4s.commands.workbench import facts_of, task_of, weights_of
from w4s.config import CompareConfig, SearchConfig, TestConfig
from w4s.errors import BudgetExceeded, ConfigError
from w4s.reports import compare_tables
from w4s.reports.compare import Comparison, Effort, Result
from w4s.reports.compare import compare as compared
from w4s.reports.run import TESTS, Run, Tested, read_begin, read_run
from w4s.reports.summary import Cost, best_entry, summarise
from w4s.settings import nearest, read_file, read_overrides
from w4s.store import CONFIG, RunFolder, changes, read_journal, recorded_facts, write_whole
from w4s.tasks.base import Interface, Task
from w4s.types import JSON, Usage, Workflow
from w4s.workflow import baseline_names, named_workflow

_UNLIMITED_TURNS = 1000
"""Where a budget ends the search."""
_BUDGETS = frozenset(("max_usd", "max_calls", "max_tokens"))
"""A search may go on with more; beside others it would no longer be an equal."""


@dataclass(frozen=True, slots=True)
class Contest:
    """One contestant on one task with one seed."""

    contestant: str
    workflow: Workflow | None
    """A workflow to test as it is, read when the contest was planned; None: search for one."""
    config: SearchConfig

    @property
    def title(self) -> str:
        return f"{self.contestant} on {self.config.task}, seed {self.config.seed}"


def compare(config: CompareConfig) -> None:
    """Run what is left, then show and write the comparison."""
    reference = _reference(config)
    contests = list(plan(config))
    _run_all([c for c in contests if tested_of(c) is None], config.jobs, Console(stderr=True))
    comparison = compared(
        [_result(contest) for contest in contests], reference, volumes=config.volumes
    )
    write(comparison, config.run)
    compare_tables.show(comparison, output())


def read_comparison(file: str, words: Sequence[str]) -> CompareConfig:
    """The settings of a file, with `key=value` words on top; `run` defaults to the file's name."""
    if not file:
        raise ConfigError("which comparison? w4s compare FILE.toml (docs/methods.md shows one)")
    path = Path(file)
    default = {"run": str(Path("runs") / path.stem)}
    settings = read_file(path, "w4s compare takes a TOML file (docs/methods.md shows one)")
    return CompareConfig.resolve(default, settings, read_overrides(words))


def plan(config: CompareConfig) -> Iterator[Contest]:
    """Every contest, seed by seed, so that an early end leaves whole rounds. ConfigError where one
    stands that was run with other settings: its numbers would pass for those of these settings."""
    names = contestants_of(config)
    tasks = _Tasks()
    for seed in range(config.first_seed, config.first_seed + config.seeds):
        for task in config.tasks:
            general = SearchConfig.resolve(_settings(config, {}), {"task": task, "run": "."})
            interface = tasks.of(general).interface
            for name, own in names.items():
                contest = _contest(config, name, own, task, seed, interface)
                if contest.config.run.exists():
                    _refuse_other_settings(contest, tasks.of(contest.config))
                    _refuse_other_workflow(contest)
                yield contest


class _Tasks:
    """Each task in each of its sizes, loaded once."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[object, ...], Task] = {}

    def of(self, config: SearchConfig) -> Task:
        key = (config.task, config.split, config.private, config.public, config.test)
        if key not in self._loaded:
            self._loaded[key] = task_of(config)
        return self._loaded[key]


def _refuse_other_settings(contest: Contest, task: Task) -> None:
    """Another budget or other data count as well."""
    asked = contest.config
    settled = asked if contest.workflow is not None else resolved(asked)
    weights = weights_of(asked, recorded_facts(asked.run))
    facts = facts_of(task, examples_of(asked, task), weights)
    changed = changes(asked.run, settled, facts, free=settled.free() - _BUDGETS)
    if changed:
        raise ConfigError(
            f"{contest.title} was run with other settings: {'; '.join(changed)}. Put the old"
            " settings back, or choose a new folder: w4s compare FILE run=FOLDER"
        )


def _refuse_other_workflow(contest: Contest) -> None:
    """A file that was edited since: another one is not measured in its place, since a contest
    reads its sealed set once."""
    tested = {
        t.evaluation.workflow.digest for t in read_journal(contest.config.run / TESTS, Tested)
    }
    if contest.workflow is not None and tested and contest.workflow.digest not in tested:
        raise ConfigError(
            f"{contest.title} was run with another workflow {contest.workflow.name}: put the old"
            " one back, give the new one a contestant of its own, or choose a new folder:"
            " w4s compare FILE run=FOLDER"
        )


def write(comparison: Comparison, folder: Path) -> None:
    """The report in all its forms, and the figures, beside the runs."""
    title = f"Comparison on {', '.join(comparison.tasks)}"
    write_whole(folder / "comparison.json", compare_tables.as_json(comparison))
    write_whole(folder / "comparison.md", compare_tables.as_markdown(comparison, title))
    write_whole(folder / "comparison.tex", compare_tables.as_latex(comparison))
    write_whole(folder / "comparison.html", compare_tables.as_html(comparison, title))
    for name, svg in compare_tables.figures(comparison).items():
        write_whole(folder / f"{name}.svg", svg + "\n")


def tested_of(contest: Contest) -> tuple[Run, Tested] | None:
    """The run of a contest and its reading of the sealed set, once there is one."""
    if not (contest.config.run / CONFIG).exists():  # perhaps a folder that nothing began in
        return None
    run = read_run(contest.config.run)
    best = best_entry(run.begin, run.turns, run.final)
    workflow = contest.workflow or (best.workflow if best else None)
    found = [t for t in run.tests if workflow and t.evaluation.workflow.digest == workflow.digest]
    return (run, found[-1]) if found else None


def _run_all(contests: Sequence[Contest], jobs: int, console: Console) -> None:
    """One after another, or `jobs` at a time in processes of their own. The first that fails
    ends it, once those under way have come to their end."""
    if jobs == 1:
        for number, contest in enumerate(contests, 1):
            say(console, f"{number} of {len(contests)}: {contest.title}")
            _run(contest)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        under_way = {pool.submit(_run, contest): contest for contest in contests}
        try:
            for number, done in enumerate(as_completed(under_way), 1):
                done.result()
                say(console, f"{number} of {len(contests)} done: {under_way[done].title}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _run(contest: Contest) -> None:
    """Search and test, or test alone. A budget that is used up ends a search in good order."""
    if contest.workflow is None:
        early = run_sitting(search_in_folder(contest.config)).early
        if early is not None and not isinstance(early, BudgetExceeded):
            raise early
        if read_begin(contest.config.run) is None:
            raise ConfigError(
                f"{contest.title}: the budget ended before the first workflows were measured"
                f" ({early}); give every search more, or fewer private problems"
            )
    else:
        _prepare(contest.config)
    run_sitting(measure_sealed(TestConfig(run=contest.config.run), contest.workflow))


def _prepare(config: SearchConfig) -> None:
    """A run folder without a search, for tests alone."""
    task = task_of(config)
    with RunFolder(config.run) as folder:
        folder.settle(config, facts_of(task, examples_of(config, task), weights_of(config)))


def _reference(config: CompareConfig) -> str:
    names = list(contestants_of(config))
    if not names:
        raise ConfigError("nothing to compare: give methods, baselines or contestants")
    reference = config.reference or names[0]
    if reference not in names:
        raise ConfigError(
            f"reference={reference!r} is no contestant{nearest(reference, names)}"
            f" (contestants: {', '.join(names)})"
        )
    return reference


def _contest(
    config: CompareConfig,
    name: str,
    own: dict[str, JSON],
    task: str,
    seed: int,
    interface: Interface,
) -> Contest:
    name_or_file = own.get("workflow")
    folder = config.run / _slug(task) / _slug(name) / f"seed{seed}"
    settings = _settings(config, own) | {"task": task, "seed": seed, "run": folder}
    if not isinstance(name_or_file, str):
        return Contest(name, None, SearchConfig.resolve(settings))
    twin = f"code_{name_or_file}"
    if interface is Interface.CODE and twin in baseline_names():
        name_or_file = twin
    workflow = named_workflow(name_or_file, interface)
    return Contest(name, workflow, SearchConfig.resolve(settings))


def _settings(config: CompareConfig, own: dict[str, JSON]) -> dict[str, object]:
    """Of one search: those of all, the budget, then its own."""
    budget = {
        "max_usd": config.each_usd,
        "max_calls": config.each_calls,
        "max_tokens": config.each_tokens,
    }
    given: dict[str, object] = {k: v for k, v in budget.items() if v is not None}
    if given:
        given["turns"] = _UNLIMITED_TURNS
    return {**given, **config.search, **{k: v for k, v in own.items() if k != "workflow"}}


def _slug(name: str) -> str:
    """A folder name; what had to be changed keeps a digest of the whole."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "x"
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return plain if plain == name else f"{plain}-{digest}"


def _result(contest: Contest) -> Result:
    found = tested_of(contest)
    assert found is not None, contest.title
    run, tested = found
    summary = summarise(run)
    evaluation = tested.evaluation
    count = len(evaluation.outcomes)
    searched = contest.workflow is None
    before = [entry.accuracy for entry in run.begin.examples] if run.begin else []
    return Result(
        contest.contestant,
        contest.config.task,
        contest.config.seed,
        evaluation.workflow.name,
        evaluation.workflow.digest,
        tuple(o.problem for o in evaluation.outcomes),
        tuple(o.counted for o in evaluation.outcomes),
        summary.best.accuracy.value if searched and summary.best else None,
        (max(before), *(turn.best for turn in summary.turns)) if searched and before else (),
        _search_effort(summary.search_cost) if searched else Effort(),
        _answer_effort(evaluation.usage, count, tested.seconds),
        tested.at,
    )


def _search_effort(cost: Cost) -> Effort:
    totals = cost.executor + cost.meta_agent
    return Effort(cost.usd, totals.calls, totals.spent.tokens, cost.seconds)


def _answer_effort(usage: Usage, answers: int, seconds: float) -> Effort:
    """With what had been paid for in an earlier sitting."""
    return Effort(
        usage.all_usd / answers,
        (usage.calls + usage.cached) / answers,
        usage.all_tokens / answers,
        seconds / answers,
    )
