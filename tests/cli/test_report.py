"""`w4s report` in its forms, on a finished and on a running search."""

from __future__ import annotations

import json

import pytest

from command_line import CommandLine
from told_run import write_run
from w4s.config import SearchConfig
from w4s.store import RunFolder
from w4s.tasks.hub import cache_folder


def test_one_file_holds_the_whole_report(w4s: CommandLine) -> None:
    write_run(w4s.folder / "r")
    done = w4s("report", "r", "--html", "report.html")
    assert (done.returncode, done.stdout) == (0, "The report: report.html\n")
    page = (w4s.folder / "report.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "stopped, 2 of 3 turns done" in page


def test_a_run_under_way_has_a_report(w4s: CommandLine) -> None:
    write_run(w4s.folder / "r")
    with RunFolder(w4s.folder / "r"):
        assert w4s("report", "r", "--html", "report.html").returncode == 0
        told = json.loads(w4s("report", "r", "--format", "json").stdout)
    assert "running, 2 of 3 turns done" in (w4s.folder / "report.html").read_text("utf-8")
    assert told["going"] == "running"


def test_several_runs_in_every_form(w4s: CommandLine) -> None:
    for name in ("a", "b"):
        write_run(w4s.folder / name)
    assert "Runs side by side" in w4s("report", "a", "b").stdout
    assert len(json.loads(w4s("report", "a", "b", "--format", "json").stdout)["runs"]) == 2
    assert w4s("report", "a", "b", "--format", "markdown").stdout.startswith("# 2 runs")
    assert w4s("report", "a", "b", "--html", "r.html").returncode == 0
    assert "2 runs side by side" in (w4s.folder / "r.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report",), "which run? w4s report RUN"),
        (("report", "r", "--html", "no/such/report.html"), "cannot write no/such/report.html"),
        (("report", "r", "--html", "."), "cannot write ."),
        (("report", "r", "elsewhere"), "elsewhere holds no run"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    w4s: CommandLine, words: tuple[str, ...], said: str
) -> None:
    write_run(w4s.folder / "r")
    done = w4s(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_report_on_a_confidential_task_stays_in_the_cache(w4s: CommandLine) -> None:
    """It quotes public problems, as the run folder does."""
    config = SearchConfig.resolve({"task": "gpqa", "run": w4s.folder / "r", "turns": 1})
    with RunFolder(w4s.folder / "r") as folder:
        folder.settle(config, {"private": 4})
    done = w4s("report", "r", "--html", "report.html")
    assert done.returncode == 2
    assert f"--html {cache_folder()}" in done.stderr
    assert not (w4s.folder / "report.html").exists()
