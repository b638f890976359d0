"""Landlock: no file, no TCP, no signal to anybody outside, whatever the system call.

In: nothing, or the one folder that stays open. The kernel's version decides how much can be
held; `version` says 0 where Landlock is missing.
"""

from __future__ import annotations

import ctypes
import os
import struct

from w4s.sandbox.inside.walls.syscalls import Processor

_FILE_RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}
"""All rights over files that each version knows."""
_DEVICE_NODES = 1 << 6 | 1 << 11
"""Make character and block devices: never allowed, not even in the private folder."""
_SOCKETS_AND_FIFOS = 1 << 9 | 1 << 10
_EXECUTE = 1
_TCP = 0b11
"""Bind and connect, from version 4."""
_SCOPES = 0b11
"""Abstract unix sockets and signals, from version 6."""
_VERSION_FLAG = 1
_PATH_BENEATH = 1


def version(libc: ctypes.CDLL, processor: Processor) -> int:
    """The kernel's Landlock ABI; 0 when there is none or it is switched off."""
    number = processor.numbers["landlock_create_ruleset"]
    return max(0, int(libc.syscall(number, None, 0, _VERSION_FLAG)))


def restrict(libc: ctypes.CDLL, processor: Processor, abi: int, folder: int | None) -> None:
    """Shut this process in; `folder` is the descriptor of the one that stays open.

    Needs no_new_privs. Raises OSError.
    """
    rights = _FILE_RIGHTS[min(abi, max(_FILE_RIGHTS))]
    attributes = struct.pack("<Q", rights)
    if abi >= 4:
        attributes += struct.pack("<Q", _TCP)
    if abi >= 6:
        attributes += struct.pack("<Q", _SCOPES)
    numbers = processor.numbers
    ruleset = libc.syscall(numbers["landlock_create_ruleset"], attributes, len(attributes), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    try:
        if folder is not None:
            allowed = rights & ~(_DEVICE_NODES | _SOCKETS_AND_FIFOS | _EXECUTE)
            rule = struct.pack("<Qi", allowed, folder)
            if libc.syscall(numbers["landlock_add_rule"], ruleset, _PATH_BENEATH, rule, 0) != 0:
                raise OSError(ctypes.get_errno(), "landlock_add_rule")
        if libc.syscall(numbers["landlock_restrict_self"], ruleset, 0) != 0:
            raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    finally:
        os.close(ruleset)
