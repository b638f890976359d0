"""The command line as a user has it: real files, a real server, processes where they matter."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from w4s.cli.main import main

W4S = (sys.executable, "-P", "-c", "from w4s.cli.main import main; main()")
TASK = "toy_ledger"
SMALL = ("--private", "16", "--public", "2", "--test", "20")
"""Sizes for searches that take seconds."""


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    returncode: int
    stdout: str
    stderr: str


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

    def __call__(self, *words: str, environ: Mapping[str, str] | None = None) -> Done:
        """In this process, which saves the time to load it all anew."""
        out, errors = io.StringIO(), io.StringIO()
        code = 0
        with (
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(errors),
            patch.dict(os.environ, _environ(environ), clear=True),
            patch.object(sys, "argv", ["w4s", *words]),
        ):
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
        return Done(code, out.getvalue(), errors.getvalue())

    def start(self, *words: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """In a process of its own, without waiting for its end."""
        return subprocess.Popen(
            [*W4S, *words],
            cwd=self.folder,
            env=_environ(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def process(self, *words: str, environ: Mapping[str, str] | None = None) -> Done:
        """In a process of its own, to its end."""
        process = self.start(*words, environ=environ)
        try:
            out, errors = process.communicate(timeout=280)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Done(process.returncode, out, errors)

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
            process.communicate(timeout=30)


def results(run: Path) -> Any:
    """What a run found, without what it took: equal for equal runs."""
    turns = [json.loads(line) for line in (run / "turns.jsonl").read_text().splitlines()[1:]]
    return {
        "best": (run / "best_workflow.py").read_text(),
        "turns": [without_costs(turn) for turn in turns],
    }


def not_committed(run: Path, account: str = "search_calls.sqlite") -> int:
    """Calls that a killed process had sent, or was about to, and whose reply is not on disk."""
    ledger, replies = run / account, run / "replies.sqlite"
    if not ledger.exists():
        return 0
    with closing(sqlite3.connect(ledger)) as calls:
        sent = calls.execute("SELECT count(*) FROM calls WHERE state IN ('open', 'done')")
        count: int = sent.fetchone()[0]
        meta = calls.execute(
            "SELECT count(*) FROM calls WHERE state IN ('open', 'done') AND role = 'meta_agent'"
        )
        count -= meta.fetchone()[0]
    if replies.exists():
        with closing(sqlite3.connect(replies)) as kept:
            count -= kept.execute("SELECT count(*) FROM replies").fetchone()[0]
    return count


def without_costs(value: Any) -> Any:
    """Usage and time depend on the cache and the machine."""
    if isinstance(value, dict):
        return {k: without_costs(v) for k, v in value.items() if k not in ("usage", "seconds")}
    if isinstance(value, list):
        return [without_costs(item) for item in value]
    return value


def _environ(changes: Mapping[str, str] | None) -> dict[str, str]:
    plain = {k: v for k, v in os.environ.items() if k != "OPENAI_API_KEY"}
    return plain | dict(changes or {})
