"""What an experiment has measured, line by line in a file, so that a stop loses nothing.

In: the experiment's name and settings. Out: rows by key; those that are there already are not
measured again, and other settings start another file. The files lie in `runs/benchmarks`, or
where W4S_BENCHMARK_FOLDER says.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class Kept:
    """The rows of one experiment."""

    def __init__(self, name: str, settings: object) -> None:
        digest = hashlib.sha256(repr(settings).encode()).hexdigest()[:8]
        folder = Path(os.environ.get("W4S_BENCHMARK_FOLDER", "runs/benchmarks"))
        self.path = folder / f"{name}-{digest}.jsonl"
        self.rows: dict[str, Row] = {}
        if self.path.exists():
            rows = map(json.loads, self.path.read_text("utf-8").splitlines())
            self.rows = {row["key"]: row for row in rows}

    def row(self, key: str, measure: Callable[[], Row]) -> Row:
        """The row of a key, measured now if it is not there yet."""
        if key not in self.rows:
            row = {"key": key, **measure()}
            self.rows[key] = row
            self._write()
        return self.rows[key]

    def _write(self) -> None:
        """All rows anew, whole or not at all: they are few."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text("".join(json.dumps(row) + "\n" for row in self.rows.values()), "utf-8")
        part.replace(self.path)
