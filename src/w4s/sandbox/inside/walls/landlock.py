"""Landlock: no file, no TCP, no signal to anybody outside, whatever the system call.

In: nothing, or the one folder that stays open. The kernel's version decides how much can be
held.
"""

from __future__ import annotations

import ctypes
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


class Landlock:
    """The kernel's Landlock, as far as its version knows it."""

    def __init__(self, libc: ctypes.CDLL, processor: Processor) -> None:
        self._libc = libc
        self._numbers = processor.numbers
        create = self._numbers["landlock_create_ruleset"]
        self.abi = max(0, int(libc.syscall(create, None, 0, _VERSION_FLAG)))
        """The kernel's version; 0 when there is none or it is switched off."""
        self._rights = _FILE_RIGHTS[min(max(self.abi, 1), max(_FILE_RIGHTS))]

    def open_ruleset(self, folder: int | None = None) -> int:
        """The descriptor of rules that allow nothing, but in `folder`. Raises OSError."""
        attributes = struct.pack("<Q", self._rights)
        if self.abi >= 4:
            attributes += struct.pack("<Q", _TCP)
        if self.abi >= 6:
            attributes += struct.pack("<Q", _SCOPES)
        create = self._numbers["landlock_create_ruleset"]
        ruleset = int(self._libc.syscall(create, attributes, len(attributes), 0))
        if ruleset < 0:
            raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
        if folder is not None:
            self._allow(ruleset, folder)
        return ruleset

    def _allow(self, ruleset: int, folder: int) -> None:
        allowed = self._rights & ~(_DEVICE_NODES | _SOCKETS_AND_FIFOS | _EXECUTE)
        rule = struct.pack("<Qi", allowed, folder)
        add = self._numbers["landlock_add_rule"]
        if self._libc.syscall(add, ruleset, _PATH_BENEATH, rule, 0) != 0:
            raise OSError(ctypes.get_errno(), "landlock_add_rule")

    def restriction(self, ruleset: int) -> tuple[int, int, int]:
        """The system call that shuts this process in; it needs no_new_privs."""
        return self._numbers["landlock_restrict_self"], ruleset, 0
