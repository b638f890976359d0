"""How a child gives up its rights, in the order that the kernel demands.

Limits; a user id that belongs to nobody; no_new_privs; Landlock; no capabilities; the filter of
system calls. A layer that this machine lacks is left out only where the profile still holds
without it; otherwise `Walls` says what is missing, and nothing untrusted may run.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any

from w4s.sandbox.inside.walls import seccomp, syscalls
from w4s.sandbox.inside.walls.landlock import Landlock
from w4s.sandbox.inside.walls.users import Users

MEGABYTE = 1024 * 1024
OPEN_DESCRIPTORS = 64
THREADS = 128
SCRATCH_FILE_BYTES = 64 * MEGABYTE
PENDING_SIGNALS = 256
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
_CAPABILITIES_VERSION_3 = 0x20080522
_NO_CAPABILITIES = struct.pack("<Ii", _CAPABILITIES_VERSION_3, 0), struct.pack("<6I", *[0] * 6)

Step = tuple[Callable[..., object], tuple[Any, ...]]
"""A call and what it is given; it gives nothing, or 0, when it did what it should."""


class Walls:
    """Prepared once in the zygote; `lock` runs in every child.

    `profile` is `nofs`, `scratch`, or `none` (limits only).
    """

    def __init__(self, profile: str, use_landlock: bool = True) -> None:
        self.profile = profile
        self.problem = ""
        """Why this machine cannot hold untrusted code under this profile; empty when it can."""
        self.landlock_abi = 0
        self.ruleset: int | None = None
        """The descriptor of Landlock's rules, which a child needs until it is locked."""
        self._zygote = os.getpid()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._memory = _own_address_space()
        self._threads = _threads_of_everybody() + THREADS * 16
        self._fenced = profile != "none"
        self.users = Users() if self._fenced and sys.platform == "linux" else None
        if self._fenced and sys.platform != "darwin":
            self._prepare(use_landlock)

    def _prepare(self, use_landlock: bool) -> None:
        processor = syscalls.of_machine(os.uname().machine)
        if sys.platform != "linux" or processor is None:
            self.problem = f"no walls for {sys.platform} on {os.uname().machine}"
            return
        self._processor = processor
        if use_landlock:
            self._landlock = Landlock(self._libc, processor)
            self.landlock_abi = self._landlock.abi
        if self.landlock_abi:
            self.ruleset = self._landlock.open_ruleset()
        if self.profile == "scratch" and not self.landlock_abi:
            self.problem = "the profile scratch needs Landlock, which this kernel does not offer"
        compiled = seccomp.compile_filter(processor, scratch=self.profile == "scratch")
        self._filter = seccomp.Installer(compiled, self._libc)

    def lock(self, order: dict[str, Any]) -> None:
        """Shut this process in. Raises when a layer that should hold cannot be laid."""
        if self.problem:
            raise RuntimeError(self.problem)
        if self._fenced and sys.platform == "linux":
            folder, ruleset = None, self.ruleset
            if order["folder"]:
                folder = _enter(order["folder"], order["user"])
                ruleset = self._ruleset_of_its_own(folder)
            _take(self._on_linux(order, folder, ruleset))
        else:
            _take(self._limits(order, SCRATCH_FILE_BYTES))
            if self._fenced:
                _seatbelt()

    def _ruleset_of_its_own(self, folder: int) -> int:
        """The common one is closed: a rule that one child adds to it would hold for all."""
        if self.ruleset is not None:
            os.close(self.ruleset)
        return self._landlock.open_ruleset(folder)

    def rehearse(self, order: dict[str, Any]) -> None:
        """Go through the motions of `lock`, in the zygote: nothing changes."""
        if self._fenced and sys.platform == "linux" and not self.problem:
            steps = self._on_linux(order, None, self.ruleset)
            _take([(_nothing, arguments) for _, arguments in steps])

    def _on_linux(
        self, order: dict[str, Any], folder: int | None, ruleset: int | None
    ) -> list[Step]:
        user = order["user"]
        steps = self._limits(order, SCRATCH_FILE_BYTES if folder is not None else 0)
        # a user of its own counts its own threads; a shared one counts everybody's
        most = THREADS if user is not None else self._threads
        steps.append((resource.setrlimit, (resource.RLIMIT_NPROC, (most, most))))
        if user is not None:
            steps += self._change_of_user(user)
        # a crash would hand the memory to the system's crash reporter, whatever RLIMIT_CORE says
        steps.append((self._libc.prctl, (PR_SET_DUMPABLE, 0, 0, 0, 0)))
        steps.append((self._libc.prctl, (seccomp.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)))
        if ruleset is not None:
            steps.append((self._libc.syscall, self._landlock.restriction(ruleset)))
            steps.append((os.close, (ruleset,)))
        if folder is not None:
            steps.append((os.close, (folder,)))
        steps.append((self._libc.syscall, (self._processor.numbers["capset"], *_NO_CAPABILITIES)))
        steps += self._filter.steps
        return steps

    def _change_of_user(self, user: int) -> list[Step]:
        """A change of user clears the death signal, so it is set again."""
        return [
            (os.setgroups, ([],)),
            (os.setresgid, (user, user, user)),
            (os.setresuid, (user, user, user)),
            (self._libc.prctl, (PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)),
            (exit_unless_child_of, (self._zygote,)),
        ]

    def _limits(self, order: dict[str, Any], file_bytes: int) -> list[Step]:
        limits = [
            (resource.RLIMIT_CPU, order["cpu_hard_seconds"]),
            (resource.RLIMIT_NOFILE, OPEN_DESCRIPTORS),
            (resource.RLIMIT_FSIZE, file_bytes),
            (resource.RLIMIT_MEMLOCK, 0),
        ]
        if self._memory:
            limits.append((resource.RLIMIT_AS, self._memory + order["memory_mb"] * MEGABYTE))
        if sys.platform == "linux":
            limits.append((resource.RLIMIT_MSGQUEUE, 0))
            limits.append((resource.RLIMIT_SIGPENDING, PENDING_SIGNALS))
        return [(resource.setrlimit, (name, (value, value))) for name, value in limits]


