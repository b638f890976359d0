"""Lay a Summary out: as terminal tables, as Markdown, as JSON.

In: a Summary. Out: text, or a print on a console. The tables are made once, as rows of text;
terminal and Markdown only differ in their lines.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from w4s.codec import encode
from w4s.models.metering.ledger import Totals
from w4s.reports.estimated import Foreseen, quantity_text, span_text
from w4s.reports.run import PriceUsed
from w4s.reports.summary import Accuracy, Cost, SealedResult, Summary, TurnSummary, Walls


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table as text."""

    title: str
    columns: tuple[str, ...]
    """The first is left-aligned, the others are numbers."""
    rows: tuple[tuple[str, ...], ...]


def show(summary: Summary, console: Console) -> None:
    """Print it for a person."""
    console.print(Text(heading(summary), style="bold"), soft_wrap=True)
    for sheet in sheets(summary):
        console.print(rich_table(sheet))
    for note in notes(summary):
        console.print(Text(note), soft_wrap=True)


def as_markdown(summary: Summary) -> str:
    lines = [f"# {heading(summary)}", ""]
    for sheet in sheets(summary):
        lines += [f"## {sheet.title}", "", *markdown_table(sheet), ""]
    lines += [f"- {markdown_text(note)}" for note in notes(summary)]
    return "\n".join(lines) + "\n"


def as_json(summary: Summary) -> str:
    return json.dumps(json.loads(encode(summary)), indent=2, ensure_ascii=False) + "\n"


def heading(summary: Summary) -> str:
    """One line that says which run this is."""
    return (
        f"{summary.task}: executor {summary.executor}, meta-agent {summary.meta_agent},"
        f" method {summary.method}, seed {summary.seed}"
    )


def sheets(summary: Summary) -> list[Sheet]:
    """The tables that have something to show."""
    made = []
    if summary.examples:
        made.append(_search_sheet(summary))
    if summary.tests:
        made.append(_test_sheet(summary.tests))
    if summary.foreseen:
        made.append(estimate_sheet(summary.foreseen))
    return made


def notes(summary: Summary) -> list[str]:
    """The lines under the tables."""
    lines = []
    if summary.best is not None:
        lines.append(
            f"Best on validation: {summary.best.name}, {accuracy_text(summary.best.accuracy)}"
            f" ({summary.best_file})"
        )
    if not summary.finished:
        lines.append(
            f"{len(summary.turns)} of {summary.turns_planned} turns done;"
            " the same search command goes on"
        )
    lines.append(f"Search: {cost_text(summary.search_cost)}")
    if summary.tests:
        workflows = "1 workflow" if summary.tested == 1 else f"{summary.tested} workflows"
        lines.append(f"Test: {cost_text(summary.test_cost)}")
        lines.append(f"{workflows} tested on this sealed set")
    if summary.walls is not None:
        lines.append(walls_text(summary.walls))
    if summary.foreseen:
        lines.append(f"Estimate: {summary.foreseen[0].source}")
    if any(used.source != "free" for used in summary.prices):
        lines.append(f"Prices: {'; '.join(map(price_text, summary.prices))}")
    return lines


def accuracy_text(accuracy: Accuracy) -> str:
    """`71.1 % [62.7, 78.3]`: the mean and its 95 % interval."""
    low, high = accuracy.interval.low * 100, accuracy.interval.high * 100
    return f"{accuracy.value * 100:.1f} % [{low:.1f}, {high:.1f}]"


def cost_text(cost: Cost) -> str:
    """Calls, tokens, dollars and time of a part of the run."""
    parts = [f"executor {totals_text(cost.executor)}"]
    if cost.meta_agent != Totals():
        parts.append(f"meta-agent {totals_text(cost.meta_agent)}")
    return f"{'; '.join(parts)}; ${cost.usd:.4f} in {seconds_text(cost.seconds)}"


def price_text(used: PriceUsed) -> str:
    """`executor openai:gpt-4o-mini $0.15/0.6 per million tokens in/out (table of 2026-07-02)`."""
    named = f"{used.role.value.replace('_', '-')} {used.model}"
    if used.prompt is None or used.completion is None:
        return f"{named}: no price known, its dollars are not counted"
    if used.source == "free":
        return f"{named} free"
    price = f"${used.prompt:g}/{used.completion:g} per million tokens in/out"
    return f"{named} {price} ({used.source})"


