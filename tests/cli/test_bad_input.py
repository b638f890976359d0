"""What cannot work is said in one clear line, with exit code 2, before anything is spent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from command_line import TASK, CommandLine

SEARCH = ("search", TASK, "--run", "r")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("search", "gsmhard", "--run", "r"), "unknown task 'gsmhard'; did you mean 'gsm_hard'"),
        (("search", "--run", "r"), "which task? w4s search TASK --run FOLDER"),
        (("search", TASK), "where to? add --run FOLDER"),
        (("evaluate", TASK), "which workflow? add --workflow"),
        (("estimate", "search"), "which task? w4s estimate search TASK"),
        (("estimate", "test"), "which run? w4s estimate test RUN, where RUN is the folder of a"),
        (("estimate", "collect"), "which tasks? w4s estimate collect TASK…"),
        (("test",), "which run? w4s test RUN, where RUN is the folder of a search"),
        (("report",), "which run? w4s report RUN, where RUN is the folder of a search"),
        (("watch",), "which run? w4s watch RUN, where RUN is the folder of a search"),
        (("compare",), "which comparison? w4s compare FILE.toml"),
        (("estimate", "compare"), "which comparison? w4s compare FILE.toml"),
        (("search", TASK, "gsm_hard", "--run", "r"), "one task at a time"),
        ((*SEARCH, "--executor", "simulatd"), "did you mean 'simulated'"),
        ((*SEARCH, "--executor", "openai:gpt-4o-mini"), "with --executor-key-env"),
        (
            (*SEARCH, "--meta-agent", "openai:gpt-4o-mini"),
            "OPENAI_API_KEY, or name the one that holds it with --key-env",
        ),
        ((*SEARCH, "--private", "100001"), "less than or equal to 100000"),
        ((*SEARCH, "--meta-agent", "scripted:none.json"), "none.json"),
        ((*SEARCH, "--executor", "openai:m@http://127.0.0.1:9/v1", "--max-usd", "x"), "max_usd=x"),
        ((*SEARCH, "--turns", "many"), "turns=many: input should be a valid integer"),
        ((*SEARCH, "turn=3"), "unknown setting 'turn'; did you mean 'turns'"),
        ((*SEARCH, "--method", "aflo"), "did you mean 'aflow'"),
        ((*SEARCH, "--config", "none.toml"), "no file none.toml; --config takes a TOML file"),
        ((*SEARCH, "--price", "0.1"), "--price KEY=VALUE"),
        ((*SEARCH, "--price", "grammar=1"), "'1' is no price"),
        ((*SEARCH, "--price", "grammar=a/b"), "'a/b' is no price"),
        ((*SEARCH, "--price", "gpt=1/2"), "--price gpt=…: no such model takes part (models: sim"),
        ((*SEARCH, "--price", "gramar=1/2", "--dry-run"), "did you mean 'grammar'"),
        (("evaluate", TASK, "--workflow", "direct", "--price", "grammar=1/2"), "(models: simul"),
        ((*SEARCH, "--private", "0"), "private=0"),
        (("search", TASK, "--run", "/proc/r"), "cannot write to the run folder /proc/r"),
        (("search", TASK, "--run", "task.csv"), "task.csv is a file"),
        (("search", "none.csv", "--run", "r"), "none.csv"),
        (("search", "task.csv", "--run", "r"), "row"),
        (("test", "r"), "r holds no run"),
        (("report", "r"), "r holds no run"),
        (("report", "r", "--format", "pdf"), "format=pdf"),
        (("test", "my run"), "w4s search TASK --run 'my run' makes one"),
        (("tasks", "--new", "my task.csv"), "type w4s tasks --new 'my task.py'"),
        (("tasks", "nosuch"), "unknown task 'nosuch'"),
        (("tasks", "--new", "task.csv"), "ends in .py"),
        (("serve-simulated", "nosuch"), "unknown task 'nosuch'"),
        (("serve-simulated", TASK, "--rate-429", "0.9", "--rate-500", "0.9"), "--rate-"),
        (("serve-simulated", TASK, "--lacks", "json_mod"), "did you mean 'json_mode'"),
        (("serve-simulated", TASK, "--host", "203.0.113.1"), "cannot listen on 203.0.113.1"),
    ],
)
def test_one_clear_line(w4s: CommandLine, words: tuple[str, ...], says: str) -> None:
    (w4s.folder / "task.csv").write_text("question,answer\n")
    done = w4s(*words)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not (w4s.folder / "r").exists()


def test_missing_data_names_the_variable(w4s: CommandLine, tmp_path: Path) -> None:
    done = w4s("search", "gsm_hard", "--run", "r", environ={"W4S_DATA": str(tmp_path / "none")})
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "W4S_DATA" in done.stderr or "none" in done.stderr


def test_a_malformed_row_is_named(w4s: CommandLine) -> None:
    rows = [f'{{"question": "What is {i} + 1?", "answer": "{i + 1}"}}' for i in range(40)]
    rows[6] = '{"question": "What is 6 + 1?", "answer": '
    (w4s.folder / "sums.jsonl").write_text("\n".join(rows))
    done = w4s("search", "sums.jsonl", "--run", "r")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "7" in done.stderr


def test_half_a_surrogate_pair_is_shown_as_a_question_mark(w4s: CommandLine) -> None:
    """JSON may hold one, UTF-8 cannot."""
    rows = [f'{{"question": "What is {i} + 1? \\ud800", "answer": "{i + 1}"}}' for i in range(40)]
    (w4s.folder / "sums.jsonl").write_text("\n".join(rows))
    done = w4s.process("tasks", "--check", "sums.jsonl")
    assert done.returncode == 0, done.stderr
    assert re.search(r"What is \d+ \+ 1\? \?", done.stdout)
    assert done.stderr == ""


def test_a_scorer_that_raises_is_named(w4s: CommandLine) -> None:
    (w4s.folder / "mine.py").write_text(
        "DESCRIPTION = 'Add one.'\n"
        "def rows():\n"
        "    return [{'question': str(i), 'answer': str(i + 1)} for i in range(40)]\n"
        "def score(answer, target):\n"
        "    return float(answer) / 0\n"
    )
    done = w4s("search", "mine.py", "--run", "r")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "ZeroDivisionError" in done.stderr


def test_a_key_is_never_repeated(w4s: CommandLine) -> None:
    secret = "sk-very-secret-0123456789"
    done = w4s(
        *(*SEARCH, "--executor", "openai:m@https://example.org/v1", "--max-usd", "1"),
        *("--executor-key-env", "MY_KEY"),
        environ={"MY_KEY": secret},
    )
    assert done.returncode == 2
    assert "--price m=IN/OUT" in done.stderr
    assert secret not in done.stdout + done.stderr
    confused = w4s(*SEARCH, "--executor-key-env", secret)
    assert confused.returncode == 2
    assert "name of an environment variable" in confused.stderr
    assert secret not in confused.stdout + confused.stderr
