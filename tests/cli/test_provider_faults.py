"""Provider weather: faults that pass change no accuracy, faults that last end in good order."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from command_line import SMALL, TASK, CommandLine, results
from threaded import JsonHandler, served_by

SEARCH = ("search", TASK, "--turns", "2", "--samples", "3", "--seed", "5", *SMALL)
FAULTS = (
    *("--rate-429", "0.10", "--rate-500", "0.05", "--rate-dropped", "0.02", "--rate-cut", "0.02"),
    *("--retry-after", "0.1"),
)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_faults_that_pass_change_no_accuracy(w4s: CommandLine) -> None:
    in_process = w4s(*SEARCH, "--run", "in_process")
    assert in_process.returncode == 0, in_process.stderr
    with w4s.serving(TASK) as server:
        w4s(*SEARCH, "--run", "calm", "--executor", server.executor)
    with w4s.serving(TASK, *FAULTS) as server:
        stormy = w4s(*SEARCH, "--run", "stormy", "--executor", server.executor)
        assert stormy.returncode == 0, stormy.stderr
        faults = server.stats()["faults"]
        assert min(faults[kind] for kind in ("overloaded", "server_error", "dropped")) > 0
        tested = w4s("test", "stormy", "--baselines")
        assert tested.returncode == 0, tested.stderr
    assert results(w4s.folder / "stormy") == results(w4s.folder / "calm")
    assert results(w4s.folder / "calm") == results(w4s.folder / "in_process")
    w4s("test", "in_process", "--baselines")
    reports = [
        json.loads(w4s("report", run, "--format", "json").stdout)
        for run in ("stormy", "in_process")
    ]
    accuracies = [{t["digest"]: t["accuracy"] for t in report["tests"]} for report in reports]
    assert accuracies[0] == accuracies[1]


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("method", ["adas", "aflow"])
def test_the_other_methods_stand_the_same_weather(w4s: CommandLine, method: str) -> None:
    search = (*SEARCH, "--method", method, "--trials", "1")
    calm = w4s(*search, "--run", "in_process")
    assert calm.returncode == 0, calm.stderr
    with w4s.serving(TASK, *FAULTS) as server:
        stormy = w4s(*search, "--run", "stormy", "--executor", server.executor)
        assert stormy.returncode == 0, stormy.stderr
        faults = server.stats()["faults"]
        assert min(faults[kind] for kind in ("overloaded", "server_error", "dropped")) > 0
    assert results(w4s.folder / "stormy") == results(w4s.folder / "in_process")


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("method", ["w4s", "adas", "aflow"])
def test_a_provider_that_dies_ends_the_run_in_good_order(w4s: CommandLine, method: str) -> None:
    search = (*SEARCH, "--method", method)
    with w4s.serving(TASK, "--latency-ms", "150") as server:
        port = server.url.split(":")[2].split("/")[0]
        process = w4s.start(*search, "--run", "r", "--executor", server.executor)
        while not (w4s.folder / "r" / "begin.json").exists():
            time.sleep(0.05)
    _, errors = process.communicate(timeout=150)
    assert process.returncode == 1
    last = errors.splitlines()[-1]
    assert "nothing has succeeded" in last
    assert "same command goes on" in last
    assert "Traceback" not in errors
    with w4s.serving(TASK, "--port", port) as server:
        again = w4s(*search, "--run", "r", "--executor", server.executor)
        assert again.returncode == 0, again.stderr
    w4s(*search, "--run", "in_process")
    assert results(w4s.folder / "r") == results(w4s.folder / "in_process")


class Refusing(JsonHandler):
    """Answers, but refuses every question whose number of letters is a multiple of seven."""

    def answer(self, body: Any) -> tuple[int, dict[str, Any]]:
        if len(body["messages"][-1]["content"]) % 7 == 0:
            return 400, {"error": {"message": "filtered", "code": "content_filter"}}
        text = '{"answer": "1", "reasoning": "", "code": ""}'
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        choices = [choice | {"index": k} for k in range(body.get("n", 1))]
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return 200, {"choices": choices, "usage": usage}


@pytest.mark.long
def test_too_many_unscored_problems_stop_the_evaluation(w4s: CommandLine) -> None:
    with served_by(Refusing) as url:
        executor = ("--executor", f"openai:m@{url}")
        done = w4s(*SEARCH, "--run", "r", *executor)
        assert done.returncode == 1
        last = done.stderr.splitlines()[-1]
        assert "could not be scored" in last
        assert "limit 5%" in last
        assert usable(w4s.folder / "r" / "best_workflow.py")
        believed = w4s(*SEARCH, "--run", "r2", "--unscored-limit", "0.9", *executor)
        assert believed.returncode == 0, believed.stderr
        w4s("test", "r2")
        (test,) = json.loads(w4s("report", "r2", "--format", "json").stdout)["tests"]
        assert dict(test["statuses"])["unscored"] > 0
        assert test["accuracy"]["problems"] + test["accuracy"]["unscored"] == 20


def usable(file: Path) -> bool:
    return "def solver" in file.read_text()
