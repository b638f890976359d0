"""Open a sandbox: choose the backend, prove its walls, and refuse where they do not stand.

In: what the user typed. Out: a running Sandbox, whose `canaries` go into the run's record. There
is no silent step down: without walls the program stops with a ConfigError, unless the user
asked for `unsafe` in so many words.
"""

from __future__ import annotations

import shutil
from enum import StrEnum

from w4s.errors import ConfigError
from w4s.sandbox.host import Profile, PythonSandbox
from w4s.sandbox.scratch import sweep


class Kind(StrEnum):
    """How untrusted code is held."""

    WALLS = "walls"
    """System-call filter, Landlock, a user of its own, limits; no root, no external program."""
    BWRAP = "bwrap"
    """The same inside bubblewrap: one more wall, where that program is installed and works."""
    UNSAFE = "unsafe"
    """Separate processes and limits alone. The code may read and change whatever you may."""


class Isolation(StrEnum):
    """Who shares a process."""

    PER_CALL = "per_call"
    """Nobody: one child per solver call."""
    BATCH = "batch"
    """The problems of one workflow, one after another: much cheaper, and state may leak between
    them (never to another workflow)."""


BWRAP = (
    *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
    *("--ro-bind", "/", "/", "--tmpfs", "/tmp", "--dev", "/dev", "--proc", "/proc"),
    *("--chdir", "/"),
)


async def open_sandbox(
    kind: Kind | str = Kind.WALLS,
    profile: Profile | str = Profile.NOFS,
    prelude: str = "",
    isolation: Isolation | str = Isolation.PER_CALL,
    concurrency: int = 1024,
) -> PythonSandbox:
    """A sandbox that is up, with its walls proven by canaries (see `PythonSandbox.canaries`).

    Raises ConfigError when this machine cannot hold what was asked for, SandboxError when the
    sandbox does not start at all.
    """
    kind, profile, isolation = _chosen(kind, profile, isolation)
    prefix: tuple[str, ...] = ()
    if kind is Kind.UNSAFE:
        profile = Profile.NONE
    elif kind is Kind.BWRAP:
        if shutil.which(BWRAP[0]) is None:
            raise ConfigError("bwrap is not installed; type --sandbox walls, which needs nothing")
        if profile is Profile.SCRATCH:
            raise ConfigError("bwrap holds no scratch folder; type --sandbox walls with it")
        prefix = BWRAP
    if profile is Profile.SCRATCH:
        if isolation is Isolation.BATCH:
            raise ConfigError(
                "a private folder belongs to one call; choose isolation per_call with scratch"
            )
        sweep()
    sandbox = PythonSandbox(
        prelude, concurrency, profile, batch=isolation is Isolation.BATCH, prefix=prefix
    )
    try:
        await sandbox.start()
    except BaseException:
        await sandbox.aclose()
        raise
    return sandbox


def _chosen(kind: str, profile: str, isolation: str) -> tuple[Kind, Profile, Isolation]:
    try:
        return Kind(kind), Profile(profile), Isolation(isolation)
    except ValueError as error:
        kinds = ", ".join(Kind)
        profiles = ", ".join(p for p in Profile if p is not Profile.NONE)
        raise ConfigError(
            f"{error}; sandboxes: {kinds}; profiles: {profiles}; isolation: {', '.join(Isolation)}"
        ) from None
