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
from typing import Any

from w4s.sandbox.inside.walls import landlock, seccomp, syscalls
from w4s.sandbox.inside.walls.users import Users

MEGABYTE = 1024 * 1024
OPEN_DESCRIPTORS = 64
THREADS = 128
SCRATCH_FILE_BYTES = 64 * MEGABYTE
PENDING_SIGNALS = 256
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
_CAPABILITIES_VERSION_3 = 0x20080522


class Walls:
    """Prepared once in the zygote; `lock` runs in every child.

    `profile` is `nofs`, `scratch`, or `none` (limits only).
    """

    def __init__(self, profile: str, use_landlock: bool = True) -> None:
        self.profile = profile
        self.problem = ""
        """Why this machine cannot hold untrusted code under this profile; empty when it can."""
        self.landlock_abi = 0
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._memory = _own_address_space()
        self._threads = _threads_of_everybody() + THREADS * 16
        self.users = Users() if profile != "none" and sys.platform == "linux" else None
        if profile != "none":
            self._prepare(use_landlock)

    def _prepare(self, use_landlock: bool) -> None:
        if sys.platform == "darwin":
            return
        processor = syscalls.of_machine(os.uname().machine)
        if sys.platform != "linux" or processor is None:
            self.problem = f"no walls for {sys.platform} on {os.uname().machine}"
            return
        self._processor = processor
        if use_landlock:
            self.landlock_abi = landlock.version(self._libc, processor)
        if self.profile == "scratch" and not self.landlock_abi:
            self.problem = "the profile scratch needs Landlock, which this kernel does not offer"
        compiled = seccomp.compile_filter(processor, scratch=self.profile == "scratch")
        self._filter = seccomp.Installer(compiled, self._libc)

    def lock(self, order: dict[str, Any]) -> None:
        """Shut this process in. Raises when a layer that should hold cannot be laid."""
        if self.problem:
            raise RuntimeError(self.problem)
        if self.profile == "none":
            self._limit(order, file_bytes=SCRATCH_FILE_BYTES)
        elif sys.platform == "darwin":
            self._limit(order, file_bytes=SCRATCH_FILE_BYTES)
            _seatbelt()
        else:
            self._lock_linux(order)

    def _lock_linux(self, order: dict[str, Any]) -> None:
        folder = _enter(order["folder"], order["user"]) if order["folder"] else None
        self._limit(order, file_bytes=SCRATCH_FILE_BYTES if folder is not None else 0)
        resource.setrlimit(resource.RLIMIT_NPROC, (self._most_threads(order),) * 2)
        if order["user"] is not None:
            self._become(order["user"])
        # a crash would hand the memory to the system's crash reporter, whatever RLIMIT_CORE says
        self._libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        if self._libc.prctl(seccomp.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no_new_privs")
        if self.landlock_abi:
            landlock.restrict(self._libc, self._processor, self.landlock_abi, folder)
        if folder is not None:
            os.close(folder)
        self._drop_capabilities()
        self._filter.install()

    def _most_threads(self, order: dict[str, Any]) -> int:
        """A user of its own counts its own threads; a shared one counts everybody's."""
        return THREADS if order["user"] is not None else self._threads

    def _limit(self, order: dict[str, Any], file_bytes: int) -> None:
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
        for name, value in limits:
            resource.setrlimit(name, (value, value))

    def _become(self, user: int) -> None:
        """A change of user clears the death signal, so it is set again."""
        parent = os.getppid()
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        self._libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(0)

    def _drop_capabilities(self) -> None:
        header = struct.pack("<Ii", _CAPABILITIES_VERSION_3, 0)
        number = self._processor.numbers["capset"]
        if self._libc.syscall(number, header, struct.pack("<6I", *[0] * 6)) != 0:
            raise OSError(ctypes.get_errno(), "capset")


def _enter(path: str, user: int | None) -> int:
    """Make the private folder the working directory; its descriptor, opened while we may."""
    if user is not None:
        os.chown(path, user, user)
    os.chdir(path)
    os.environ["HOME"] = os.environ["TMPDIR"] = path
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _own_address_space() -> int:
    """Bytes that the zygote has mapped; 0 where that cannot be read (and is not enforced)."""
    with contextlib.suppress(OSError), open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
    return 0


def _threads_of_everybody() -> int:
    """All threads of the machine: an upper bound for those of this user, in one read."""
    with contextlib.suppress(OSError), open("/proc/loadavg") as file:
        return int(file.read().split()[3].split("/")[1])
    return 4096


def _seatbelt() -> None:
    """macOS, best effort: the system's own profile for programs that only compute."""
    library = ctypes.CDLL("/usr/lib/libsandbox.1.dylib", use_errno=True)
    message = ctypes.c_char_p()
    if library.sandbox_init(b"pure-computation", 1, ctypes.byref(message)) != 0:
        raise OSError(f"sandbox_init: {message.value!r}")