def walls_text(walls: Walls) -> str:
    """What held the generated code, and how that was proven."""
    if not walls.held:
        return "Sandbox: none (--sandbox unsafe), the generated code had the rights of its user"
    tried = len(walls.held)
    return f"Sandbox: {walls.kind} ({walls.profile}); {tried} of {tried} canaries held"


def totals_text(totals: Totals) -> str:
    """`1,200 calls, 340,000 tokens`, and what is worth knowing beside that."""
    tokens = totals.prompt_tokens + totals.completion_tokens
    asides = [
        f"{number:,} {what}"
        for number, what in (
            (totals.failed, "failed"),
            (totals.unknown, "of unknown outcome"),
            (totals.cached, "more from the cache"),
        )
        if number
    ]
    aside = f" ({', '.join(asides)})" if asides else ""
    return f"{totals.calls:,} calls{aside}, {tokens:,} tokens"


def seconds_text(seconds: float) -> str:
    """`42 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _search_sheet(summary: Summary) -> Sheet:
    examples = [(e.name, "", accuracy_text(e.accuracy), "") for e in summary.examples]
    turns = [_turn_row(turn) for turn in summary.turns]
    problems = summary.examples[0].accuracy.problems
    return Sheet(
        f"Search, on {problems} private validation problems",
        ("", "ran/dropped", "accuracy [95 %]", "best so far"),
        (*examples, *turns),
    )


def _turn_row(turn: TurnSummary) -> tuple[str, ...]:
    chosen = accuracy_text(turn.chosen.accuracy) if turn.chosen else "nothing ran"
    ran = f"{len(turn.candidates)}/{turn.dropped}"
    return f"turn {turn.turn}", ran, chosen, f"{turn.best * 100:.1f} %"


def _test_sheet(results: Sequence[SealedResult]) -> Sheet:
    """Columns that say nothing about any workflow are left out."""
    priced = any(result.usage.usd for result in results)
    upstream = any(result.accuracy.upstream is not None for result in results)
    left_out = {"$"} if not priced else set()
    left_out |= {"upstream's"} if not upstream else set()
    cells = [_test_cells(result) for result in results]
    columns = tuple(column for column in cells[0] if column not in left_out)
    rows = tuple(tuple(row[column] for column in columns) for row in cells)
    return Sheet("Sealed test", columns, rows)


def _test_cells(result: SealedResult) -> dict[str, str]:
    accuracy, usage = result.accuracy, result.usage
    return {
        "workflow": f"{result.name} (found)" if result.origin == "found" else result.name,
        "accuracy [95 %]": accuracy_text(accuracy),
        "upstream's": _share(accuracy.upstream),
        "scored": f"{accuracy.problems}/{accuracy.problems + accuracy.unscored}",
        "calls": f"{usage.calls + usage.cached:,}",
        "$": f"{usage.usd:.4f}",
        "time": seconds_text(result.seconds),
    }


def estimate_sheet(foreseen: Sequence[Foreseen]) -> Sheet:
    """What was expected, the range it was expected in, and what came."""
    rows = tuple(_foreseen_row(row) for row in foreseen)
    return Sheet("Estimate against truth", ("", "estimate (range)", "truth", "in range"), rows)


def _foreseen_row(row: Foreseen) -> tuple[str, ...]:
    return (
        f"{row.part}: {'time' if row.quantity == 'seconds' else row.quantity}",
        span_text(row.quantity, row.expected),
        quantity_text(row.quantity, row.truth),
        "yes" if row.within else "no",
    )


def _share(value: float | None) -> str:
    return "" if value is None else f"{value * 100:.1f} %"


def rich_table(sheet: Sheet) -> Table:
    """Where the screen is narrow the first column gives way, never a number."""
    table = Table(title=sheet.title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column(sheet.columns[0])
    for index, column in enumerate(sheet.columns[1:], 1):
        width = max(len(cell) for cell in (column, *(row[index] for row in sheet.rows)))
        table.add_column(column, justify="right", no_wrap=True, min_width=width)
    for row in sheet.rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def markdown_table(sheet: Sheet) -> list[str]:
    rule = ["---", *("---:" for _ in sheet.columns[1:])]
    return [_line(sheet.columns), _line(rule), *(_line(row) for row in sheet.rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(markdown_text(cell) for cell in cells)} |"


def markdown_text(text: str) -> str:
    """Names come from models and users: they must not become markup."""
    for character in "\\|`*_<[":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())
