"""The HTML report holds what it must, hides what it must, and needs nothing but itself."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from told_run import HOSTILE, PRIVATE_WORD, SEALED_WORD, TARGET_WORD, write_run
from w4s.config import SearchConfig
from w4s.estimates.span import Span
from w4s.reports.estimated import Foreseen
from w4s.reports.html.page import html_page
from w4s.reports.html.text import coloured, diff_lines
from w4s.reports.plain import visible
from w4s.reports.run import read_run
from w4s.reports.story import Story, tell
from w4s.store import RunFolder

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Reader(HTMLParser):
    """What a browser finds in a page."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""
    inside: dict[str, str] = field(default_factory=dict)
    _at: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._at = tag

    def handle_endtag(self, tag: str) -> None:
        self._at = ""

    def handle_data(self, data: str) -> None:
        if self._at in ("script", "style"):
            self.inside[self._at] = data
        else:
            self.text += data

    def attributes(self, name: str) -> Iterator[str]:
        return (attributes[name] for _, attributes in self.tags if name in attributes)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return tell(read_run(write_run(tmp_path_factory.mktemp("page") / "run")))


@pytest.fixture(scope="module")
def page(story: Story) -> str:
    return html_page([story], written_at=NOON)


@pytest.mark.parametrize(
    "said",
    [
        "75.0 % [46.8, 91.1]",  # the best on validation
        "80.0 % [49.0, 94.3]",  # the found workflow on the sealed test
        "+40.0 points [",  # against the direct call
        "Less is more.",  # an analysis
        "agent.call_llm(task)",  # code
        "Changes against turn 1, sample 1",
        "How many legs has a spider?",
        "public trouble",
        "Why it was dropped",
        "Errors by kind",
        "w4s search sums --run",
        'method = "w4s"',
        "stopped, 2 of 3 turns done",
        "3 workflows were tested on this sealed set",
        "2026-03-01 12:00 UTC",
    ],
)
def test_the_page_says(page: str, said: str) -> None:
    reader = read(page)
    assert said in reader.text + reader.inside["script"] + page


def test_hostile_text_stays_text(page: str) -> None:
    reader = read(page)
    assert HOSTILE in reader.text
    assert not {"img", "iframe", "object", "embed"} & {tag for tag, _ in reader.tags}
    assert not [name for _, had in reader.tags for name in had if name.startswith("on")]
    assert page.count("</script>") == page.count("<script")


def test_characters_that_reorder_text_are_written_out(page: str) -> None:
    assert "admin⟨U+202E⟩⟨U+2066⟩ // check" in read(page).text
    assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", page)


def test_nothing_private_or_sealed_is_in_the_page(page: str) -> None:
    for word in (PRIVATE_WORD, SEALED_WORD, TARGET_WORD):
        assert word not in page


def test_the_page_loads_nothing_and_runs_its_own_script_alone(page: str) -> None:
    reader = read(page)
    assert not [a for a in ("src", "action", "srcset", "style") if list(reader.attributes(a))]
    assert {h[0] for h in reader.attributes("href")} <= {"#", "d"}  # "data:," is no icon
    policy = next(c for c in reader.attributes("content") if c.startswith("default-src"))
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert style
    for text in (style[1], *scripts):
        assert b64encode(sha256(text.encode()).digest()).decode() in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in re.sub(r"http-equiv|openai:[^<]*", "", page)


def test_every_link_leads_somewhere_and_no_id_stands_twice(page: str) -> None:
    reader = read(page)
    ids = list(reader.attributes("id"))
    assert len(ids) == len(set(ids))
    assert {h[1:] for h in reader.attributes("href") if h.startswith("#")} <= set(ids)
    assert set(reader.attributes("aria-labelledby")) <= set(ids)


def test_an_estimate_is_held_against_the_truth(story: Story) -> None:
    row = Foreseen("search", "calls", Span(100, 200, 400), 130.0, True, "earlier runs")
    told = replace(story, summary=replace(story.summary, foreseen=(row,)))
    text = read(html_page([told], written_at=NOON)).text
    assert "Estimate against truth" in text
    assert "200 (100 to 400)" in text


def test_several_runs_stand_in_one_page(story: Story) -> None:
    page = html_page([story, story], written_at=NOON)
    reader = read(page)
    ids = list(reader.attributes("id"))
    assert len(ids) == len(set(ids))
    assert "2 runs side by side" in reader.text
    assert {"r1-t1c1", "r2-t1c1"} <= set(ids)


def test_a_run_that_has_only_begun_has_a_page(tmp_path: Path) -> None:
    config = SearchConfig.resolve({"task": "sums", "run": tmp_path, "turns": 3})
    with RunFolder(tmp_path) as folder:
        folder.settle(config, {"private": 10})
    page = html_page([tell(read_run(tmp_path), working=True)], written_at=NOON)
    assert "running, 0 of 3 turns done" in page
    assert "The examples have not been measured yet." in page


def test_a_text_of_a_megabyte_is_cut_and_says_so(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", analysis="<b>" * 350_000)
    page = html_page([tell(read_run(folder))], written_at=NOON)
    assert len(page) < 1_000_000
    assert "more characters]" in page
    assert "<b><b>" not in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("a\r\nb", "a\nb"),
        ("a\rb", "a⟨U+000D⟩b"),
        ("\x1b[31mred", "⟨U+001B⟩[31mred"),
        ("\x00", "⟨U+0000⟩"),
        ("half \ud800 a pair", "half ⟨U+D800⟩ a pair"),
        ("Grüße, 你好, שלום, 👩‍🔬", "Grüße, 你好, שלום, 👩‍🔬"),
        ("tag \U000e0041", "tag ⟨U+E0041⟩"),
    ],
)
def test_odd_characters_become_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_code_is_coloured_and_escaped() -> None:
    html = str(coloured('def f():\n    return "<b>" # </pre>\n'))
    assert '<span class="k">def</span>' in html
    assert "&lt;b&gt;" in html
    assert "</pre>" not in html


def test_the_lines_of_a_diff_have_their_kinds() -> None:
    diff = "--- a\n+++ b\n@@ -1,2 +1,2 @@\n same\n-old\n+new"
    kinds = [(line.kind, line.text) for line in diff_lines(diff)]
    assert kinds == [
        ("where", "@@ -1,2 +1,2 @@"),
        ("same", " same"),
        ("cut", "-old"),
        ("add", "+new"),
    ]
