"""A simulated server in a process of its own, with the account of its processor time.

In: how to start it. Out: its base URL and, at any moment, its seconds of CPU.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks._processes import cpu_seconds

FIXED = """
import asyncio
from w4s.models.base import Choice
from w4s.models.simulated_server import serve_forever

class Fixed:
    name = "fixed"
    def sample(self, messages, sampling):
        return Choice('{"reasoning": "' + "one step, then another. " * 15 + '", "answer": "42"}')

asyncio.run(serve_forever(Fixed(), port=0, started=lambda s: print(s.url, flush=True)))
"""
"""A server whose replies cost nothing to make."""


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    url: str
    """Its base URL, with /v1."""
    pid: int

    @property
    def cpu_seconds(self) -> float:
        """What it has used so far, user and system."""
        return cpu_seconds(self.pid)


@contextmanager
def served(command: Sequence[str] = (sys.executable, "-c", FIXED)) -> Iterator[Served]:
    """Run the server inside the block. Its first line of output that holds a URL names it."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                words = [word for word in line.split() if word.startswith("http://")]
                if words:
                    yield Served(words[0], process.pid)
                    return
            raise RuntimeError("the simulated server did not start")
        finally:
            process.terminate()
