"""A run as a board in the terminal: how it stands now.

In: a Story, and what has been spent since its last turn. Out: something that rich prints. The
same facts as the report, as many as fit on a screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from w4s.models.metering.ledger import Totals
from w4s.reports.candidates import Candidate, Standing, short_name
from w4s.reports.plain import visible
from w4s.reports.story import Going, Story
from w4s.reports.summary import Accuracy
from w4s.reports.tables import (
    accuracy_text,
    heading,
    notes,
    rich_table,
    seconds_text,
    sheets,
    totals_text,
)

_CELLS = 50
"""Most for the picture of accuracies; numbers come first where the terminal is narrow."""
_NUMBERS = 58
"""What the other columns need."""
_TURNS = 12
"""The latest so many are shown."""
_ANALYSIS_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Now:
    """What is known of the turn under way."""

    seconds: float
    """Since the last stretch of work ended."""
    totals: Totals
    """All that the search has spent, this turn included."""


def board(story: Story, now: Now, width: int) -> Group:
    """Everything, from what it is to what it has cost, on so many columns."""
    summary = story.summary
    parts: list[RenderableType] = [
        Text(heading(summary), style="bold"),
        Text(standing_text(story, now), style=_STYLES[story.going]),
    ]
    if summary.examples:
        parts += [Text(), _picture(story, max(10, min(_CELLS, width - _NUMBERS)))]
    latest = [c for c in story.candidates if c.turn and c.turn == len(summary.turns)]
    if latest:
        parts += [_latest(latest, story.by_id), *_analysis(latest)]
    parts += [rich_table(sheet) for sheet in sheets(summary) if sheet.title == "Sealed test"]
    parts += [Text(line) for line in _lines(story, now)]
    return Group(*parts)


def standing_text(story: Story, now: Now) -> str:
    """`running: turn 3 of 5, for 12 s; about 40 s left`."""
    summary = story.summary
    done, planned = len(summary.turns), summary.turns_planned
    match story.going:
        case Going.FINISHED:
            return f"finished: {done} turns"
        case Going.STOPPED:
            return f"stopped behind turn {done} of {planned}; the same search command goes on"
    if not summary.examples:
        return f"running: measuring the examples, for {seconds_text(now.seconds)}"
    if summary.finished:
        return f"running: measuring after the last turn, for {seconds_text(now.seconds)}"
    left = _seconds_left(story, now)
    about = f"; about {seconds_text(left)} left" if left is not None else ""
    return f"running: turn {done + 1} of {planned}, for {seconds_text(now.seconds)}{about}"


_STYLES = {Going.RUNNING: "cyan", Going.FINISHED: "green", Going.STOPPED: "yellow"}


def _seconds_left(story: Story, now: Now) -> float | None:
    """At the pace of the turns so far; None before the first."""
    turns = [s.seconds for s in story.stretches if s.name.startswith("turn ")]
    done = len(story.summary.turns)
    if not done or not turns:
        return None
    each = sum(turns) / done
    return max(0.0, each * (story.summary.turns_planned - done) - now.seconds)


def _picture(story: Story, cells: int) -> Table:
    """A line for each example and each turn: all candidates, the interval of the best of them."""
    summary = story.summary
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column(_axis(cells), no_wrap=True, min_width=cells)
    table.add_column("accuracy [95 %]", justify="right", no_wrap=True)
    table.add_column("best so far", justify="right", no_wrap=True)
    for example in summary.examples:
        table.add_row(
            _name(example.name),
            _track(cells, [], example.accuracy),
            accuracy_text(example.accuracy),
            "",
        )
    hidden = len(summary.turns) - _TURNS
    if hidden > 0:
        table.add_row(f"{hidden} more turns", "", "", "")
    for turn in summary.turns[-_TURNS:]:
        others = [c.accuracy.value for c in turn.candidates]
        chosen = turn.chosen.accuracy if turn.chosen else None
        text = accuracy_text(chosen) if chosen else "nothing ran"
        table.add_row(
            f"turn {turn.turn}", _track(cells, others, chosen), text, f"{100 * turn.best:.1f} %"
        )
    return table


def _axis(cells: int) -> Text:
    return Text(f"{'0 %':<{cells - 5}}100 %", style="dim")


def _track(cells: int, others: Iterable[float], chosen: Accuracy | None) -> Text:
    """`·` a candidate, `●` the one that advanced, `─` its interval."""

    def cell(share: float) -> int:
        return min(cells - 1, int(share * cells))

    drawn = [" "] * cells
    if chosen is not None:
        low, high = cell(chosen.interval.low), cell(chosen.interval.high)
        drawn[low : high + 1] = "─" * (high + 1 - low)
    for value in others:
        drawn[cell(value)] = "·"
    if chosen is not None:
        drawn[cell(chosen.value)] = "●"
    text = Text("".join(drawn))
    text.highlight_regex(r"●", "bold cyan")
    text.highlight_regex(r"─+", "dim")
    return text


def _latest(candidates: Iterable[Candidate], known: Mapping[str, Candidate]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("latest turn")
    for column in ("standing", "from"):
        table.add_column(column, no_wrap=True)
    for column in ("accuracy [95 %]", "change", "reward", "errors"):
        table.add_column(column, justify="right", no_wrap=True)
    for c in candidates:
        style = "bold" if c.standing is Standing.ADVANCED else ""
        table.add_row(
            _name(c.name),
            c.standing.value,
            _name(short_name(known[c.compared]) if c.compared else ""),
            accuracy_text(c.accuracy) if c.accuracy else "",
            "" if c.change is None else f"{100 * c.change:+.1f}",
            "" if c.reward is None else f"{c.reward:g}",
            str(sum(number for _, number in c.errors)) if c.accuracy else "",
            style=style,
        )
    return table


def _analysis(candidates: Iterable[Candidate]) -> Iterator[RenderableType]:
    """The words behind the one that advanced."""
    for c in candidates:
        if c.standing is Standing.ADVANCED and c.analysis:
            words = " ".join(visible(c.analysis, _ANALYSIS_CHARACTERS).split())
            yield Padding(Text(f"“{words}”", style="italic"), (0, 0, 1, 0))


def _lines(story: Story, now: Now) -> Iterator[str]:
    if story.errors:
        kinds = ", ".join(f"{visible(kind)} ({number})" for kind, number, _ in story.errors[:5])
        yield f"Errors: {kinds}"
    if story.going is Going.RUNNING:
        yield f"So far: {totals_text(now.totals)}; ${now.totals.spent.usd:.4f}"
    else:
        yield from notes(story.summary)


def _name(name: str) -> Text:
    return Text(visible(name, 60))
