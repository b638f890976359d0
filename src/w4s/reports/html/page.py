"""From Stories to one HTML file that needs nothing else.

In: Stories. Out: the text of the file. Style and script stand in it; a content security policy
names their digests, so that a browser loads and runs nothing else, whatever a model has written.
Everything passes the templates' escaping, and text of models is made visible first.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from w4s.models.metering.ledger import Totals
from w4s.reports.candidates import Candidate, Standing, short_name
from w4s.reports.html.chart import NARROW, WIDE, Chart, accuracy_chart, best_chart
from w4s.reports.html.text import coloured, diff_lines
from w4s.reports.html.tree import Tree, lineage
from w4s.reports.plain import visible
from w4s.reports.story import Pair, Story
from w4s.reports.story_text import difference_text, going_text, p_text
from w4s.reports.summary import Accuracy
from w4s.reports.tables import accuracy_text, estimate_sheet, notes, seconds_text

_ANSWER_CHARACTERS = 2000
_BOX_CHARACTERS = 16

_STANDINGS = {
    Standing.EXAMPLE: "an example that the search starts from",
    Standing.ADVANCED: "the best of its turn",
    Standing.MEASURED: "measured; another one of its turn was better",
    Standing.OUTRUN: "stopped early by the race; its accuracy is rough",
    Standing.FAILED: "answered no problem",
    Standing.DROPPED: "dropped: it never ran",
}


def html_page(stories: Sequence[Story], *, written_at: datetime) -> str:
    """The file's text. One story is told by itself, several with a comparison in front."""
    style, script = _asset("report.css"), _asset("report.js")
    return (
        _templates()
        .get_template("page.html")
        .render(
            title=", ".join(dict.fromkeys(s.summary.task for s in stories)) + ": w4s report",
            stories=stories,
            drawings=[_drawing(story) for story in stories],
            together=[best_chart(stories, size) for size in (WIDE, NARROW)],
            style=Markup(style),
            style_hash=_digest(style),
            script=Markup(script),
            script_hash=_digest(script),
            version=version("w4s"),
            written_at=f"{written_at:%Y-%m-%d %H:%M} {written_at.tzname() or ''}".strip(),
        )
    )


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What a page shows of a Story beside the Story itself."""

    charts: tuple[Chart, ...]
    tree: Tree
    best_id: str
    ran: int
    dropped: int
    repaired: int
    longest: float
    """Seconds of the longest stretch."""
    strongest: Pair | None
    """The found workflow against the best of the others, on the sealed test."""
    choices: tuple[Candidate, ...]
    """Those whose problems can be compared."""
    from_id: str
    to_id: str
    outcomes: Markup
    """Scores and public answers of the choices, as JSON."""


def _drawing(story: Story) -> _Drawing:
    best_id = story.best.id if story.best else ""
    own = [c for c in story.candidates if c.turn]
    choices = tuple(c for c in own if c.scores)
    from_id, to_id = _first_pair(story, choices, best_id)
    tested = {test.name: test.accuracy.value for test in story.summary.tests}
    return _Drawing(
        charts=tuple(accuracy_chart(story, size) for size in (WIDE, NARROW)),
        tree=lineage(story),
        best_id=best_id,
        ran=sum(c.standing is not Standing.DROPPED for c in own),
        dropped=sum(c.standing is Standing.DROPPED for c in own),
        repaired=sum(bool(c.repairs) for c in own),
        longest=max((s.seconds for s in story.stretches), default=1.0) or 1.0,
        strongest=max(story.pairs, key=lambda pair: tested[pair.second], default=None),
        choices=choices,
        from_id=from_id,
        to_id=to_id,
        outcomes=_outcomes(choices),
    )


def _first_pair(story: Story, choices: Sequence[Candidate], best_id: str) -> tuple[str, str]:
    """What is compared when the page opens: the best with its parent, as far as can be."""
    if not choices:
        return "", ""
    ids = [c.id for c in choices]
    to_id = best_id if best_id in ids else ids[-1]
    from_id = story.by_id[to_id].compared
    return from_id if from_id in ids else next((i for i in ids if i != to_id), to_id), to_id


def _outcomes(choices: Sequence[Candidate]) -> Markup:
    flows = [
        {
            "scores": [None if s is None else round(s, 4) for s in c.scores],
            "answers": [
                asdict(answer) | {"text": visible(answer.text, _ANSWER_CHARACTERS)}
                for answer in c.answers
            ],
        }
        for c in choices
    ]
    # In a script element nothing is unescaped, so what could end it is written as JSON can.
    return Markup(json.dumps(flows).replace("<", "\\u003c").replace(">", "\\u003e"))


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("w4s.reports.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "visible": visible,
        "coloured": coloured,
        "diff_lines": diff_lines,
        "seconds": seconds_text,
    }
    environment.globals |= {
        "accuracy_text": accuracy_text,
        "notes": notes,
        "estimate_sheet": estimate_sheet,
        "interval": _interval,
        "difference_text": difference_text,
        "p_text": p_text,
        "tokens_text": _tokens_text,
        "going_text": going_text,
        "standing_text": lambda candidate: _STANDINGS[candidate.standing],
        "box_title": _box_title,
    }
    return environment


def _interval(accuracy: Accuracy) -> str:
    return accuracy_text(accuracy).partition(" % ")[2]


def _tokens_text(totals: Totals) -> str:
    tokens = totals.prompt_tokens + totals.completion_tokens
    if tokens < 10_000:
        return f"{tokens:,} tokens"
    return f"{tokens / 1e6:.1f} M tokens" if tokens >= 1e6 else f"{tokens / 1e3:.0f} k tokens"


def _box_title(candidate: Candidate) -> str:
    """What fits into a box of the lineage."""
    name = short_name(candidate)
    return name if len(name) <= _BOX_CHARACTERS else name[: _BOX_CHARACTERS - 1] + "…"


def _asset(name: str) -> str:
    return files("w4s.reports.html").joinpath("templates", name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
