"""Kernels that lack something, made by a filter over a whole process."""

from __future__ import annotations

import platform
import subprocess
import sys
from enum import Enum
from pathlib import Path

import pytest

import w4s

SOURCE = Path(w4s.__file__).parent.parent

x86_64_linux = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="call numbers of x86-64 Linux",
)


class Missing(Enum):
    """A call that the kernel refuses: its number, which argument has which value, the error."""

    SECCOMP = (157, 0, 22, 22)
    """prctl(PR_SET_SECCOMP): EINVAL."""
    LANDLOCK = (444, 1, 0, 38)
    """landlock_create_ruleset: ENOSYS."""


_FILTER = """
import ctypes, struct
number, argument, value, code = {call}
program = [
    (0x20, 0, 0, 0), (0x15, 0, 3, number),
    (0x20, 0, 0, 16 + 8 * argument), (0x15, 0, 1, value),
    (0x06, 0, 0, 0x00050000 | code), (0x06, 0, 0, 0x7FFF0000),
]
raw = b"".join(struct.pack("<HBBI", *line) for line in program)

class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(Program(len(program), raw)), 0, 0) == 0
"""


def on_a_kernel_without(
    missing: Missing, program: str, *words: str, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a Python program, with these words as its arguments."""
    return subprocess.run(
        [sys.executable, "-c", _FILTER.format(call=missing.value) + program, *words],
        cwd=folder,
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
