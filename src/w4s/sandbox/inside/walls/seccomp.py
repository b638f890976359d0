"""The filter of system calls: an allow-list, compiled to the kernel's small BPF.

In: a processor and a profile. Out: instructions, which an `Installer` hands to the kernel. What is
not on the list answers EPERM, so that a program sees an ordinary PermissionError; a call in a
foreign calling convention ends the process.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Callable
from typing import NamedTuple

from w4s.sandbox.inside.walls.syscalls import Processor

LOAD, AND, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
ALLOW, ERRNO, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
REFUSE = ERRNO | errno.EPERM
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
"""Offsets in the kernel's `seccomp_data`; each argument takes eight bytes, low half first."""
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER, PR_SET_NAME = 38, 22, 2, 15

OWN_PID = -1
"""In a `Check`: the pid of the process that installs the filter."""


class Check(NamedTuple):
    """One argument, masked, must be one of the values."""

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    wide: bool = False
    """All 64 bits count (pointers, flag words); else the kernel itself reads only 32."""


class Filter(NamedTuple):
    """A compiled filter."""

    instructions: tuple[tuple[int, int, int, int], ...]
    """Code, jump if true, jump if false, constant."""
    pid_places: tuple[int, ...]
    """Which constants stand for the process's own pid."""

    def packed(self) -> bytes:
        """The kernel's form, with 0 for the process's own pid."""
        return b"".join(struct.pack("<HBBI", *instruction) for instruction in self.instructions)


_EVERYWHERE = """
read write readv writev lseek close fstat dup dup2 dup3 pipe pipe2 poll ppoll select
pselect6 epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 futex futex_waitv
set_robust_list rseq sched_yield getpid gettid getuid geteuid getgid getegid getcwd
clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrusage
setitimer getitimer alarm rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack rt_sigpending
rt_sigtimedwait rt_sigsuspend pause exit exit_group restart_syscall getrandom recvfrom
shutdown getsockname getpeername getsockopt brk mmap munmap mremap mprotect madvise
"""
"""Calls that reach nothing beyond the process itself and the descriptors it already holds."""

_THREAD = 0x003D0F00  # what pthread_create asks for: shares everything, no new process
_THREAD_OLD = 0x007D0F00  # the same with the historical CLONE_DETACHED (musl)

_FCNTL = (0, 1, 2, 3, 4, 1030)
_CONDITIONAL: dict[str, tuple[Check, ...]] = {
    "clone": (Check(0, (_THREAD, _THREAD_OLD), wide=True),),
    "kill": (Check(0, (OWN_PID,)),),
    "tgkill": (Check(0, (OWN_PID,)),),
    "prlimit64": (Check(0, (0, OWN_PID)),),
    "sched_getaffinity": (Check(0, (0, OWN_PID)),),
    # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC: no owner of signals, no leases,
    # no pipe sizes (pipes hold memory outside the address space)
    "fcntl": (Check(1, _FCNTL),),
    # FIONBIO, FIONREAD, FIOCLEX, FIONCLEX
    "ioctl": (Check(1, (0x5421, 0x541B, 0x5451, 0x5450)),),
    # asyncio wakes itself through a pair; a stream pair can never name another peer, a datagram
    # pair reaches any service by `sendto` with an address
    "socketpair": (Check(0, (1,)), Check(1, (1,), mask=0xF), Check(2, (0,))),
    "sendto": (Check(4, (0,), mask=0xFFFFFFFFFFFFFFFF, wide=True),),
    "prctl": (Check(0, (PR_SET_NAME,)),),
}

_SCRATCH = """
stat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getdents64 mkdir
mkdirat rmdir unlink unlinkat rename renameat renameat2 ftruncate fsync fdatasync pread64
pwrite64 chdir fchdir umask flock copy_file_range sendfile
"""
"""With a private folder, which Landlock guards."""

