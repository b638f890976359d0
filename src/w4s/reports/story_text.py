"""Lay Stories out as text: Markdown, JSON, and the table of several runs side by side.

In: Stories. Out: text. One story stands by itself; several have their comparison in front. The
facts are those of the HTML page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from w4s.codec import encode
from w4s.models.metering.ledger import Totals
from w4s.reports.candidates import Candidate, duel
from w4s.reports.plain import visible
from w4s.reports.stats import Difference
from w4s.reports.story import Going, Story
from w4s.reports.tables import (
    Sheet,
    accuracy_text,
    as_markdown,
    markdown_table,
    markdown_text,
    seconds_text,
)


def stories_json(stories: Sequence[Story]) -> str:
    """One story: its summary, and the rest of it beside that. Several: a list of these."""
    records = [_record(story) for story in stories]
    told = records[0] if len(records) == 1 else {"runs": records}
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def stories_markdown(stories: Sequence[Story]) -> str:
    """Everything, in sections."""
    lines: list[str] = []
    if len(stories) > 1:
        lines += [f"# {len(stories)} runs side by side", "", *markdown_table(side_by_side(stories))]
        lines.append("")
    for story in stories:
        lines += [*_story_markdown(story), ""]
    return "\n".join(lines)


def side_by_side(stories: Sequence[Story]) -> Sheet:
    """A line for each run."""
    return Sheet(
        "Runs side by side",
        (
            *("run", "task", "executor", "meta-agent", "method", "seed", "turns"),
            *("best on validation", "sealed test, found", "calls", "$", "time"),
        ),
        tuple(_side(story) for story in stories),
    )


def going_text(story: Story) -> str:
    """`finished`, or how far it has come."""
    done, planned = len(story.summary.turns), story.summary.turns_planned
    if story.going is Going.FINISHED:
        return "finished"
    return f"{story.going}, {done} of {planned} turns done"


def difference_text(difference: Difference) -> str:
    """`+5.7 points [+0.7, +10.7]`."""
    low, high = 100 * difference.low, 100 * difference.high
    return f"{100 * difference.value:+.1f} points [{low:+.1f}, {high:+.1f}]"


def p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _record(story: Story) -> dict[str, object]:
    told: dict[str, object] = json.loads(encode(story))
    summary = told.pop("summary")
    assert isinstance(summary, dict)
    return {**summary, **told}


def _side(story: Story) -> tuple[str, ...]:
    summary, cost = story.summary, story.summary.search_cost
    return (
        *(summary.folder, summary.task, summary.executor, summary.meta_agent, summary.method),
        *(str(summary.seed), f"{len(summary.turns)}/{summary.turns_planned}"),
        accuracy_text(summary.best.accuracy) if summary.best else "-",
        accuracy_text(summary.found.accuracy) if summary.found else "-",
        f"{(cost.executor + cost.meta_agent).calls:,}",
        f"{cost.usd:.4f}",
        seconds_text(cost.seconds),
    )


# --- Markdown ------------------------------------------------------------------------------


def _story_markdown(story: Story) -> Iterator[str]:
    yield as_markdown(story.summary).rstrip("\n")
    yield f"- {going_text(story)}"
    for sheet in _sheets(story):
        yield from ("", f"## {sheet.title}", "", *markdown_table(sheet))
    yield from _best_duel(story)
    for candidate in story.candidates:
        yield from _candidate(candidate, story)
    yield from ("", "## Command and settings", "", *_fenced(story.command, "sh"))
    yield from ("", *_fenced(story.configuration, "toml"))


def _sheets(story: Story) -> Iterator[Sheet]:
    """Those that have something to show."""
    known = story.by_id
    made = (
        Sheet(
            "Finalists, measured again",
            ("", "in the search", "afresh", "cost of an answer"),
            tuple(
                (
                    f"{f.name} (chosen)" if f.chosen else f.name,
                    *(f"{100 * f.validated:.1f} %", f"{100 * f.fresh:.1f} %", f"{f.cost:.4g}"),
                )
                for f in story.finalists
            ),
        ),
        Sheet(
            "Differences on the sealed test",
            ("against", "difference [95 %]", "won", "lost", "equal", "p"),
            tuple(
                (
                    *(p.second, difference_text(p.difference), str(p.won), str(p.lost)),
                    *(str(p.equal), p_text(p.difference.p)),
                )
                for p in story.pairs
            ),
        ),
        Sheet(
            "Candidates",
            ("candidate", "standing", "from", "accuracy [95 %]", "change", "won/lost", "reward"),
            tuple(_candidate_row(c, known.get(c.compared)) for c in story.candidates if c.turn),
        ),
        Sheet(
            "Errors by kind",
            ("kind", "validations", "candidates"),
            tuple((kind, f"{number:,}", str(had)) for kind, number, had in story.errors),
        ),
        Sheet(
            "Cost and time",
            ("stretch", "time", "executor calls", "tokens", "meta-agent calls", "tokens", "$"),
            tuple(
                (
                    *(s.name, seconds_text(s.seconds)),
                    *(*_totals(s.executor), *_totals(s.meta_agent)),
                    f"{(s.executor + s.meta_agent).spent.usd:.4f}",
                )
                for s in story.stretches
            ),
        ),
    )
    return (sheet for sheet in made if sheet.rows)


def _totals(totals: Totals) -> tuple[str, str]:
    return f"{totals.calls:,}", f"{totals.prompt_tokens + totals.completion_tokens:,}"


def _candidate_row(candidate: Candidate, base: Candidate | None) -> tuple[str, ...]:
    fought = duel(base, candidate) if base and base.scores and candidate.scores else None
    return (
        candidate.name,
        candidate.standing.value,
        base.name if base else "",
        accuracy_text(candidate.accuracy) if candidate.accuracy else "",
        "" if candidate.change is None else f"{100 * candidate.change:+.1f}",
        f"{len(fought.won)}/{len(fought.lost)}" if fought else "",
        "" if candidate.reward is None else f"{candidate.reward:g}",
    )


def _best_duel(story: Story) -> Iterator[str]:
    """Which problems the best workflow won and lost against what it was made from."""
    best = story.best
    base = story.by_id.get(best.compared) if best else None
    if best is None or base is None or not base.scores:
        return
    fought = duel(base, best)
    yield from ("", "## Problems won and lost", "")
    yield f"From {markdown_text(base.name)} to {markdown_text(best.name)}, private problems:"
    yield ""
    yield f"- won: {_numbers(fought.won)}"
    yield f"- lost: {_numbers(fought.lost)}"
    yield f"- {fought.right} right in both, {fought.wrong} wrong in both"


def _numbers(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"


def _candidate(candidate: Candidate, story: Story) -> Iterator[str]:
    base = story.by_id.get(candidate.compared)
    yield from ("", f"## {markdown_text(candidate.name)} ({candidate.standing})", "")
    if candidate.analysis:
        yield from (*_fenced(candidate.analysis, "text"), "")
    if candidate.errors:
        errors = ", ".join(f"{kind} ({number})" for kind, number in candidate.errors)
        yield from (f"Errors: {markdown_text(errors)}", "")
    for repair in candidate.repairs:
        yield from ("Repaired after:", "", *_fenced(repair, "text"), "")
    if candidate.dropped:
        yield from ("Dropped:", "", *_fenced(candidate.dropped, "text"), "")
    if candidate.code:
        yield from _fenced(candidate.code, "python")
    if candidate.diff and base:
        yield from ("", f"Against {markdown_text(base.name)}:", "")
        yield from _fenced(candidate.diff, "diff")


def _fenced(text: str, language: str) -> Iterator[str]:
    """Between fences longer than any in the text."""
    shown = visible(text).rstrip("\n")
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}{language}", shown, fence)
