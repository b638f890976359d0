"""The command line as a user has it: a process of its own, real files, a real server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

W4S = (sys.executable, "-c", "from w4s.cli.main import main; main()")
TASK = "toy_ledger"
SMALL = ("--private", "24", "--public", "4", "--test", "30")
"""Sizes for searches that take seconds."""


@dataclass(frozen=True)
class Server:
    """A simulated server in a process of its own."""

    url: str

    @property
    def executor(self) -> str:
        return f"openai:simulated@{self.url}"

    def stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/stats") as reply:
            stats: dict[str, Any] = json.load(reply)
        return stats


@dataclass(frozen=True)
class CommandLine:
    """Runs `w4s` in a folder."""

    folder: Path

    def __call__(
        self, *words: str | Path, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*W4S, *map(str, words)],
            cwd=self.folder,
            env=_environ(environ),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """Without waiting for its end."""
        return subprocess.Popen(
            [*W4S, *map(str, words)],
            cwd=self.folder,
            env=_environ(None),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def serving(self, *words: str) -> Iterator[Server]:
        """`w4s serve-simulated` on a free port."""
        process = self.start("serve-simulated", "--port", "0", *words)
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = process.stdout.readline()
            found = re.search(r"http://\S+/v1", line)
            assert found, line + process.stderr.read()
            yield Server(found[0])
        finally:
            process.terminate()
            process.communicate(timeout=20)


def _environ(changes: Mapping[str, str] | None) -> dict[str, str]:
    plain = {k: v for k, v in os.environ.items() if k != "OPENAI_API_KEY"}
    return plain | dict(changes or {})


def results(run: Path) -> Any:
    """What a run found, without what it took: equal for equal runs."""
    turns = [json.loads(line) for line in (run / "turns.jsonl").read_text().splitlines()[1:]]
    return {
        "best": (run / "best_workflow.py").read_text(),
        "turns": [_without_costs(turn) for turn in turns],
    }


def _without_costs(value: Any) -> Any:
    """Usage and time depend on the cache and the machine."""
    if isinstance(value, dict):
        return {k: _without_costs(v) for k, v in value.items() if k not in ("usage", "seconds")}
    if isinstance(value, list):
        return [_without_costs(item) for item in value]
    return value
