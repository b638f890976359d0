"""What happens to the ledger and the cache when the disk has no more room."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from endpoints import question
from w4s.errors import StoreError
from w4s.models.base import Choice, Reply, Request
from w4s.models.cached import Cached
from w4s.models.metering.ledger import Ledger, Spending
from w4s.types import Usage


class Lengthy:
    name = "lengthy"

    async def complete(self, request: Request) -> Reply:
        return Reply((Choice("x" * 20_000),), Usage(1, 0, 1, 1))

    async def aclose(self) -> None:
        pass


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], capture_output=True
        ).returncode
    ):
        pytest.skip("no right to mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_ends_the_cache_clearly_and_keeps_what_was_there(small_disk: Path) -> None:
    path = small_disk / "c.sqlite"
    kept = 0

    async def fill() -> None:
        nonlocal kept
        cached = Cached(Lengthy(), path)
        try:
            for number in range(1000):
                await cached.complete(question(str(number)))
                kept += 1
        finally:
            await cached.aclose()

    with pytest.raises(StoreError, match="no space left; free some space"):
        asyncio.run(fill())
    assert kept > 0

    async def read_back() -> int:
        hits = 0

        def count() -> None:
            nonlocal hits
            hits += 1

        cached = Cached(Lengthy(), path, on_hit=count)
        for number in range(kept):
            await cached.complete(question(str(number)))
        await cached.aclose()
        return hits

    # The command is given again after some space was made.
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    assert asyncio.run(read_back()) == kept


def test_a_full_disk_ends_the_ledger_before_anything_is_sent(small_disk: Path) -> None:
    path = small_disk / "ledger.sqlite"
    ledger = Ledger(path)
    opened = 0

    def fill() -> None:
        nonlocal opened
        while True:
            ledger.open("executor" * 100, "model" * 100, Spending(1, 100, 0.5))
            opened += 1

    with pytest.raises(StoreError, match="no space left"):
        fill()
    ledger.close()
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    again = Ledger(path)
    assert again.total.unknown == opened
    again.close()


CAPPED = """
import resource, signal, sys
from pathlib import Path
from w4s.errors import StoreError
from w4s.models.metering.ledger import Ledger, Spending

ledger = Ledger(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    while True:
        ledger.open("executor", "model", Spending(1, 100, 0.5))
except StoreError as error:
    print(error)
"""


def test_a_file_that_may_not_grow_ends_clearly_too(tmp_path: Path) -> None:
    """A quota, as on shared machines: the file system has room, but not for this user."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    path = tmp_path / "ledger.sqlite"
    process = subprocess.run(
        [sys.executable, "-c", CAPPED, str(path)], capture_output=True, text=True, timeout=60
    )
    assert process.returncode == 0, process.stderr
    assert str(path) in process.stdout
    assert "free some space" in process.stdout
    ledger = Ledger(path)
    assert ledger.total.unknown > 0
    ledger.close()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nowhere/ledger\.sqlite cannot be written"):
        Ledger(tmp_path / "nowhere" / "ledger.sqlite")