# O_TRUNC with read-only access would empty files that Landlock before ABI 3 lets be read;
# Landlock does not cover O_PATH.
_OPEN_FLAGS = (0, 1, 2, 0o1001, 0o1002)
_OPEN_MASK = 0o10001003
_SCRATCH_CONDITIONAL: dict[str, tuple[Check, ...]] = {
    "fcntl": (Check(1, (*_FCNTL, 5, 6, 7)),),  # besides: locks on the folder's own files
    "open": (Check(1, _OPEN_FLAGS, mask=_OPEN_MASK),),
    "openat": (Check(2, _OPEN_FLAGS, mask=_OPEN_MASK),),
}


class _Assembler:
    def __init__(self) -> None:
        self.instructions: list[tuple[int, int, int, int]] = []
        self.pid_places: list[int] = []

    def add(self, code: int, k: int, if_true: int = 0, if_false: int = 0) -> None:
        if k == OWN_PID:
            self.pid_places.append(len(self.instructions))
            k = 0
        self.instructions.append((code, if_true, if_false, k))

    def unless_equal(self, k: int, skip: int) -> None:
        self.add(JUMP_EQUAL, k, 0, skip)

    def check(self, check: Check) -> None:
        """Go on when the check holds, else refuse."""
        low = ARGUMENTS + 8 * check.argument
        if check.wide:
            self._compare(low + 4, check.mask >> 32 or 0xFFFFFFFF, (0,))
        self._compare(low, check.mask & 0xFFFFFFFF, check.values)

    def _compare(self, offset: int, mask: int, values: tuple[int, ...]) -> None:
        self.add(LOAD, offset)
        if mask != 0xFFFFFFFF:
            self.add(AND, mask)
        for index, value in enumerate(values):
            self.add(JUMP_EQUAL, value, len(values) - index, 0)
        self.add(RETURN, REFUSE)


def compile_filter(processor: Processor, *, scratch: bool) -> Filter:
    """The allow-list of a profile for one processor."""
    names = [*_EVERYWHERE.split(), *(_SCRATCH.split() if scratch else [])]
    conditional = {**_CONDITIONAL, **(_SCRATCH_CONDITIONAL if scratch else {})}
    out = _Assembler()
    out.add(LOAD, ARCHITECTURE)
    out.add(JUMP_EQUAL, processor.audit, 1, 0)
    out.add(RETURN, KILL_PROCESS)
    out.add(LOAD, NUMBER)
    if processor.foreign_bit:
        out.add(JUMP_AT_LEAST, processor.foreign_bit, 0, 1)
        out.add(RETURN, KILL_PROCESS)
    for name in names:
        if name in processor.numbers:
            out.unless_equal(processor.numbers[name], 1)
            out.add(RETURN, ALLOW)
    # its flags lie in memory, where a filter cannot look; libc then falls back to clone
    out.unless_equal(processor.numbers["clone3"], 1)
    out.add(RETURN, ERRNO | errno.ENOSYS)
    for name, checks in conditional.items():
        if name in processor.numbers:
            _append_conditional(out, processor.numbers[name], checks)
    out.add(RETURN, REFUSE)
    return Filter(tuple(out.instructions), tuple(out.pid_places))


def _append_conditional(out: _Assembler, number: int, checks: tuple[Check, ...]) -> None:
    block = _Assembler()
    for check in checks:
        block.check(check)
    block.add(RETURN, ALLOW)
    out.unless_equal(number, len(block.instructions))
    start = len(out.instructions)
    out.pid_places += [start + place for place in block.pid_places]
    out.instructions += block.instructions


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


class Installer:
    """A filter ready to be laid; prepared once, so that a child has little left to do."""

    def __init__(self, compiled: Filter, libc: ctypes.CDLL) -> None:
        raw = compiled.packed()
        self._buffer = ctypes.create_string_buffer(raw, len(raw))
        self._pids = [
            ctypes.c_uint32.from_buffer(self._buffer, place * 8 + 4)
            for place in compiled.pid_places
        ]
        self._program = _Program(len(raw) // 8, ctypes.addressof(self._buffer))

        self.steps: tuple[tuple[Callable[..., object], tuple[object, ...]], ...] = (
            (self._name_own_pid, ()),
            (libc.prctl, (PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(self._program), 0, 0)),
        )
        """The calls that lay the filter on a process for good."""

    def _name_own_pid(self) -> None:
        pid = os.getpid()
        for place in self._pids:
            place.value = pid
