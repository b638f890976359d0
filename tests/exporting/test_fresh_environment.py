"""An exported file in an environment that holds the openai package and nothing of ours."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from command_line import CommandLine
from environments import fresh_environment
from exported import answers_inside
from w4s.tasks.base import Sizes
from w4s.tasks.registry import load_task
from w4s.workflow import load_baseline

PROBLEMS = 16
"""Of each family."""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fresh_environment(tmp_path_factory.mktemp("environment") / "venv", "openai")


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("task", "workflow"),
    [
        ("toy_ledger", "code_generation"),
        ("toy_lists", "code_public_tests"),
        ("toy_rates", "self_consistency"),
    ],
)
def test_the_answers_are_those_of_the_inside(
    task: str, workflow: str, python: Path, tmp_path: Path
) -> None:
    """The first runs code, the second public tests, the third samples five replies at once."""
    w4s = CommandLine(tmp_path)
    toy = load_task(task, sizes=Sizes(private=PROBLEMS, public=1))
    rows = [
        {
            "id": p.id,
            "question": p.question,
            "entry_point": p.entry_point,
            "public_tests": p.public_tests,
        }
        for p in toy.search.private
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with w4s.serving(task) as server:
        asked = server.stats()["answered"]
        w4s("export", workflow, "--executor", server.executor, "--seed", "3", "--out", "solve.py")
        inside = asyncio.run(
            answers_inside(load_baseline(workflow), toy.search.private, server.url, seed=3)
        )
        between = server.stats()["answered"]
        done = subprocess.run(
            [str(python), "solve.py", "--batch", "rows.jsonl"],
            cwd=tmp_path,
            env={},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        after = server.stats()["answered"]
    assert done.returncode == 0, done.stdout + done.stderr
    outside = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["answer"] for row in outside] == inside
    assert [row["id"] for row in outside] == [p.id for p in toy.search.private]
    assert sum(row["calls"] for row in outside) == after - between == between - asked


@pytest.mark.long
def test_there_is_nothing_of_ours_in_that_environment(python: Path) -> None:
    command = [str(python), "-c", "import w4s"]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert "No module named 'w4s'" in done.stderr
