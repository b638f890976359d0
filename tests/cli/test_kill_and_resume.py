"""A search that is killed again and again ends as if nothing had happened, and pays for nothing
twice: over HTTP, against a server that counts."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from command_line import SMALL, TASK, CommandLine, Server, not_committed, results

KILLS = 20
SEARCH = ("search", TASK, "--turns", "4", "--samples", "3", "--seed", "7", *SMALL)
SLOW = ("--latency-ms", "150")
"""So that a search takes some seconds, and there are always calls in flight."""


def search(server: Server, run: str, *more: str) -> tuple[str, ...]:
    return (*SEARCH, "--executor", server.executor, "--run", run, *more)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_killed_at_twenty_random_moments(w4s: CommandLine) -> None:
    rng = random.Random(20)
    with w4s.serving(TASK, *SLOW) as server:
        start = time.monotonic()
        done = w4s(*search(server, "whole"))
        seconds = time.monotonic() - start
        assert done.returncode == 0, done.stderr
        expected, calls = results(w4s.folder / "whole"), server.stats()["calls"]
        kills = rounds = 0
        while kills < KILLS:
            rounds += 1
            run, before = w4s.folder / f"killed{rounds}", server.stats()["calls"]
            lost = 0
            while True:
                process = w4s.start(*search(server, run.name))
                try:
                    _, errors = process.communicate(timeout=rng.uniform(0.2, 0.7) * seconds)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    kills += 1
                    lost += not_committed(run)
                    continue
                assert process.returncode == 0, errors
                break
            assert results(run) == expected
            # A call that was sent by a killed process may still arrive after its successor's
            # start; once the run is over, all have.
            assert server.stats()["calls"] - before <= calls + lost


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_loses_no_call_at_all(w4s: CommandLine, number: signal.Signals) -> None:
    with w4s.serving(TASK, *SLOW) as server:
        w4s(*search(server, "whole"))
        calls = server.stats()["calls"]
        process = w4s.start(*search(server, "stopped"))
        while server.stats()["calls"] < calls * 1.3:
            time.sleep(0.05)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130, errors
        assert errors.splitlines()[-1] == "w4s: stopped; the same command goes on from here"
        assert "going on" not in errors
        assert (w4s.folder / "stopped" / "best_workflow.py").exists()
        again = w4s(*search(server, "stopped"))
        assert again.returncode == 0, again.stderr
        assert results(w4s.folder / "stopped") == results(w4s.folder / "whole")
        assert server.stats()["calls"] == 2 * calls


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_second_ctrl_c_stops_at_once(w4s: CommandLine) -> None:
    with w4s.serving(TASK, "--latency-ms", "60000") as server:
        process = w4s.start(*search(server, "stopped"))
        while server.stats()["calls"] == 0:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        time.sleep(1)
        assert process.poll() is None
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert time.monotonic() - start < 10
        assert process.returncode == 130, errors
        assert "Traceback" not in errors


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("size", ["200k", "500k", "900k"])
def test_a_full_disk_leaves_a_folder_that_goes_on(w4s: CommandLine, size: str) -> None:
    with w4s.serving(TASK) as server, small_disk(w4s.folder / "disk", size) as disk:
        w4s(*search(server, "whole"))
        full = w4s.process(*search(server, "disk/run"))
        assert full.returncode == 1, full.stderr
        assert "space" in full.stderr.splitlines()[-1]
        assert "Traceback" not in full.stderr
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        again = w4s(*search(server, "disk/run"))
        assert again.returncode == 0, again.stderr
        assert results(disk / "run") == results(w4s.folder / "whole")
        shutil.rmtree(disk / "run")
