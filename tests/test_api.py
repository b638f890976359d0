"""The commands as functions: loaded late, and doing what the commands do."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import w4s
from command_line import SMALL, TASK, CommandLine, results
from w4s.errors import BudgetExceeded, ConfigError
from w4s.types import Status

FEW: dict[str, Any] = {"private": 16, "public": 2, "test": 20}


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = "import sys, w4s; print(*sorted(m for m in sys.modules if m.startswith('w4s')))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.stdout.split() == ["w4s"], found.stderr


def test_no_public_name_is_a_module() -> None:
    """`import w4s.search` would put the module in the function's place."""
    for name in w4s.__all__:
        assert callable(getattr(w4s, name))
        assert importlib.util.find_spec(f"w4s.{name}") is None


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'serch'"):
        w4s.serch  # type: ignore[attr-defined]  # noqa: B018


def test_search_and_test_are_those_of_the_commands(tmp_path: Path) -> None:
    found = w4s.run(w4s.search(task=TASK, run=tmp_path / "a", turns=1, samples=2, **FEW))
    assert found.early is None
    assert found.best is not None
    assert found.best.workflow.code == (tmp_path / "a" / "best_workflow.py").read_text()
    assert found.summary.finished

    w4s_command = CommandLine(tmp_path)
    w4s_command("search", TASK, "--turns", "1", "--samples", "2", *SMALL, "--run", "b")
    assert results(tmp_path / "a") == results(tmp_path / "b")

    first = w4s.run(w4s.test(run=tmp_path / "a", baselines=True))
    assert len(first) >= 4
    again = w4s.run(w4s.test(run=tmp_path / "a"))
    assert again == [first[-1]]  # recorded, at the same time and with the same outcomes
    w4s_command("test", "b", "--baselines")
    told = [
        json.loads(w4s_command("report", run, "--format", "json").stdout)["tests"]
        for run in ("a", "b")
    ]
    accuracies = [{one["name"]: one["accuracy"] for one in tests} for tests in told]
    assert accuracies[0] == accuracies[1]  # in whatever order they came to their end


def test_evaluate_keeps_the_test_set_closed_and_pays_once(tmp_path: Path) -> None:
    one = w4s.run(
        w4s.evaluate(task=TASK, workflow="chain_of_thought", run=tmp_path / "r", private=16)
    )
    assert len(one.outcomes) == 16
    assert all(outcome.status is not Status.UNSCORED for outcome in one.outcomes)
    said = CommandLine(tmp_path)(
        "evaluate", TASK, "--workflow", "chain_of_thought", "--run", "r", "--private", "16"
    )
    assert said.returncode == 0, said.stderr
    assert f"{100 * one.accuracy:.1f} %" in said.stdout


def test_several_at_a_time(tmp_path: Path) -> None:
    async def both() -> list[float]:
        measured = await asyncio.gather(
            w4s.evaluate(task=TASK, workflow="direct", run=tmp_path / "1", private=8),
            w4s.evaluate(task=TASK, workflow="self_consistency", run=tmp_path / "2", private=8),
        )
        return [evaluation.accuracy for evaluation in measured]

    assert len(w4s.run(both(), progress=True)) == 2


def test_a_limit_is_no_error(tmp_path: Path) -> None:
    found = w4s.run(w4s.search(task=TASK, run=tmp_path / "r", turns=3, max_calls=20, **FEW))
    assert isinstance(found.early, BudgetExceeded)
    assert found.best is None  # not even the examples were measured


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"turms": 3}, "unknown setting 'turms'; did you mean 'turns'?"),
        ({"turns": 0}, "turns=0"),
        ({"task": "toy_ledgr"}, "did you mean 'toy_ledger'"),
        ({"executor": "openai:"}, "openai"),
    ],
)
def test_trouble_is_one_line_before_anything_is_spent(
    tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    given: dict[str, Any] = {"task": TASK, "run": tmp_path / "r"} | settings
    with pytest.raises(ConfigError) as trouble:
        w4s.run(w4s.search(**given))
    assert said in str(trouble.value)
    assert not (tmp_path / "r").exists()


def test_in_a_notebook_one_awaits() -> None:
    async def cell() -> None:
        w4s.run(w4s.search(task=TASK, run=Path("r")))

    with pytest.raises(ConfigError, match="write await"):
        asyncio.run(cell())


def test_without_progress_lines_go_to_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level("INFO", logger="w4s"):
        w4s.run(w4s.evaluate(task=TASK, workflow="direct", run=tmp_path / "r", private=8))
    assert caplog.messages[0] == "direct begins"
    assert re.fullmatch(
        r"direct: [\d.]+ % \(validate\); 8 calls, \$0.0000 so far", caplog.messages[1]
    )
    assert capsys.readouterr() == ("", "")


SCRIPT = """
import sys
import w4s
from pathlib import Path
from w4s.errors import Interrupted

async def two(executor):
    await w4s.search(
        task="toy_ledger", run=Path("r"), executor=executor, turns=5, samples=2,
        private=16, public=2, test=20,
    )
    print("not reached")

try:
    w4s.run(two(sys.argv[1]), progress=True)
except Interrupted:
    print("in good order")
"""


def test_ctrl_c_in_a_script_ends_in_good_order(tmp_path: Path) -> None:
    w4s_command = CommandLine(tmp_path)
    with w4s_command.serving(TASK, "--latency-ms", "200") as server:
        script = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, server.executor],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert script.stderr is not None
        lines = iter(script.stderr.readline, "")
        assert any("calls, $" in line for line in lines)  # an example is measured
        script.send_signal(signal.SIGINT)
        out, errors = script.communicate(timeout=60)
    assert out == "in good order\n", errors
    assert script.returncode == 0
    assert "stopping: what is under way comes to its end" in errors


def test_ctrl_c_where_nothing_is_paid_for_stops_at_once() -> None:
    program = (
        "import asyncio, os, signal, w4s\n"
        "async def wait():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    await asyncio.sleep(60)\n"
        "try:\n"
        "    w4s.run(wait())\n"
        "except KeyboardInterrupt:\n"
        "    print('at once')\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50
    )
    assert found.stdout == "at once\n", found.stderr


def test_off_the_main_thread(tmp_path: Path) -> None:
    accuracies = []

    def work() -> None:
        evaluation = w4s.run(
            w4s.evaluate(task=TASK, workflow="direct", run=tmp_path / "r", private=8)
        )
        accuracies.append(evaluation.accuracy)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(accuracies) == 1


def test_collect_and_dataset(tmp_path: Path) -> None:
    collected = w4s.run(
        w4s.collect(
            tasks=(TASK,), run=tmp_path / "c", episodes=2, turns=1, samples=2, private=8, public=2
        )
    )
    assert len(collected.episodes) == collected.planned == 2
    made = w4s.run(w4s.dataset(runs=(tmp_path / "c",), out=tmp_path / "d"))
    assert made.statistics.trajectories == 2
    assert (tmp_path / "d" / "README.md").exists()


def test_the_command_is_a_module_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "w4s", "--version"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"w4s \d+\.\d+\.\d+\n", done.stdout)
