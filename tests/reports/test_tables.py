"""One summary, three looks: what is said is the same, and no name becomes markup."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from w4s.codec import decode
from w4s.reports.run import read_run
from w4s.reports.summary import Summary, summarise
from w4s.reports.tables import as_json, as_markdown, seconds_text, show


def as_text(summary: Summary) -> str:
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        show(summary, console)
        return console.export_text()


def test_terminal_and_markdown_hold_the_same_numbers(run_folder: Path) -> None:
    summary = summarise(read_run(run_folder))
    for text in (as_text(summary), as_markdown(summary)):
        for said in (
            "80.0 % [49.0, 94.3]",
            "40.0 % [16.8, 68.7]",
            "2 workflows tested on this sealed set",
            "2 of 3 turns done",
            "100 calls, 1,000 tokens; $0.5000 in 2 min 5 s",
            "40 calls (2 more from the cache)",
        ):
            assert said in text.replace("\\", "")


def test_markdown_tables_have_as_many_cells_in_every_row(run_folder: Path) -> None:
    lines = as_markdown(summarise(read_run(run_folder))).replace("\\|", "").splitlines()
    tables = [line.count("|") for line in lines if line.startswith("|")]
    assert sorted(set(tables)) == [5, 6]


def test_names_do_not_become_markup(run_folder: Path) -> None:
    summary = summarise(read_run(run_folder))
    assert "chain\\|of\\_thought" in as_markdown(summary)
    assert "chain|of_thought" in as_text(summary)


def test_json_is_the_summary_itself(run_folder: Path) -> None:
    summary = summarise(read_run(run_folder))
    assert decode(Summary, as_json(summary)) == summary
    assert json.loads(as_json(summary))["tests"][0]["accuracy"]["unscored"] == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.96, "10 s"), (59.4, "59 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")],
)
def test_time_in_words(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text
