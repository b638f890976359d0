"""Numbers of the system calls that the policy names, for the two supported processors.

From the kernel's `unistd_64.h` (x86-64) and `asm-generic/unistd.h` (aarch64, which lacks the
older calls).
"""

from __future__ import annotations

from typing import NamedTuple

_TABLE: tuple[tuple[str, int | None, int | None], ...] = (
    ("read", 0, 63),
    ("write", 1, 64),
    ("readv", 19, 65),
    ("writev", 20, 66),
    ("lseek", 8, 62),
    ("close", 3, 57),
    ("fstat", 5, 80),
    ("dup", 32, 23),
    ("dup2", 33, None),
    ("dup3", 292, 24),
    ("pipe", 22, None),
    ("pipe2", 293, 59),
    ("poll", 7, None),
    ("ppoll", 271, 73),
    ("select", 23, None),
    ("pselect6", 270, 72),
    ("epoll_create1", 291, 20),
    ("epoll_ctl", 233, 21),
    ("epoll_wait", 232, None),
    ("epoll_pwait", 281, 22),
    ("epoll_pwait2", 441, 441),
    ("futex", 202, 98),
    ("futex_waitv", 449, 449),
    ("set_robust_list", 273, 99),
    ("rseq", 334, 293),
    ("sched_yield", 24, 124),
    ("getpid", 39, 172),
    ("gettid", 186, 178),
    ("getuid", 102, 174),
    ("geteuid", 107, 175),
    ("getgid", 104, 176),
    ("getegid", 108, 177),
    ("clock_gettime", 228, 113),
    ("clock_getres", 229, 114),
    ("clock_nanosleep", 230, 115),
    ("nanosleep", 35, 101),
    ("gettimeofday", 96, 169),
    ("time", 201, None),
    ("times", 100, 153),
    ("getrusage", 98, 165),
    ("setitimer", 38, 103),
    ("getitimer", 36, 102),
    ("alarm", 37, None),
    ("rt_sigaction", 13, 134),
    ("rt_sigprocmask", 14, 135),
    ("rt_sigreturn", 15, 139),
    ("sigaltstack", 131, 132),
    ("rt_sigpending", 127, 136),
    ("rt_sigtimedwait", 128, 137),
    ("rt_sigsuspend", 130, 133),
    ("pause", 34, None),
    ("exit", 60, 93),
    ("exit_group", 231, 94),
    ("restart_syscall", 219, 128),
    ("getrandom", 318, 278),
    ("recvfrom", 45, 207),
    ("sendto", 44, 206),
    ("shutdown", 48, 210),
    ("getsockname", 51, 204),
    ("getpeername", 52, 205),
    ("getsockopt", 55, 209),
    ("socketpair", 53, 199),
    ("brk", 12, 214),
    ("mmap", 9, 222),
    ("munmap", 11, 215),
    ("mremap", 25, 216),
    ("mprotect", 10, 226),
    ("madvise", 28, 233),
    ("clone", 56, 220),
    ("clone3", 435, 435),
    ("kill", 62, 129),
    ("tgkill", 234, 131),
    ("prlimit64", 302, 261),
    ("fcntl", 72, 25),
    ("ioctl", 16, 29),
    ("prctl", 157, 167),
    ("sched_getaffinity", 204, 123),
    ("getcwd", 79, 17),
    ("open", 2, None),
    ("openat", 257, 56),
    ("stat", 4, None),
    ("lstat", 6, None),
    ("newfstatat", 262, 79),
    ("statx", 332, 291),
    ("access", 21, None),
    ("faccessat", 269, 48),
    ("faccessat2", 439, 439),
    ("mkdir", 83, None),
    ("mkdirat", 258, 34),
    ("rmdir", 84, None),
    ("unlink", 87, None),
    ("unlinkat", 263, 35),
    ("rename", 82, None),
    ("renameat", 264, 38),
    ("renameat2", 316, 276),
    ("readlink", 89, None),
    ("readlinkat", 267, 78),
    ("getdents64", 217, 61),
    ("ftruncate", 77, 46),
    ("fsync", 74, 82),
    ("fdatasync", 75, 83),
    ("pread64", 17, 67),
    ("pwrite64", 18, 68),
    ("chdir", 80, 49),
    ("fchdir", 81, 50),
    ("umask", 95, 166),
    ("flock", 73, 32),
    ("copy_file_range", 326, 285),
    ("sendfile", 40, 71),
    ("landlock_create_ruleset", 444, 444),
    ("landlock_add_rule", 445, 445),
    ("landlock_restrict_self", 446, 446),
    ("capset", 126, 91),
)


class Processor(NamedTuple):
    """One architecture as seccomp sees it."""

    machine: str
    """As `os.uname().machine` says."""
    audit: int
    """The kernel's AUDIT_ARCH value."""
    numbers: dict[str, int]
    foreign_bit: int = 0
    """Set in the numbers of another calling convention (x32); 0 where there is none."""


X86_64 = Processor(
    "x86_64", 0xC000003E, {n: x for n, x, _ in _TABLE if x is not None}, foreign_bit=0x40000000
)
AARCH64 = Processor("aarch64", 0xC00000B7, {n: a for n, _, a in _TABLE if a is not None})


def of_machine(machine: str) -> Processor | None:
    """The table for `os.uname().machine`; None for a processor without one."""
    return {"x86_64": X86_64, "aarch64": AARCH64, "arm64": AARCH64}.get(machine)
