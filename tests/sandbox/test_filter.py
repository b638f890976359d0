"""The system-call filter, evaluated as the kernel would, for both processors.

The aarch64 filter has never run on such a machine; here every number and argument that matters
goes through an interpreter of the kernel's small BPF.
"""

from __future__ import annotations

import errno
import os
import struct

import pytest

from w4s.sandbox.inside.walls.seccomp import (
    ALLOW,
    AND,
    ERRNO,
    JUMP_AT_LEAST,
    JUMP_EQUAL,
    KILL_PROCESS,
    LOAD,
    REFUSE,
    RETURN,
    compile_filter,
)
from w4s.sandbox.inside.walls.syscalls import AARCH64, X86_64, Processor

PID = 4242
PROCESSORS = pytest.mark.parametrize("processor", [X86_64, AARCH64], ids=lambda p: p.machine)
HIGH = 1 << 32


def verdict(
    processor: Processor,
    name: str | int,
    *arguments: int,
    scratch: bool = False,
    audit: int | None = None,
) -> int:
    """What the kernel would do with this call."""
    number = processor.numbers[name] if isinstance(name, str) else name
    compiled = compile_filter(processor, scratch=scratch)
    program = list(struct.iter_unpack("<HBBI", compiled.packed()))
    for place in compiled.pid_places:
        program[place] = (*program[place][:3], PID)
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack(
        "<IIQ6Q",
        number,
        processor.audit if audit is None else audit,
        0,
        *(a % 2**64 for a in padded),
    )
    accumulator = place = 0
    for _ in range(len(program)):
        code, if_true, if_false, k = program[place]
        place += 1
        if code == LOAD:
            (accumulator,) = struct.unpack_from("<I", data, k)
        elif code == AND:
            accumulator &= k
        elif code == JUMP_EQUAL:
            place += if_true if accumulator == k else if_false
        elif code == JUMP_AT_LEAST:
            place += if_true if accumulator >= k else if_false
        else:
            assert code == RETURN
            return int(k)
    raise AssertionError("the filter does not end")


@PROCESSORS
def test_a_foreign_architecture_is_killed(processor: Processor) -> None:
    assert verdict(processor, "read", audit=0x40000003) == KILL_PROCESS


def test_the_x32_convention_is_killed() -> None:
    assert verdict(X86_64, 0x40000000) == KILL_PROCESS
    assert verdict(X86_64, 0xFFFFFFFF) == KILL_PROCESS


@PROCESSORS
def test_most_calls_are_refused(processor: Processor) -> None:
    allowed = [n for n in range(600) if verdict(processor, n) == ALLOW]
    names = {number: name for name, number in processor.numbers.items()}
    assert all(number in names for number in allowed)
    assert len(allowed) < 85
    for never in ("openat", "newfstatat", "statx", "mkdirat", "unlinkat", "readlinkat", "capset"):
        assert processor.numbers[never] not in allowed


@PROCESSORS
@pytest.mark.parametrize("number_of", ["landlock_restrict_self", "openat", "chdir", "umask"])
def test_paths_are_refused_without_files(processor: Processor, number_of: str) -> None:
    assert verdict(processor, number_of) == REFUSE


@PROCESSORS
@pytest.mark.parametrize(
    ("name", "arguments", "allowed"),
    [
        ("clone", (0x003D0F00,), True),
        ("clone", (0x007D0F00,), True),
        ("clone", (17,), False),
        ("clone", (0x003D0F00 | 0x10000000,), False),
        ("clone", (0x003D0F00 | HIGH,), False),
        ("kill", (PID, 9), True),
        ("kill", (PID + 1, 9), False),
        ("kill", (0, 9), False),
        ("kill", (-1, 9), False),
        ("tgkill", (PID, PID, 6), True),
        ("tgkill", (1, 1, 6), False),
        ("prlimit64", (0, 7), True),
        ("prlimit64", (PID, 7), True),
        ("prlimit64", (1, 7), False),
        ("sched_getaffinity", (0,), True),
        ("sched_getaffinity", (1,), False),
        ("fcntl", (3, 1030), True),
        ("fcntl", (3, 8), False),  # F_SETOWN
        ("fcntl", (3, 1031), False),  # F_SETPIPE_SZ
        ("ioctl", (3, 0x5421), True),
        ("ioctl", (3, 0x5412), False),  # TIOCSTI
        ("socketpair", (1, 1, 0), True),
        ("socketpair", (1, 1 | 0o2004000, 0), True),
        ("socketpair", (1, 2, 0), False),
        ("socketpair", (1, 5, 0), False),
        ("socketpair", (2, 1, 0), False),
        ("sendto", (3, 0x1000, 5, 0, 0, 0), True),
        ("sendto", (3, 0x1000, 5, 0, 0x2000, 16), False),
        ("sendto", (3, 0x1000, 5, 0, HIGH, 16), False),
        ("prctl", (15,), True),
        ("prctl", (1, 0), False),
        ("prctl", (4, 1), False),
    ],
)
def test_arguments_decide(
    processor: Processor, name: str, arguments: tuple[int, ...], allowed: bool
) -> None:
    assert verdict(processor, name, *arguments) == (ALLOW if allowed else REFUSE)


@PROCESSORS
def test_clone3_seems_not_to_exist(processor: Processor) -> None:
    assert verdict(processor, "clone3") == ERRNO | errno.ENOSYS


@PROCESSORS
@pytest.mark.parametrize(
    ("flags", "allowed"),
    [
        (os.O_RDONLY, True),
        (os.O_WRONLY | os.O_CREAT | os.O_TRUNC, True),
        (os.O_RDWR | os.O_TRUNC, True),
        (os.O_RDONLY | os.O_TRUNC, False),
        (0o10000000, False),  # O_PATH
    ],
)
def test_opening_in_the_private_folder(processor: Processor, flags: int, allowed: bool) -> None:
    wanted = ALLOW if allowed else REFUSE
    assert verdict(processor, "openat", -100, 0, flags, scratch=True) == wanted
    if "open" in processor.numbers:
        assert verdict(processor, "open", 0, flags, scratch=True) == wanted


@PROCESSORS
@pytest.mark.parametrize("scratch", [False, True])
def test_jumps_stay_inside(processor: Processor, scratch: bool) -> None:
    compiled = compile_filter(processor, scratch=scratch)
    for place, (code, if_true, if_false, _) in enumerate(compiled.instructions):
        if code in (JUMP_EQUAL, JUMP_AT_LEAST):
            assert place + 1 + max(if_true, if_false) < len(compiled.instructions)
            assert max(if_true, if_false) < 256
    assert compiled.instructions[-1][0] == RETURN
