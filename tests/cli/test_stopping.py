"""Ctrl-C on real processes: in good order, and at once where nothing is under way."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest

from command_line import SMALL, TASK, CommandLine, Server

SEARCH = ("search", TASK, "--turns", "1", "--samples", "2", *SMALL, "--run", "r")


def wait_for_calls(server: Server, process: subprocess.Popen[str], calls: int) -> None:
    deadline = time.monotonic() + 60
    while server.stats()["calls"] < calls:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_a_stop_does_not_wait_out_the_pauses_between_attempts(
    w4s: CommandLine, number: signal.Signals
) -> None:
    with w4s.serving(TASK, "--rate-429", "1", "--retry-after", "30") as server:
        process = w4s.start(*SEARCH, "--executor", server.executor)
        wait_for_calls(server, process, 3)
        time.sleep(0.5)  # all calls have been refused, and wait
        process.send_signal(number)
        start = time.monotonic()
        _, errors = process.communicate(timeout=25)
        assert time.monotonic() - start < 5
        assert process.returncode == 130, errors
        assert "stopped; the same command goes on from here" in errors
        asked = server.stats()["calls"]
    report = json.loads(w4s("report", "r", "--format", "json").stdout)
    assert report["search_cost"]["executor"]["failed"] == asked
    with w4s.serving(TASK) as server:
        assert w4s(*SEARCH, "--executor", server.executor).returncode == 2  # another address


@pytest.mark.long
def test_the_time_of_a_killed_sitting_stands_in_the_report(w4s: CommandLine) -> None:
    with w4s.serving(TASK, "--latency-ms", "700") as server:
        search = (*SEARCH, "--executor", server.executor)
        process = w4s.start(*search)
        wait_for_calls(server, process, 1)
        start = time.monotonic()
        wait_for_calls(server, process, 70)  # in the midst of the turn
        process.kill()
        killed = time.monotonic() - start
        process.communicate()
        done = w4s(*search)
        assert done.returncode == 0, done.stderr
    report = json.loads(w4s("report", "r", "--format", "json").stdout)
    lines = (w4s.folder / "r" / "spent.jsonl").read_text().splitlines()[1:]
    stretches = [json.loads(line) for line in lines]
    seconds = report["search_cost"]["seconds"]
    assert seconds == stretches[-1]["elapsed"]
    last_sitting = sum(s["seconds"] for s in stretches if s["stretch"] != "examples")
    assert seconds > last_sitting + killed - 2.5  # a second of the ledger, and what was in flight
