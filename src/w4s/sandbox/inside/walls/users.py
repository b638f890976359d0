"""User ids that belong to nobody, one per living child.

Only root can give them out; inside a container only those that the container knows.
"""

from __future__ import annotations

import os

_SPAN = 4_096
_HIGH_BASE = 1_879_048_192
"""Far above the ids of people and of the usual subordinate ranges."""
_CONTAINER_BASE = 61_000
"""Where only the usual 65,536 ids are mapped: above dynamic users, below `nobody`."""


class Users:
    """Hands out ids; empty where ids cannot be changed."""

    def __init__(self) -> None:
        self._base = _base() if _may_change_ids() else 0
        self._last = 0
        self._taken: dict[int, int] = {}
        self._in_use: set[int] = set()

    @property
    def available(self) -> bool:
        return self._base > 0

    def take(self, number: int) -> int | None:
        """An id for child `number` that no other living child has."""
        if not self._base:
            return None
        for _ in range(_SPAN):
            self._last = (self._last + 1) % _SPAN
            user = self._base + self._last
            if user not in self._in_use:
                self._in_use.add(user)
                self._taken[number] = user
                return user
        return None

    def give_back(self, number: int) -> None:
        if number in self._taken:
            self._in_use.discard(self._taken.pop(number))


def _may_change_ids() -> bool:
    if os.geteuid() != 0:
        return False
    with open("/proc/self/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("CapEff:"):
                effective = int(line.split()[1], 16)
                return bool(effective >> 6 & 1 and effective >> 7 & 1)  # SETGID, SETUID
    return False


def _base() -> int:
    for base in (_HIGH_BASE, _CONTAINER_BASE):
        if _mapped("uid", base) and _mapped("gid", base):
            return base
    return 0


def _mapped(kind: str, base: int) -> bool:
    with open(f"/proc/self/{kind}_map", encoding="utf-8") as file:
        for line in file:
            first, _, count = (int(word) for word in line.split())
            if first <= base and base + _SPAN <= first + count:
                return True
    return False
