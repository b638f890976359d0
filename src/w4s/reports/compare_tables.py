"""Lay a Comparison out: terminal, Markdown, LaTeX, JSON, and one HTML page with its figures.

In: a Comparison. Out: text. The tables are made once, as rows of text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape

from rich.console import Console
from rich.text import Text

from w4s.codec import encode
from w4s.reports.compare import LEVEL, Comparison, Costs, Paired, Row
from w4s.reports.figures import Line, Point, line_chart, scatter
from w4s.reports.tables import Sheet, markdown_table, markdown_text, rich_table, seconds_text

_LATEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)
_STYLE = (
    "body{font-family:sans-serif;margin:2em;max-width:70em}"
    "table{border-collapse:collapse;margin:1em 0}"
    "td,th{padding:.25em .7em;border-bottom:1px solid #ddd;text-align:right}"
    "td:first-child,th:first-child{text-align:left}"
)


def show(comparison: Comparison, console: Console) -> None:
    """Print it for a person."""
    for sheet in sheets(comparison):
        console.print(rich_table(sheet))
    for note in notes(comparison):
        console.print(Text(note), soft_wrap=True)


def as_json(comparison: Comparison) -> str:
    return json.dumps(json.loads(encode(comparison)), indent=2, ensure_ascii=False) + "\n"


def as_markdown(comparison: Comparison, title: str = "Comparison") -> str:
    lines = [f"# {markdown_text(title)}", ""]
    for sheet in sheets(comparison):
        lines += [f"## {markdown_text(sheet.title)}", "", *markdown_table(sheet), ""]
    lines += [f"- {markdown_text(note)}" for note in notes(comparison)]
    return "\n".join(lines) + "\n"


def as_latex(comparison: Comparison) -> str:
    """One `tabular` per table, for the booktabs package."""
    return "\n".join(_tabular(sheet) for sheet in sheets(comparison))


def as_html(comparison: Comparison, title: str = "Comparison") -> str:
    """One self-contained page."""
    tables = "\n".join(_html_table(sheet) for sheet in sheets(comparison))
    drawn = "\n".join(f"<figure>{figure}</figure>" for figure in figures(comparison).values())
    said = "\n".join(f"<li>{escape(note)}</li>" for note in notes(comparison))
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{escape(title)}</h1>\n{tables}\n<ul>{said}</ul>\n{drawn}\n"
        "</html>\n"
    )


def figures(comparison: Comparison) -> dict[str, str]:
    """SVG by name: accuracy against turn, accuracy against cost."""
    made = {}
    if comparison.curves:
        lines = [Line(name, values) for name, values in comparison.curves]
        made["accuracy_by_turn"] = line_chart(
            lines, x_label="turn", y_label="best accuracy on validation"
        )
    points = [_point(comparison, costs) for costs in comparison.costs]
    made["accuracy_by_cost"] = scatter(
        points, x_label=f"{_unit(comparison)} per answer", y_label="sealed accuracy"
    )
    return made


def sheets(comparison: Comparison) -> list[Sheet]:
    """Accuracies, differences overall and by task, costs."""
    made = [_accuracies(comparison)]
    if comparison.overall:
        made.append(_differences(comparison, comparison.overall, "over all tasks"))
    if len(comparison.tasks) > 1 and comparison.by_task:
        made.append(_differences(comparison, comparison.by_task, "by task"))
    return [*made, _search_costs(comparison), _answer_costs(comparison)]


def notes(comparison: Comparison) -> list[str]:
    """The lines under the tables."""
    seeds = max(row.seeds for row in comparison.rows)
    lines = [
        f"Differences are paired on the same sealed problems, p-values are Holm's over the"
        f" differences of a table; a difference counts below {LEVEL:g}.",
        "The intervals take seeds and problems as samples: they speak of the methods."
        if seeds > 1
        else "One seed: the intervals speak of the workflows found, not of the methods.",
        "Differences over all tasks weigh every problem alike, the column of means every task.",
        f"{len(comparison.sealed_reads)} readings of sealed sets, each once per final workflow.",
    ]
    optimism = [row.optimism for row in comparison.rows if row.optimism is not None]
    if optimism:
        mean = sum(optimism) / len(optimism)
        lines.append(
            f"Searches believed in {100 * mean:+.1f} points more than the sealed sets gave."
        )
    return lines


def _accuracies(comparison: Comparison) -> Sheet:
    cells = {(row.contestant, row.task): row for row in comparison.rows}
    marks = {(p.contestant, p.task): _mark(p) for p in comparison.by_task}
    rows = []
    for contestant in comparison.contestants:
        own = [cells.get((contestant, task)) for task in comparison.tasks]
        known = [row.accuracy for row in own if row is not None]
        mean = f"{100 * sum(known) / len(known):.1f}" if known else ""
        shown = [
            _cell(row) + marks.get((contestant, task), "")
            for row, task in zip(own, comparison.tasks, strict=True)
        ]
        rows.append((contestant, *shown, mean))
    return Sheet(
        f"Sealed accuracy in % [95 %]; + and - beat and trail {comparison.reference}",
        ("", *comparison.tasks, "mean"),
        tuple(rows),
    )


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    low, high = 100 * row.interval.low, 100 * row.interval.high
    return f"{100 * row.accuracy:.1f} [{low:.1f}, {high:.1f}]"


def _mark(paired: Paired) -> str:
    return {"better": " +", "worse": " -"}.get(paired.verdict, "")


def _differences(comparison: Comparison, pairs: Iterable[Paired], where: str) -> Sheet:
    rows = []
    for paired in pairs:
        name = f"{paired.contestant}, {paired.task}" if paired.task else paired.contestant
        d = paired.difference
        rows.append(
            (
                name,
                f"{100 * d.value:+.1f} [{100 * d.low:+.1f}, {100 * d.high:+.1f}]",
                f"{paired.corrected_p:.3g}",
                paired.verdict or "-",
                f"{100 * paired.detectable:.1f}",
            )
        )
    return Sheet(
        f"Difference to {comparison.reference} {where}, in points",
        ("", "difference [95 %]", "corrected p", "verdict", "would be found"),
        tuple(rows),
    )


def _search_costs(comparison: Comparison) -> Sheet:
    return Sheet(
        "Cost of one search, on average",
        ("", "$", "calls", "tokens", "time"),
        tuple(
            (
                costs.contestant,
                f"{costs.search.usd:.4f}",
                f"{costs.search.calls:,.0f}",
                f"{costs.search.tokens:,.0f}",
                seconds_text(costs.search.seconds),
            )
            for costs in comparison.costs
            if costs.search.calls
        ),
    )


def _answer_costs(comparison: Comparison) -> Sheet:
    unit = _unit(comparison)
    volumes = [f"{unit} at {volume:,}" for volume, _ in comparison.costs[0].amortised]
    return Sheet(
        "Cost of one answer, and with the search spread over so many",
        ("", "$", "calls", "tokens", *volumes, "Pareto front"),
        tuple(
            (
                costs.contestant,
                f"{costs.use.usd:.6f}",
                f"{costs.use.calls:.1f}",
                f"{costs.use.tokens:,.0f}",
                *(f"{value:.4g}" for _, value in costs.amortised),
                "yes" if costs.on_front else "-",
            )
            for costs in comparison.costs
        ),
    )


def _unit(comparison: Comparison) -> str:
    priced = any(costs.search.usd + costs.use.usd > 0 for costs in comparison.costs)
    return "$" if priced else "tokens"


def _point(comparison: Comparison, costs: Costs) -> Point:
    rows = [row for row in comparison.rows if row.contestant == costs.contestant]
    each = costs.use.usd if _unit(comparison) == "$" else costs.use.tokens
    count = len(rows)
    return Point(
        costs.contestant,
        each,
        sum(row.accuracy for row in rows) / count,
        sum(row.interval.low for row in rows) / count,
        sum(row.interval.high for row in rows) / count,
    )


def _tabular(sheet: Sheet) -> str:
    lines = [
        f"% {sheet.title}",
        rf"\begin{{tabular}}{{l{'r' * (len(sheet.columns) - 1)}}}",
        r"\toprule",
        _latex_line(sheet.columns),
        r"\midrule",
        *map(_latex_line, sheet.rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _latex_line(cells: Sequence[str]) -> str:
    return " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\"


def _html_table(sheet: Sheet) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in sheet.columns)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in sheet.rows
    )
    return f"<h2>{escape(sheet.title)}</h2>\n<table><tr>{head}</tr>\n{body}</table>"
