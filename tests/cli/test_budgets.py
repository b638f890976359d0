"""Limits: never exceeded, whatever happens, and each leaves a usable workflow and a way on."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from command_line import SMALL, TASK, CommandLine, results

SEARCH = ("search", TASK, "--turns", "2", "--samples", "3", "--seed", "5", *SMALL)


def spent(run: Path) -> tuple[int, int, float]:
    """Calls, tokens, dollars in the ledger; calls of unknown outcome at their worst."""
    with closing(sqlite3.connect(run / "search_calls.sqlite")) as calls:
        row: Any = calls.execute(
            "SELECT count(*),"
            " sum(prompt_tokens + completion_tokens + worst_tokens * (state = 'unknown')),"
            " sum(usd + worst_usd * (state = 'unknown')) FROM calls"
        ).fetchone()
    return row[0], row[1] or 0, row[2] or 0.0


def test_a_limit_on_calls_ends_in_good_order_and_goes_on(w4s: CommandLine) -> None:
    search = ("search", TASK, "--turns", "1", "--samples", "2", "--private", "8", "--public", "2")
    run = w4s.folder / "r"
    for limit in (0, 20, 45):
        ended = w4s(*search, "--run", "r", "--max-calls", str(limit))
        assert ended.returncode == 0, ended.stderr
        assert f"--max-calls {limit} reached" in ended.stdout
        assert spent(run)[0] <= limit
        assert "def solver" in (run / "best_workflow.py").read_text()
    assert w4s(*search, "--run", "r").returncode == 0
    assert w4s(*search, "--run", "whole").returncode == 0
    assert results(run) == results(w4s.folder / "whole")


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_limit_on_calls_is_kept_on_the_wire(w4s: CommandLine) -> None:
    faults = ("--rate-429", "0.1", "--rate-500", "0.1", "--rate-cut", "0.05", "--retry-after", "0")
    with w4s.serving(TASK, *faults) as server:
        ended = w4s(*SEARCH, "--run", "r", "--max-calls", "120", "--executor", server.executor)
        assert ended.returncode == 0, ended.stderr
        # The meta-agent's calls count too; it answers in process.
        assert server.stats()["calls"] <= 120


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("dollars", [0.01, 0.05, 0.2])
def test_a_limit_in_dollars_is_never_exceeded(w4s: CommandLine, dollars: float) -> None:
    with w4s.serving(TASK, "--rate-cut", "0.05") as server:
        ended = w4s(
            *(*SEARCH, "--run", "r", "--max-usd", str(dollars), "--executor", server.executor),
            *("--price", "simulated=1/2"),
        )
        assert ended.returncode == 0, ended.stderr
        assert "--max-usd" in ended.stdout
        assert 0 <= spent(w4s.folder / "r")[2] <= dollars
        stats = server.stats()
        billed = (stats["prompt_tokens"] + 2 * stats["completion_tokens"]) / 1e6
        assert billed <= dollars
        assert "def solver" in (w4s.folder / "r" / "best_workflow.py").read_text()


@pytest.mark.long
def test_a_limit_on_tokens(w4s: CommandLine) -> None:
    ended = w4s(*SEARCH, "--run", "r", "--max-tokens", "60000")
    assert ended.returncode == 0, ended.stderr
    assert "--max-tokens 60000 reached" in ended.stdout
    assert spent(w4s.folder / "r")[1] <= 60000


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_limit_on_minutes_ends_in_time_and_goes_on(w4s: CommandLine) -> None:
    with w4s.serving(TASK, "--latency-ms", "800") as server:
        executor = ("--executor", server.executor)
        start = time.monotonic()
        ended = w4s(*SEARCH, "--run", "r", "--max-minutes", "0.08", *executor)
        assert time.monotonic() - start < 0.08 * 60 + 15
        assert ended.returncode == 0, ended.stderr
        assert "--max-minutes" in ended.stdout
        assert "same command goes on" in ended.stdout
        again = w4s(*SEARCH, "--run", "r", *executor)
        assert again.returncode == 0, again.stderr
    w4s(*SEARCH, "--run", "whole")
    assert results(w4s.folder / "r") == results(w4s.folder / "whole")


@pytest.mark.long
def test_a_limit_holds_for_tests_too(w4s: CommandLine) -> None:
    w4s(*SEARCH, "--run", "r")
    ended = w4s("test", "r", "--baselines", "--max-calls", "50")
    assert ended.returncode == 1
    assert "--max-calls 50 reached" in ended.stderr
    assert w4s("test", "r", "--baselines").returncode == 0
    report = json.loads(w4s("report", "r", "--format", "json").stdout)
    assert report["tested"] == len(report["tests"]) >= 4
