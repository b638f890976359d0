"""`w4s watch` follows a run in another process from its files alone, and ends with it."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from command_line import SMALL, TASK, CommandLine
from told_run import PRIVATE_WORD, SEALED_WORD, write_run
from w4s.models.ledger import Ledger, Spending, Totals, look_up
from w4s.store import RunFolder

SEARCH = ("search", TASK, "--turns", "3", "--samples", "2", "--run", "r", *SMALL)
SLOW = ("--latency-ms", "40")
"""So that a search takes some seconds."""


def test_a_run_that_has_ended_is_shown_once(w4s: CommandLine) -> None:
    write_run(w4s.folder / "r")
    for words in (("watch", "r"), ("watch", "r", "--once")):
        done = w4s(*words)
        assert (done.returncode, done.stderr) == (0, "")
        assert "stopped behind turn 2 of 3; the same search command goes on" in done.stdout
        assert "75.0 % [46.8, 91.1]" in done.stdout
        assert "Errors: raised (3)" in done.stdout


def test_nothing_private_or_hostile_reaches_the_terminal(w4s: CommandLine) -> None:
    write_run(w4s.folder / "r", analysis="\x1b]0;taken\x07")
    said = w4s("watch", "r", "--once").stdout
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert PRIVATE_WORD not in said
    assert SEALED_WORD not in said


def test_without_a_run_there_is_nothing_to_watch(w4s: CommandLine) -> None:
    done = w4s("watch", "nothing")
    assert done.returncode == 2
    assert "nothing holds no run; w4s search TASK --run nothing makes one" in done.stderr


def test_looking_at_an_account_leaves_it_alone(tmp_path: Path) -> None:
    """An open call stays open: only the process that holds the run may settle it."""
    book = tmp_path / "calls.sqlite"
    assert look_up(book) == {}
    assert not book.exists()
    ledger = Ledger(book)
    entry = ledger.open("executor", "m", Spending(1, 100, 0.5))
    ledger.open("executor", "m", Spending(1, 100, 0.5))
    ledger.done(entry, prompt_tokens=10, completion_tokens=5, usd=0.1)
    assert (
        look_up(book)
        == ledger.totals
        == {"executor": Totals(calls=1, prompt_tokens=10, completion_tokens=5, usd=0.1)}
    )
    ledger.close()


def test_a_folder_that_is_only_looked_at_can_be_taken(w4s: CommandLine) -> None:
    write_run(w4s.folder / "r")
    with RunFolder(w4s.folder / "r"):
        said = w4s("watch", "r", "--once").stdout
        assert "running: turn 3 of 3, for " in said


@pytest.mark.long
def test_watched_to_its_end(w4s: CommandLine) -> None:
    """The log of the watcher has every turn, and the watched search finds what it always finds."""
    with w4s.serving(TASK, *SLOW) as server:
        search = w4s.start(*SEARCH, "--executor", server.executor)
        wait_for(w4s.folder / "r" / "config.toml", search)
        seen = w4s("watch", "r", "--once").stdout
        done = w4s.process("watch", "r", "--every", "0.05")
        out, errors = search.communicate(timeout=100)
    assert search.returncode == 0, errors
    assert (done.returncode, done.stderr) == (0, "")
    assert "running: " in seen
    for turn in (1, 2, 3):
        assert f"turn {turn} of 3: " in done.stdout
    assert "finished: 3 turns" in done.stdout
    assert "turn 3 of 3" in errors + out


@pytest.mark.long
def test_a_killed_run_ends_the_watching(w4s: CommandLine) -> None:
    with w4s.serving(TASK, "--latency-ms", "300") as server:
        search = w4s.start(*SEARCH, "--executor", server.executor)
        wait_for(w4s.folder / "r" / "config.toml", search)
        watching = w4s.start("watch", "r", "--every", "0.05")
        time.sleep(1)
        assert watching.poll() is None
        search.kill()
        search.communicate(timeout=30)
        out, errors = watching.communicate(timeout=30)
    assert (watching.returncode, errors) == (0, "")
    assert "stopped behind turn " in out


@pytest.mark.long
def test_ctrl_c_ends_the_watching_and_not_the_run(w4s: CommandLine) -> None:
    with w4s.serving(TASK, *SLOW) as server:
        search = w4s.start(*SEARCH, "--executor", server.executor)
        wait_for(w4s.folder / "r" / "config.toml", search)
        watching = w4s.start("watch", "r", "--every", "0.05")
        time.sleep(2)
        watching.send_signal(signal.SIGINT)
        out, errors = watching.communicate(timeout=30)
        assert (watching.returncode, errors) == (0, "")
        assert "Watching ended; the run is left alone." in out
        _, errors = search.communicate(timeout=100)
    assert search.returncode == 0, errors
    assert "finished: 3 turns" in w4s("watch", "r", "--once").stdout


def wait_for(file: Path, process: subprocess.Popen[str]) -> None:
    while not file.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
