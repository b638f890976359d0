"""Which sandbox opens, what stands in its record, and when it refuses."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from w4s.errors import ConfigError
from w4s.sandbox import open_sandbox
from w4s.sandbox.base import Job
from w4s.types import JSON

SOURCE = Path(__file__).parent.parent.parent / "src"


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


REFUSING_KERNEL = """
import asyncio, ctypes, struct, sys
from w4s.errors import ConfigError
from w4s.sandbox import open_sandbox

number, argument, value, code, profile = sys.argv[1:]
program = [
    (0x20, 0, 0, 0), (0x15, 0, 3, int(number)),
    (0x20, 0, 0, 16 + 8 * int(argument)), (0x15, 0, 1, int(value)),
    (0x06, 0, 0, 0x00050000 | int(code)), (0x06, 0, 0, 0x7FFF0000),
]
raw = b"".join(struct.pack("<HBBI", *line) for line in program)

class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(Program(len(program), raw)), 0, 0) == 0

async def main():
    try:
        sandbox = await open_sandbox(profile=profile)
    except ConfigError as error:
        print("REFUSED", error)
        return
    print("OPENED", sandbox.canaries()["landlock"])
    await sandbox.aclose()

asyncio.run(main())
"""
"""A kernel that lacks one call, made by a filter over the host itself."""


def on_a_kernel_without(
    number: int, argument: int, value: int, code: int, profile: str = "nofs"
) -> str:
    arguments = [str(n) for n in (number, argument, value, code)]
    done = subprocess.run(
        [sys.executable, "-c", REFUSING_KERNEL, *arguments, profile],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


x86_64_linux = pytest.mark.skipif(
    sys.platform != "linux" or "x86_64" not in __import__("os").uname().machine,
    reason="call numbers of x86-64 Linux",
)


@x86_64_linux
def test_without_seccomp_nothing_runs() -> None:
    said = on_a_kernel_without(157, 0, 22, 22)  # prctl(PR_SET_SECCOMP): EINVAL
    assert said.startswith("REFUSED")
    assert "--sandbox unsafe" in said


@x86_64_linux
def test_without_landlock_the_other_walls_hold() -> None:
    assert on_a_kernel_without(444, 1, 0, 38).strip() == "OPENED 0"


@x86_64_linux
def test_without_landlock_there_is_no_private_folder() -> None:
    said = on_a_kernel_without(444, 1, 0, 38, "scratch")
    assert said.startswith("REFUSED")
    assert "Landlock" in said
