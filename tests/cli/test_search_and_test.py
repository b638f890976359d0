"""The way of a user, in process and with real files: search, test, report, all over again."""

from __future__ import annotations

import json

import pytest

from command_line import SMALL, TASK, CommandLine, results

SEARCH = ("search", TASK, "--turns", "2", "--samples", "2", "--seed", "1", *SMALL)


def test_from_a_task_to_a_report(w4s: CommandLine) -> None:
    found = w4s(*SEARCH, "--run", "runs/one")
    assert found.returncode == 0, found.stderr
    assert "2 of 2" in found.stderr
    assert "Best on validation" in found.stdout
    tested = w4s("test", "runs/one", "--baselines")
    assert tested.returncode == 0, tested.stderr
    report = w4s("report", "runs/one")
    assert report.stdout.splitlines()[0] == tested.stdout.splitlines()[0]
    summary = json.loads(w4s("report", "runs/one", "--format", "json").stdout)
    assert summary["finished"]
    assert len(summary["turns"]) == 2
    names = {test["name"] for test in summary["tests"]}
    assert {"direct", "chain_of_thought", "self_consistency", "code_generation"} <= names
    assert summary["tested"] == len(summary["tests"])
    assert w4s("report", "runs/one", "--format", "markdown").stdout.startswith("# toy")


def test_a_second_test_prints_the_recorded_result(w4s: CommandLine) -> None:
    w4s(*SEARCH, "--run", "r")
    first = w4s("test", "r", "--workflow", "direct")
    assert first.returncode == 0, first.stderr
    records = (w4s.folder / "r" / "tests.jsonl").read_text()
    again = w4s("test", "r", "--workflow", "direct")
    assert "tested before" in again.stderr
    assert again.stdout == first.stdout
    assert (w4s.folder / "r" / "tests.jsonl").read_text() == records
    # A copy under another name is the same workflow.
    copy = w4s.folder / "copy.py"
    copy.write_text((w4s.folder / "r" / "best_workflow.py").read_text())
    w4s("test", "r")
    assert "tested before" in w4s("test", "r", "--workflow", "copy.py").stderr
    assert "2 workflows tested on this sealed set" in w4s("report", "r").stdout


def test_a_workflow_of_ones_own(w4s: CommandLine) -> None:
    w4s(*SEARCH, "--run", "r")
    (w4s.folder / "mine.py").write_text("def solver(agent, task):\n    return {'answer': '1'}\n")
    done = w4s("test", "r", "--workflow", "mine.py")
    assert done.returncode == 0, done.stderr
    assert "mine" in done.stdout
    missing = w4s("test", "r", "--workflow", "chain_of_thougt")
    assert missing.returncode == 2
    assert "did you mean 'chain_of_thought'" in missing.stderr


@pytest.mark.parametrize("method", ["w4s", "random"])
def test_the_same_seed_gives_the_same_results(w4s: CommandLine, method: str) -> None:
    for run in ("one", "two"):
        assert w4s(*SEARCH, "--run", run, "--method", method).returncode == 0
    assert results(w4s.folder / "one") == results(w4s.folder / "two")


def test_another_seed_gives_another_search(w4s: CommandLine) -> None:
    w4s(*SEARCH, "--run", "one")
    w4s(*SEARCH, "--run", "two", "seed=2")
    assert results(w4s.folder / "one") != results(w4s.folder / "two")


def test_settings_from_a_file(w4s: CommandLine) -> None:
    (w4s.folder / "search.toml").write_text(f'task = "{TASK}"\nturns = 1\nsamples = 1\nrun = "r"\n')
    done = w4s("search", "--config", "search.toml", "private=20", "--public", "3", "--turns", "1")
    assert done.returncode == 0, done.stderr
    settings = (w4s.folder / "r" / "config.toml").read_text()
    assert "private = 20" in settings
    assert "public = 3" in settings


def test_no_secret_reaches_the_run_folder(w4s: CommandLine) -> None:
    secret = "sk-test-0123456789abcdef"
    with w4s.serving(TASK) as server:
        w4s(
            *(*SEARCH, "--run", "r", "--turns", "1", "--executor", server.executor),
            environ={"OPENAI_API_KEY": secret},
        )
    for file in (w4s.folder / "r").iterdir():
        assert secret.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("words", [("--help",), ("search", "--help"), ("tasks",), ("tasks", TASK)])
def test_what_there_is(w4s: CommandLine, words: tuple[str, ...]) -> None:
    done = w4s(*words)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_a_task_of_ones_own_from_the_template(w4s: CommandLine) -> None:
    assert w4s("tasks", "--new", "mine.py").returncode == 0
    assert w4s("tasks", "--new", "mine.py").returncode == 2
    rows = "\n".join(f"What is {i} plus {i}?,{2 * i}" for i in range(60))
    (w4s.folder / "questions.csv").write_text(f"question,answer\n{rows}\n")
    checked = w4s("tasks", "--check", "mine.py")
    assert checked.returncode == 0, checked.stderr
    searched = w4s("search", "mine.py", "--run", "r", "--turns", "1", "--samples", "2")
    assert searched.returncode == 0, searched.stderr
    assert w4s("test", "r").returncode == 0
