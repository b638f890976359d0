"""The example of a task of one's own: its golds are right, its checks pass, it runs."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

from w4s.tasks.check import Finding, check_task
from w4s.tasks.registry import load_task

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_task.py"


def test_the_example_passes_its_checks() -> None:
    task = load_task(str(EXAMPLE))
    assert {check.finding for check in check_task(task)} == {Finding.GOOD}
    assert task.sealed.size == 120


def test_its_gold_answers_follow_its_description() -> None:
    with EXAMPLE.with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        parts = re.findall(r"(\d+) x [^,;]+? at (\d+)\.(\d\d)", row["question"])
        cents = sum(int(count) * (100 * int(euros) + int(rest)) for count, euros, rest in parts)
        if "club card" in row["question"]:
            cents = cents * 9 // 10
        cents += 0 if cents >= 3000 else 390
        assert row["answer"] == f"{cents / 100:.2f}", row["question"]


@pytest.mark.long
@pytest.mark.timeout(240)
def test_it_runs_as_a_script() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], capture_output=True, text=True, timeout=220, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Sealed test" in done.stdout
