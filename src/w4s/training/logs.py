"""What a training run reports: one record per step, as JSON lines and to its trackers.

In: StepLogs. Out: `train.jsonl`, and the same numbers wherever the run is tracked. A run that goes
on cuts off what came after its checkpoint, since those steps are taken again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from w4s.tracking.feed import Feed
from w4s.tracking.points import Point
from w4s.types import JSON

_log = logging.getLogger("w4s")

FILE = "train.jsonl"


@dataclass(frozen=True, slots=True)
class StepLog:
    """One step of the optimiser."""

    step: int
    """From 1."""
    steps: int
    """Of the whole run."""
    epoch: int
    loss: float
    gradient: float
    """Length of the gradient before clipping."""
    learning_rate: float
    weight: float
    """Σ w_i of the step."""
    tokens: int
    """Computed, shared prefixes once."""
    row_tokens: int
    """The same examples one by one."""
    seconds: float
    evaluation: float | None = None
    """Loss on the held-out episodes, where it was measured."""


class Logs:
    """Where one run is reported."""

    def __init__(
        self,
        run: Path,
        done: int,
        track: Sequence[str] = (),
        settings: Mapping[str, JSON] | None = None,
    ) -> None:
        """Go on behind `done` steps."""
        self._path = run / FILE
        kept = [log for log in read_logs(run) if log.step <= done]
        partial = self._path.with_suffix(".partial")
        partial.write_text("".join(_line(log) for log in kept))
        partial.replace(self._path)
        self._file = self._path.open("a")
        self._feed = Feed(track, run, settings or {}, _log.warning)
        self._feed.send(map(_point, kept))

    def write(self, log: StepLog) -> None:
        self._file.write(_line(log))
        self._file.flush()
        self._feed.send([_point(log)])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self._feed.close()


def read_logs(run: Path) -> list[StepLog]:
    """The steps logged so far; a line torn by a kill is left out."""
    path = run / FILE
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [StepLog(**json.loads(line)) for line in lines if line.endswith("\n")]


def _point(log: StepLog) -> Point:
    values = {
        "loss": log.loss,
        "gradient": log.gradient,
        "learning_rate": log.learning_rate,
        "tokens_per_second": log.tokens / max(log.seconds, 1e-3),
    }
    if log.evaluation is not None:
        values["evaluation"] = log.evaluation
    return Point("train", log.step, values)


def _line(log: StepLog) -> str:
    return json.dumps(asdict(log)) + "\n"
