"""The way of a user, with real files: search, test, report, and all over again."""

from __future__ import annotations

import json
import resource
import shutil
from pathlib import Path

import pytest

from command_line import SMALL, TASK, CommandLine, results

SEARCH = ("search", TASK, "--turns", "2", "--samples", "2", *SMALL)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished search."""
    folder = tmp_path_factory.mktemp("found")
    done = CommandLine(folder)(*SEARCH, "--run", "runs/r")
    assert done.returncode == 0, done.stderr
    assert "turn 2 of 2" in done.stderr
    assert "Best on validation" in done.stdout
    return folder / "runs" / "r"


@pytest.fixture
def run(found: Path, w4s: CommandLine) -> Path:
    """A copy of it, in the folder of the test."""
    return shutil.copytree(found, w4s.folder / "r")


def test_test_and_report(w4s: CommandLine, run: Path) -> None:
    tested = w4s("test", "r", "--baselines")
    assert tested.returncode == 0, tested.stderr
    report = w4s("report", "r")
    assert report.stdout == tested.stdout
    summary = json.loads(w4s("report", "r", "--format", "json").stdout)
    assert summary["finished"]
    assert len(summary["turns"]) == 2
    names = {test["name"] for test in summary["tests"]}
    assert {"direct", "chain_of_thought", "self_consistency", "code_generation"} <= names
    assert summary["tested"] == len(summary["tests"])
    assert all(test["accuracy"]["problems"] == 20 for test in summary["tests"])
    assert w4s("report", "r", "--format", "markdown").stdout.startswith("# toy")


def test_a_path_with_an_umlaut_is_read_in_any_locale(w4s: CommandLine, run: Path) -> None:
    run.rename(w4s.folder / "rün")
    again = w4s(*SEARCH, "--run", "rün")
    assert again.returncode == 0, again.stderr
    assert 'run = "rün"' in (w4s.folder / "rün" / "config.toml").read_text("utf-8")
    ascii_alone = {"LC_ALL": "C", "PYTHONUTF8": "0"}
    told = w4s.process("report", "rün", environ=ascii_alone)
    assert told.returncode == 0, told.stderr
    assert "Best on validation" in told.stdout
    tested = w4s.process("test", "rün", environ=ascii_alone)
    assert tested.returncode == 0, tested.stderr


def test_a_second_test_prints_the_recorded_result(w4s: CommandLine, run: Path) -> None:
    first = w4s("test", "r")
    assert first.returncode == 0, first.stderr
    records = (run / "tests.jsonl").read_text()
    again = w4s("test", "r")
    assert "tested before" in again.stderr
    assert again.stdout == first.stdout
    assert (run / "tests.jsonl").read_text() == records
    # A copy under another name is the same workflow.
    (w4s.folder / "copied.py").write_text((run / "best_workflow.py").read_text())
    assert "tested before" in w4s("test", "r", "--workflow", "copied.py").stderr
    assert "1 workflow tested on this sealed set" in w4s("report", "r").stdout


def test_a_workflow_of_ones_own(w4s: CommandLine, run: Path) -> None:
    (w4s.folder / "mine.py").write_text("def solver(agent, task):\n    return {'answer': '1'}\n")
    done = w4s("test", "r", "--workflow", "mine.py")
    assert done.returncode == 0, done.stderr
    assert "mine" in done.stdout
    missing = w4s("test", "r", "--workflow", "chain_of_thougt")
    assert missing.returncode == 2
    assert "did you mean 'chain_of_thought'" in missing.stderr


def test_the_same_seed_gives_the_same_results(w4s: CommandLine, run: Path) -> None:
    again = w4s.process(*SEARCH, "--run", "again")
    assert again.returncode == 0, again.stderr
    assert results(w4s.folder / "again") == results(run)


@pytest.mark.long
def test_another_seed_gives_another_search(w4s: CommandLine, run: Path) -> None:
    assert w4s(*SEARCH, "--run", "other", "seed=2").returncode == 0
    assert results(w4s.folder / "other") != results(run)


def test_a_finished_search_has_nothing_left_to_do(w4s: CommandLine, run: Path) -> None:
    before = (run / "turns.jsonl").read_text()
    assert w4s(*SEARCH, "--run", "r").returncode == 0
    assert (run / "turns.jsonl").read_text() == before


def test_a_changed_configuration_is_refused_with_the_difference(
    w4s: CommandLine, run: Path
) -> None:
    refused = w4s(*SEARCH, "--run", "r", "--seed", "3", "--samples", "4")
    assert refused.returncode == 2
    assert "samples was 2, is 4" in refused.stderr
    assert "seed was 0, is 3" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert w4s(*SEARCH, "--run", "r", "--max-calls", "100000").returncode == 0


def test_settings_from_a_file(w4s: CommandLine) -> None:
    (w4s.folder / "search.toml").write_text(
        f'task = "{TASK}"\nturns = 1\nsamples = 1\nrun = "r"\nmethod = "random"\n'
    )
    done = w4s("search", "--config", "search.toml", "private=8", "--public", "2", "--seed", "5")
    assert done.returncode == 0, done.stderr
    settings = (w4s.folder / "r" / "config.toml").read_text()
    for line in ("private = 8", "public = 2", "seed = 5", 'method = "random"'):
        assert line in settings


@pytest.mark.long
def test_no_secret_reaches_the_run_folder(w4s: CommandLine) -> None:
    secret = "sk-test-0123456789abcdef"
    words = ("search", TASK, "--turns", "1", "--samples", "1", "--run", "r", *SMALL)
    with w4s.serving(TASK) as server:
        environ = {"OPENAI_API_KEY": secret}
        done = w4s(*words, "--executor", server.executor, environ=environ)
        assert done.returncode == 0, done.stderr
        assert server.stats()["answered"] > 0
    for file in (w4s.folder / "r").iterdir():
        assert secret.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("words", [("search", "--help"), ("tasks",), ("tasks", TASK)])
def test_what_there_is(w4s: CommandLine, words: tuple[str, ...]) -> None:
    done = w4s(*words)
    assert done.returncode == 0, done.stderr
    assert TASK in done.stdout or "--executor" in done.stdout


def test_help_comes_at_once(w4s: CommandLine) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = w4s.process("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0
    assert "serve-simulated" in done.stdout
    # Processor time, which a busy machine does not stretch as much; 0.35 s when idle.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.5


def test_a_file_whose_name_has_a_space_is_quoted_where_it_is_to_be_typed(w4s: CommandLine) -> None:
    done = w4s("tasks", "--new", "my task.py")
    assert "then: w4s tasks --check 'my task.py'" in done.stdout
    assert "`w4s search 'my task.py'`" in (w4s.folder / "my task.py").read_text()


def test_a_folder_whose_name_has_a_space_is_quoted_where_it_is_to_be_typed(
    w4s: CommandLine,
) -> None:
    w4s(*SEARCH, "--run", "my run", "--max-calls", "1")
    done = w4s("test", "my run")
    assert done.returncode == 2
    assert "--workflow (such as 'my run/best_workflow.py')" in done.stderr


def test_a_task_of_ones_own_from_the_template(w4s: CommandLine) -> None:
    assert w4s("tasks", "--new", "mine.py").returncode == 0
    assert w4s("tasks", "--new", "mine.py").returncode == 2
    rows = "\n".join(f"What is {i} plus {i}?,{2 * i}" for i in range(30))
    (w4s.folder / "questions.csv").write_text(f"question,answer\n{rows}\n")
    checked = w4s("tasks", "--check", "mine.py")
    assert checked.returncode == 0, checked.stderr
    searched = w4s("search", "mine.py", "--run", "r", "--turns", "1", "--samples", "1")
    assert searched.returncode == 0, searched.stderr
    assert w4s("test", "r").returncode == 0
