"""Random numbers out of texts and seeds: the same in every process, on every machine.

In: a text. Out: as many uniform and normal numbers as are wanted, always in the same order.
"""

from __future__ import annotations

import hashlib
from statistics import NormalDist

_NORMAL = NormalDist()
_WORDS = 8
"""64-bit numbers in one block."""


class Dice:
    """Draws that belong to one text."""

    __slots__ = ("_block", "_drawn", "_numbers", "_text")

    def __init__(self, text: str) -> None:
        self._text = text.encode("utf-8", "surrogatepass")
        self._block = 0
        self._numbers: list[int] = []
        self._drawn = 0

    def uniform(self) -> float:
        """In the open interval from 0 to 1."""
        if self._drawn == len(self._numbers):
            self._refill()
        number = self._numbers[self._drawn]
        self._drawn += 1
        return ((number >> 12) + 0.5) / 2**52

    def normal(self) -> float:
        return _NORMAL.inv_cdf(self.uniform())

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        return int(self.uniform() * n)

    def chance(self, probability: float) -> bool:
        return self.uniform() < probability

    def _refill(self) -> None:
        salt = self._block.to_bytes(8, "little")
        block = hashlib.blake2b(self._text, digest_size=8 * _WORDS, salt=salt).digest()
        self._numbers = [
            int.from_bytes(block[i : i + 8], "little") for i in range(0, len(block), 8)
        ]
        self._block += 1
        self._drawn = 0
