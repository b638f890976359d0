"""An evaluation harness that nobody here wrote, with a served workflow as its model."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from command_line import CommandLine
from environments import fresh_environment
from serving_process import serving
from w4s.tasks.base import Sizes
from w4s.tasks.registry import load_task

PROBLEMS = 40
INSPECT = "W4S_INSPECT"
"""Names the Python of an environment with inspect-ai, to save installing it."""
EVALUATION = """
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import match
from inspect_ai.solver import generate


@task
def ledger():
    return Task(json_dataset("problems.jsonl"), solver=generate(), scorer=match(numeric=True))
"""
READ = """
import json
from inspect_ai.log import list_eval_logs, read_eval_log

log = read_eval_log(list_eval_logs("logs")[0])
usage = next(iter(log.stats.model_usage.values()))
print(json.dumps({
    "status": log.status,
    "answers": {s.id: s.output.completion for s in log.samples},
    "scores": [s.scores["match"].value for s in log.samples],
    "tokens": usage.input_tokens + usage.output_tokens,
}))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get(INSPECT)
    if named:
        return Path(named)
    folder = tmp_path_factory.mktemp("environment") / "venv"
    return fresh_environment(folder, "inspect-ai", "openai")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_inspect_evaluates_a_served_workflow(python: Path, tmp_path: Path) -> None:
    w4s = CommandLine(tmp_path)
    problems = load_task("toy_ledger", sizes=Sizes(private=PROBLEMS)).search.private
    rows = [{"id": p.id, "input": p.question, "target": str(p.target)} for p in problems]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "ledger.py").write_text(EVALUATION)
    words = ("code_generation", "--executor", "simulated", "--task", "toy_ledger")
    with serving(w4s, *words) as here:
        environ = {**os.environ, "W4S_BASE_URL": here.url, "W4S_API_KEY": "none"}
        for command in (
            ["-m", "inspect_ai", "eval", "ledger.py", "--model", f"openai-api/w4s/{here.model}",
             "--log-dir", "logs", "--display", "none"],
            ["-c", READ],
        ):  # fmt: skip
            done = subprocess.run(
                [str(python), *command],
                cwd=tmp_path,
                env=environ,
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        found = json.loads(done.stdout.splitlines()[-1])
        health = here.health()
        again = here.ask(problems[0].question)
    assert found["status"] == "success"
    assert len(found["answers"]) == health["answered"] == PROBLEMS
    assert health["failed"] == 0
    assert found["tokens"] > 100 * PROBLEMS
    assert found["answers"][problems[0].id] == again["choices"][0]["message"]["content"]
    assert {"C", "I"} >= set(found["scores"])
    assert found["scores"].count("C") > PROBLEMS / 2
