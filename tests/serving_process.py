"""`w4s serve` in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from command_line import CommandLine


@dataclass(frozen=True)
class Serving:
    """A served workflow in a process of its own."""

    process: subprocess.Popen[str]
    url: str
    model: str

    def ask(self, question: str) -> dict[str, Any]:
        body = {"model": self.model, "messages": [{"role": "user", "content": question}]}
        request = urllib.request.Request(
            f"{self.url}/chat/completions", json.dumps(body).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            told: dict[str, Any] = json.load(answer)
        return told

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/health") as answer:
            told: dict[str, Any] = json.load(answer)
        return told


@contextmanager
def serving(w4s: CommandLine, *words: str) -> Iterator[Serving]:
    process = w4s.start("serve", "--port", "0", *words)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        found = re.search(r" as (\S+) at (http://\S+/v1)", line)
        assert found, line + process.stderr.read()
        yield Serving(process, found[2], found[1])
    finally:
        process.kill()
        process.communicate(timeout=30)
