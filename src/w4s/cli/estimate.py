"""`w4s estimate` and `--dry-run`: what a command will take, before it takes it.

In: the settings of that command. Out: a table of calls, tokens and dollars, each with a range, and
the time. No key is needed and nobody is called, unless a probe is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from w4s.cli.compare import Contest, plan, read_comparison, tested_of
from w4s.cli.output import output, say
from w4s.cli.progress import Progress
from w4s.codec import encode
from w4s.commands.foreseeing import (
    foresee_collect,
    foresee_contest,
    foresee_search,
    keep_estimate,
)
from w4s.commands.searching import search_in_folder
from w4s.commands.sitting import run_sitting
from w4s.commands.testing import foresee_test
from w4s.commands.workbench import task_of
from w4s.config import (
    CollectConfig,
    CompareConfig,
    EstimateCollectConfig,
    EstimateSearchConfig,
    EstimateTestConfig,
    SearchConfig,
    TestConfig,
)
from w4s.errors import ConfigError
from w4s.estimates.assumptions import ASSUMED
from w4s.estimates.foresight import beside, together
from w4s.estimates.record import Estimate, Share
from w4s.estimates.span import Span
from w4s.reports.estimated import span_text
from w4s.reports.tables import Sheet, rich_table
from w4s.store import CONFIG, RunFolder
from w4s.tasks.base import Task

_PROBE_PUBLIC = 2


def estimate_search(config: EstimateSearchConfig) -> None:
    """By assumptions, by an earlier run, or by a probe of a few problems."""
    if config.like is not None and config.probe is not None:
        raise ConfigError("--like goes by an earlier run, --probe measures anew: give one of them")
    search = config.search
    like = config.like
    if config.probe is not None:
        like = _probe(search, config.probe)
    estimate = foresee_search(search, like)
    begun = (search.run / CONFIG).exists()  # whose estimate stands: it was made before
    if like is not None and "run" in config.model_fields_set and not begun:
        with RunFolder(search.run) as folder:
            keep_estimate(folder, estimate, anew=True)
    show([estimate], as_json=config.as_json)


def estimate_test(config: EstimateTestConfig) -> None:
    """By what the run has measured of its workflows."""
    show(foresee_test(config), as_json=config.as_json)


def estimate_collect(config: EstimateCollectConfig) -> None:
    """By assumptions, or by an earlier search."""
    show(foresee_collect(config, config.like), as_json=config.as_json)


def estimate_compare(
    file: str, words: Sequence[str], *, like: Path | None = None, as_json: bool = False
) -> None:
    """All contests that are not done yet, one line for each contestant and task."""
    show(compare_estimates(read_comparison(file, words), like), as_json=as_json, in_turn=True)


def rehearse_search(config: SearchConfig) -> None:
    """`w4s search --dry-run`."""
    show([foresee_search(config)])


def rehearse_test(config: TestConfig) -> None:
    """`w4s test --dry-run`."""
    show(foresee_test(config))


def rehearse_collect(config: CollectConfig) -> None:
    """`w4s collect --dry-run`."""
    show(foresee_collect(config))


def compare_estimates(config: CompareConfig, like: Path | None = None) -> list[Estimate]:
    """One for each contestant on each task, over all seeds that are left."""
    contests: dict[str, list[Contest]] = {}
    for contest in plan(config):
        title = f"{contest.contestant} on {contest.config.task}"
        if tested_of(contest) is None:
            contests.setdefault(title, []).append(contest)
    tasks = {left[0].config.task: task_of(left[0].config) for left in contests.values()}
    return [
        together(title, _contest(left[0], tasks[left[0].config.task], like), times=len(left))
        for title, left in contests.items()
    ]


def show(estimates: Sequence[Estimate], *, as_json: bool = False, in_turn: bool = False) -> None:
    """Print them for a person, or as JSON. They are the parts of one command, side by side and
    under one limit; or, `in_turn`, searches and tests with a limit each."""
    whole = (together if in_turn else beside)("in all", estimates)
    if as_json:
        told = {"total": _plain(whole), "estimates": [_plain(estimate) for estimate in estimates]}
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    console = output()
    if not estimates:
        say(console, "Nothing is left to do.")
        return
    console.print(rich_table(_sheet(estimates, whole)))
    limited = estimates if in_turn or len(estimates) == 1 else [replace(whole, title="all of it")]
    for note in _notes(estimates, whole, limited):
        say(console, note)


def _probe(search: SearchConfig, problems: int) -> Path:
    """One turn on a few problems, in a folder of its own beside the run; says what it took. The
    same probe again reads what the first one found."""
    settings = {
        **{name: getattr(search, name) for name in SearchConfig.model_fields},
        "run": search.run.with_name(f"{search.run.name}-probe{problems}"),
        "method": "w4s",
        "turns": 1,
        "trials": 1,
        "private": problems,
        "public": min(search.public or _PROBE_PUBLIC, _PROBE_PUBLIC),
        "racing": False,
        "economy": False,
        "finalists": 0,
    }
    probe = SearchConfig.resolve(settings)
    console = Console(stderr=True)
    say(console, f"probing in {probe.run}: one turn on {problems} problems, which is paid for")
    found = run_sitting(search_in_folder(probe), partial(Progress, console))
    if found.early is not None:
        raise found.early
    cost = found.summary.search_cost
    spent = (cost.executor + cost.meta_agent).spent
    say(console, f"the probe took {spent.calls} calls, {spent.tokens} tokens, ${spent.usd:.4f}")
    return probe.run


def _contest(contest: Contest, task: Task, like: Path | None) -> list[Estimate]:
    return foresee_contest(contest.config, task, contest.workflow, like)


def _sheet(estimates: Sequence[Estimate], whole: Estimate) -> Sheet:
    rows = [_row(*titled) for titled in _titled(estimates)]
    if len(rows) > 1:
        rows.append(_cells("in all", whole.calls, whole.tokens, whole.usd))
    return Sheet("What it will take", ("", "calls", "tokens", "dollars"), tuple(rows))


def _titled(estimates: Sequence[Estimate]) -> list[tuple[str, Share | Estimate]]:
    """The parts of a single estimate; of several, each as one line."""
    if len(estimates) > 1:
        return [(estimate.title, estimate) for estimate in estimates]
    return [(share.name, share) for share in estimates[0].shares]


def _row(title: str, of: Share | Estimate) -> tuple[str, ...]:
    tokens = of.tokens if isinstance(of, Estimate) else of.prompt_tokens + of.completion_tokens
    return _cells(title, of.calls, tokens, of.usd)


def _cells(title: str, calls: Span, tokens: Span, usd: Span | None) -> tuple[str, ...]:
    dollars = "not known" if usd is None else span_text("dollars", usd)
    return title, span_text("calls", calls), span_text("tokens", tokens), dollars


def _notes(
    estimates: Sequence[Estimate], whole: Estimate, limited: Sequence[Estimate]
) -> list[str]:
    notes = [f"Time: {span_text('seconds', whole.seconds)}"]
    if len(estimates) == 1:
        notes.append(f"For {estimates[0].plan}")
    notes += [f"By {source}" for source in dict.fromkeys(e.source for e in estimates)]
    if any(estimate.source.startswith(ASSUMED) for estimate in estimates):
        notes.append("Surer figures: w4s estimate … --like RUN, or search TASK … --probe N")
    notes += [
        f"{estimate.title} is likely to end at {estimate.ends_at}"
        for estimate in limited
        if estimate.ends_at
    ]
    if whole.usd is None:
        notes.append("The price of a model is not known: --price MODEL=IN/OUT gives one")
    notes.append("Calls that faults of a provider repeat are not counted")
    return notes


def _plain(estimate: Estimate) -> object:
    totals = {"calls": estimate.calls, "tokens": estimate.tokens, "usd": estimate.usd}
    return json.loads(encode(estimate)) | {
        name: None if span is None else json.loads(encode(span)) for name, span in totals.items()
    }