def _take(steps: list[Step]) -> None:
    for call, arguments in steps:
        if call(*arguments):
            raise OSError(ctypes.get_errno(), f"{getattr(call, '__name__', call)}{arguments}")


def _nothing(*arguments: object) -> None:
    """In place of a step."""


def exit_unless_child_of(parent: int) -> None:
    """For a child that would outlive the zygote, because that died before it could say so."""
    if os.getppid() != parent:
        os._exit(0)


def _enter(path: str, user: int | None) -> int:
    """Make the private folder the working directory; its descriptor, opened while we may."""
    if user is not None:
        os.chown(path, user, user)
    os.chdir(path)
    os.environ["HOME"] = os.environ["TMPDIR"] = path
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _own_address_space() -> int:
    """Bytes that the zygote has mapped; 0 where that cannot be read (and is not enforced)."""
    with contextlib.suppress(OSError), open("/proc/self/statm", encoding="utf-8") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
    return 0


def _threads_of_everybody() -> int:
    """All threads of the machine: an upper bound for those of this user, in one read."""
    with contextlib.suppress(OSError), open("/proc/loadavg", encoding="utf-8") as file:
        return int(file.read().split()[3].split("/")[1])
    return 4096


def _seatbelt() -> None:
    """macOS, best effort: the system's own profile for programs that only compute."""
    library = ctypes.CDLL("/usr/lib/libsandbox.1.dylib", use_errno=True)
    message = ctypes.c_char_p()
    if library.sandbox_init(b"pure-computation", 1, ctypes.byref(message)) != 0:
        raise OSError(f"sandbox_init: {message.value!r}")
