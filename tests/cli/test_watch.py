"""`w4s watch` follows a run in another process from its files alone, and ends with it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from command_line import SMALL, TASK, W4S, CommandLine
from told_run import HOSTILE, PRIVATE_WORD, SEALED_WORD, write_run
from w4s.cli.main import INTERRUPTED
from w4s.models.metering.ledger import Ledger, Spending, Totals, look_up
from w4s.store import RunFolder


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
    """The log of the watcher has every turn, and the search notices nothing."""
    with searching(w4s, turns=3, latency_ms=40) as search:
        seen = w4s("watch", "r", "--once").stdout
        with started(w4s, "watch", "r", "--every", "0.05") as watching:
            out, errors = watching.communicate(timeout=100)
        assert (watching.returncode, errors) == (0, "")
        _, errors = search.communicate(timeout=100)
        assert search.returncode == 0, errors
    assert "running: " in seen
    for turn in (1, 2, 3):
        assert f"turn {turn} of 3: " in out
    assert "finished: 3 turns" in out


@pytest.mark.long
def test_a_killed_run_ends_the_watching(w4s: CommandLine) -> None:
    with (
        searching(w4s, turns=20, latency_ms=200) as search,
        started(w4s, "watch", "r", "--every", "0.05") as watching,
    ):
        assert "turn 1 of 20: " in first_line(watching)
        search.kill()
        out, errors = watching.communicate(timeout=30)
        assert (watching.returncode, errors) == (0, "")
    assert "stopped behind turn " in out


@pytest.fixture
def heard() -> Iterator[None]:
    """Children hear SIGINT even where a shell started the tests in the background, deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.long
@pytest.mark.usefixtures("heard")
def test_ctrl_c_ends_the_watching_and_not_the_run(w4s: CommandLine) -> None:
    with (
        searching(w4s, turns=20, latency_ms=200) as search,
        started(w4s, "watch", "r", "--every", "0.05") as watching,
    ):
        assert "turn 1 of 20: " in first_line(watching)
        watching.send_signal(signal.SIGINT)
        out, errors = watching.communicate(timeout=30)
        assert (watching.returncode, errors) == (0, "")
        assert "Watching ended; the run is left alone." in out
        assert search.poll() is None
        search.send_signal(signal.SIGINT)  # it stops in good order, as ever
        _, errors = search.communicate(timeout=60)
        assert search.returncode == INTERRUPTED, errors
    assert "stopped behind turn " in w4s("watch", "r", "--once").stdout


@pytest.mark.long
def test_a_terminal_gets_a_board_that_moves(w4s: CommandLine) -> None:
    """In a pseudo-terminal; this test itself is the process that works on the run."""
    write_run(w4s.folder / "r")
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 120, 0, 0))
    with RunFolder(w4s.folder / "r"):
        process = subprocess.Popen(
            [*W4S, "watch", "r", "--every", "0.1"],
            cwd=w4s.folder,
            env={**os.environ, "TERM": "xterm-256color"},
            stdout=terminal,
            stderr=terminal,
        )
        os.close(terminal)
        said = read_until(screen, b"running: turn 3 of 3")
        said += read_until(screen, b"\x1b[1A")  # back up, to draw it anew
    said += read_until(screen, b"stopped behind turn 2 of 3") + read_to_end(screen)
    assert process.wait(30) == 0
    os.close(screen)
    assert HOSTILE.encode() in said.replace(b"\r\n", b"")
    assert b"\x1b]0;" not in said


def read_until(screen: int, wanted: bytes) -> bytes:
    said = b""
    while wanted not in said:
        said += os.read(screen, 65536)
    return said


def read_to_end(screen: int) -> bytes:
    """What else comes, until the far side has closed the terminal."""
    said = b""
    with contextlib.suppress(OSError):  # EIO
        while data := os.read(screen, 65536):
            said += data
    return said


@contextmanager
def searching(w4s: CommandLine, *, turns: int, latency_ms: int) -> Iterator[subprocess.Popen[str]]:
    """A search in a process of its own, slow enough to be watched; its folder is there."""
    words = ("search", TASK, "--turns", str(turns), "--samples", "2", "--run", "r", *SMALL)
    with (
        w4s.serving(TASK, "--latency-ms", str(latency_ms)) as server,
        started(w4s, *words, "--executor", server.executor) as search,
    ):
        while not (w4s.folder / "r" / "config.toml").exists():
            assert search.poll() is None, search.communicate()
            time.sleep(0.02)
        yield search


@contextmanager
def started(w4s: CommandLine, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A command under way; it does not outlive the test."""
    with w4s.start(*words) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()
