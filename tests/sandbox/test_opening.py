"""Which sandbox opens, what stands in its record, and when it refuses."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from kernels import Missing, on_a_kernel_without, x86_64_linux
from w4s.errors import ConfigError
from w4s.sandbox import open_sandbox
from w4s.sandbox.base import Job
from w4s.types import JSON


def open_and_ask(kind: str, profile: str, source: str) -> tuple[dict[str, JSON], JSON]:
    async def main() -> tuple[dict[str, JSON], JSON]:
        sandbox = await open_sandbox(kind, profile)
        try:
            result = await sandbox.run(Job(source))
            return sandbox.canaries(), result.value
        finally:
            await sandbox.aclose()

    return asyncio.run(main())


READS = (
    "def solver():\n    try: return len(open('/etc/passwd').read()) > 0\n"
    "    except OSError: return False"
)


def test_the_walls_are_proven_and_recorded() -> None:
    record, value = open_and_ask("walls", "nofs", READS)
    assert value is False
    assert record["broken"] == []
    held = record["held"]
    assert isinstance(held, list)
    assert {"read a file", "tcp socket", "fork", "execute", "signal the parent"} <= set(held)
    assert record["profile"] == "nofs"


def test_unsafe_has_to_be_typed_and_holds_nothing() -> None:
    record, value = open_and_ask("unsafe", "nofs", READS)
    assert value is True
    assert record["profile"] == "none"


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_bubblewrap_around_the_walls() -> None:
    try:
        record, value = open_and_ask("bwrap", "nofs", READS)
    except Exception as error:
        pytest.skip(f"bubblewrap does not work here: {error}")
    assert value is False
    assert record["backend"] == "bwrap"
    assert record["broken"] == []


@pytest.mark.parametrize(
    ("kind", "profile", "isolation"),
    [("wals", "nofs", "per_call"), ("walls", "files", "per_call"), ("walls", "nofs", "shared")],
)
def test_what_is_unknown_is_refused_with_the_choices(
    kind: str, profile: str, isolation: str
) -> None:
    with pytest.raises(ConfigError, match="unsafe"):
        asyncio.run(open_sandbox(kind, profile, isolation=isolation))


def test_a_private_folder_cannot_be_shared() -> None:
    with pytest.raises(ConfigError, match="per_call"):
        asyncio.run(open_sandbox(profile="scratch", isolation="batch"))


OPEN = """
import asyncio, sys
from w4s.errors import ConfigError
from w4s.sandbox import open_sandbox

async def main():
    try:
        sandbox = await open_sandbox(profile=sys.argv[1])
    except ConfigError as error:
        print("REFUSED", error)
        return
    print("OPENED", sandbox.canaries()["landlock"])
    await sandbox.aclose()

asyncio.run(main())
"""


def opened_without(missing: Missing, profile: str = "nofs") -> str:
    done = on_a_kernel_without(missing, OPEN, profile)
    assert done.returncode == 0, done.stderr
    return done.stdout


@x86_64_linux
def test_without_seccomp_nothing_runs() -> None:
    said = opened_without(Missing.SECCOMP)
    assert said.startswith("REFUSED")
    assert "--sandbox unsafe" in said


@x86_64_linux
def test_without_landlock_the_other_walls_hold() -> None:
    assert opened_without(Missing.LANDLOCK).strip() == "OPENED 0"


@x86_64_linux
def test_without_landlock_there_is_no_private_folder() -> None:
    said = opened_without(Missing.LANDLOCK, "scratch")
    assert said.startswith("REFUSED")
    assert "Landlock" in said
