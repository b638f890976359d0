"""One search per benchmark, offline, on a small slice: it ends well and goes on where it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from w4s.tasks.registry import BENCHMARKS

W4S = Path(sys.executable).with_name("w4s")
SLICE = ["private=8", "public=2", "test=4", "turns=1", "samples=1"]
SETTINGS = ["executor=simulated", "meta_agent=grammar", "seed=0", *SLICE]


def own_rows(folder: Path) -> None:
    """Stand-ins for the files that only the hub has."""
    problems: list[dict[str, object]] = [
        {"problem": f"What is {i}^2 + {i}?", "answer": str(i * i + i), "level": 1 + i % 5}
        for i in range(500)
    ]
    questions: list[dict[str, object]] = [
        {
            "Question": f"Which is {i}?",
            "Correct Answer": f"right {i}",
            **{f"Incorrect Answer {k}": f"wrong {i} {k}" for k in (1, 2, 3)},
        }
        for i in range(198)
    ]
    for name, rows in [("math/math500", problems), ("gpqa/gpqa_diamond", questions)]:
        path = folder / f"{name}.jsonl"
        path.parent.mkdir()
        path.write_text("\n".join(json.dumps(row) for row in rows))


def search(task: str, data: Path, run: Path) -> str:
    done = subprocess.run(
        [str(W4S), "search", task, *SETTINGS, "--run", str(run)],
        # In the cache, for the run of a confidential task may lie nowhere else.
        env=os.environ | {"W4S_DATA": str(data), "W4S_CACHE": str(run.parent)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize("task", sorted(BENCHMARKS))
def test_a_slice_of_every_benchmark_is_searched_and_resumed(
    request: pytest.FixtureRequest, tmp_path: Path, task: str
) -> None:
    if task in ("math", "gpqa"):
        if task == "math":
            pytest.importorskip("math_verify")
        data = tmp_path / "data"
        data.mkdir()
        own_rows(data)
    else:
        data = request.getfixturevalue("benchmark_data")
    run = tmp_path / "run"
    first = search(task, data, run)
    assert "Best on validation" in first
    assert (run / "best_workflow.py").read_text().count("def solver") >= 1
    again = search(task, data, run)
    best = [line for line in first.splitlines() if line.startswith("Best on validation")]
    assert [line for line in again.splitlines() if line.startswith("Best on")] == best
