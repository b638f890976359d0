"""`w4s compare` from a TOML file to a report, on a toy task and the simulated executor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import CommandLine

FILE = """
tasks = ["toy_ledger"]
methods = ["w4s"]
baselines = ["direct"]
seeds = 1
each_calls = 110

[search]
private = 6
public = 2
test = 8

[contestants.thrifty]
method = "random"
economy = true
turns = 1
samples = 2
"""


def test_one_command_runs_resumes_and_reports(w4s: CommandLine) -> None:
    (w4s.folder / "small.toml").write_text(FILE)
    first = w4s("compare", "small.toml")
    assert first.returncode == 0, first.stderr
    assert "1 of 3: w4s on toy_ledger, seed 0" in first.stderr
    folder = w4s.folder / "runs" / "small"
    report = json.loads((folder / "comparison.json").read_text())
    assert report["contestants"] == ["w4s", "thrifty", "direct"]
    assert len(report["sealed_reads"]) == 3
    assert all(read[4].startswith("20") for read in report["sealed_reads"])
    for costs in report["costs"]:
        assert costs["search"]["calls"] <= 110
    for name in ("comparison.md", "comparison.tex", "comparison.html", "accuracy_by_cost.svg"):
        assert "thrifty" in (folder / name).read_text()

    written = {path: path.read_bytes() for path in folder.rglob("tests.jsonl")}
    assert len(written) == 3
    again = w4s("compare", "small.toml")
    assert again.returncode == 0
    assert "of 3:" not in again.stderr
    assert again.stdout == first.stdout
    assert {path: path.read_bytes() for path in folder.rglob("tests.jsonl")} == written


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (['methods=["w5s"]'], "unknown method 'w5s'; did you mean 'w4s'?"),
        (['baselines=["directly"]'], "unknown baseline 'directly'; did you mean 'direct'?"),
        (["reference=adas"], "reference='adas' is no contestant"),
        (['tasks=["toy_leger"]'], "toy_ledger"),
        (["contestants={x={turnz=1}}"], "turnz"),
        (["seeds=0"], "seeds=0"),
    ],
)
def test_what_cannot_be_compared_is_said_before_anything_runs(
    w4s: CommandLine, words: list[str], said: str
) -> None:
    (w4s.folder / "small.toml").write_text(FILE)
    done = w4s("compare", "small.toml", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (w4s.folder / "runs").exists()


def test_a_budget_that_measures_nothing_is_named(w4s: CommandLine) -> None:
    (w4s.folder / "small.toml").write_text(FILE)
    done = w4s("compare", "small.toml", "each_calls=3")
    assert done.returncode == 2
    assert "w4s on toy_ledger, seed 0: the budget ended before" in done.stderr


def test_a_missing_file_is_named(w4s: CommandLine, tmp_path: Path) -> None:
    done = w4s("compare", "nowhere.toml")
    assert done.returncode == 2
    assert "nowhere.toml" in done.stderr


@pytest.mark.long
def test_several_at_a_time_come_to_the_same(w4s: CommandLine) -> None:
    (w4s.folder / "small.toml").write_text(FILE)
    one = w4s("compare", "small.toml", "run=one")
    two = w4s("compare", "small.toml", "run=two", "jobs=2")
    assert "3 of 3 done" in two.stderr
    reports = [
        json.loads((w4s.folder / name / "comparison.json").read_text()) for name in ("one", "two")
    ]
    assert one.returncode == two.returncode == 0
    assert reports[0]["rows"] == reports[1]["rows"]
    assert reports[0]["by_task"] == reports[1]["by_task"]
