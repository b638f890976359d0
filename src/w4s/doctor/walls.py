"""The sandbox: does it hold untrusted code here, and by what?

In: nothing. Out: Findings. Each kind of sandbox is opened for real: its canaries try what no
program may, and one harmless program has to come back with its answer.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from w4s.doctor.finding import Finding, Verdict
from w4s.errors import ConfigError, SandboxError
from w4s.sandbox import Kind, open_sandbox
from w4s.sandbox.base import Ending, Job
from w4s.sandbox.host import Profile
from w4s.types import JSON

ROOM = "sandbox"
_PROGRAM = Job("def solver():\n    return 6 * 7\n")


async def check_walls() -> list[Finding]:
    """The walls a search uses by default, then what can be chosen beside them."""
    walls = await _opened("walls", Kind.WALLS, Profile.NOFS, needed=True)
    if walls.verdict is Verdict.FAILS:
        return [walls]
    scratch = await _opened("a private folder", Kind.WALLS, Profile.SCRATCH, needed=False)
    bwrap = await _opened("bubblewrap", Kind.BWRAP, Profile.NOFS, needed=False)
    return [walls, scratch, bwrap]


async def _opened(what: str, kind: Kind, profile: Profile, *, needed: bool) -> Finding:
    start = time.monotonic()
    try:
        sandbox = await open_sandbox(kind, profile)
    except (ConfigError, SandboxError) as error:
        return _refused(what, str(error), needed=needed)
    try:
        milliseconds = 1000 * (time.monotonic() - start)
        result = await sandbox.run(_PROGRAM)
        record = sandbox.canaries()
    except SandboxError as error:
        return _refused(what, str(error), needed=needed)
    finally:
        await sandbox.aclose()
    if result.ending is not Ending.RETURNED:
        return _refused(what, f"a harmless program ended with {result.ending}", needed=needed)
    return Finding(ROOM, what, Verdict.OK, f"{_standing(record)}, up in {milliseconds:.0f} ms")


def _standing(record: dict[str, JSON]) -> str:
    held = record.get("held")
    attempts = len(held) if isinstance(held, Sequence) else 0
    landlock = record.get("landlock")
    by = f"seccomp and Landlock {landlock}" if landlock else "seccomp"
    return f"{attempts} of {attempts} canaries held, by {by}"


def _refused(what: str, reason: str, *, needed: bool) -> Finding:
    """Opening says itself what to type, behind its semicolon."""
    found, _, advice = reason.partition("; ")
    if needed:
        fix = (
            "use a machine or container that allows seccomp (docs/safety.md);"
            " only on one that may be lost: --sandbox unsafe"
        )
        return Finding(ROOM, what, Verdict.FAILS, found, fix)
    return Finding(ROOM, what, Verdict.NOTE, found, advice)
