"""The machine: Python, the folder to work in, memory, processors.

In: the folder that runs will be written to. Out: Findings.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

from w4s.doctor.finding import Finding, Verdict

ROOM = "machine"
OLDEST = (3, 11)
LEAST_DISK_GB = 0.2
"""A run's cache and journals of a few thousand calls."""
GOOD_DISK_GB = 2.0
GOOD_MEMORY_GB = 2.0
_GB = 1e9


def check_machine(folder: Path) -> list[Finding]:
    """Everything but the sandbox, which is a room of its own."""
    return [_python(), _system(), _disk(folder), _memory(), _processors()]


def _python() -> Finding:
    found = f"{platform.python_version()}, w4s {version('w4s')}"
    if sys.version_info >= OLDEST:
        return Finding(ROOM, "Python", Verdict.OK, found)
    wanted = ".".join(map(str, OLDEST))
    fix = f"install Python {wanted} or later and make the environment anew with it"
    return Finding(ROOM, "Python", Verdict.FAILS, found, fix)


def _system() -> Finding:
    found = f"{platform.system()} {platform.release()}, {platform.machine()}"
    if sys.platform == "linux":
        return Finding(ROOM, "system", Verdict.OK, found)
    fix = "for the full sandbox work on Linux, in a container or a virtual machine"
    return Finding(ROOM, "system", Verdict.NOTE, found, fix)


def _disk(folder: Path) -> Finding:
    here = folder.resolve()
    if not os.access(here, os.W_OK):
        fix = "choose a folder that you may write to: cd FOLDER, or --run FOLDER/NAME"
        return Finding(ROOM, "disk", Verdict.FAILS, f"{here} cannot be written", fix)
    free = shutil.disk_usage(here).free / _GB
    found = f"{free:.1f} GB free in {here}"
    if free >= GOOD_DISK_GB:
        return Finding(ROOM, "disk", Verdict.OK, found)
    verdict = Verdict.NOTE if free >= LEAST_DISK_GB else Verdict.FAILS
    return Finding(ROOM, "disk", verdict, found, "free some space, or name a roomier --run FOLDER")


def _memory() -> Finding:
    free = _available_bytes()
    if free is None:
        return Finding(ROOM, "memory", Verdict.OK, "not told by this system")
    found = f"{free / _GB:.1f} GB free"
    if free / _GB >= GOOD_MEMORY_GB:
        return Finding(ROOM, "memory", Verdict.OK, found)
    return Finding(ROOM, "memory", Verdict.NOTE, found, "search with --concurrency 64")


def _available_bytes() -> int | None:
    """What programs may still take, without swapping; Linux alone tells."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _processors() -> Finding:
    return Finding(ROOM, "processors", Verdict.OK, f"{os.cpu_count() or 1}")
