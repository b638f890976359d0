"""What a training run reports: JSON lines and TensorBoard, one record per step.

In: StepLogs. Out: `train.jsonl` and an events file. A run that goes on cuts off what came after
its checkpoint, since those steps are taken again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

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
    """The files of one run."""

    def __init__(self, run: Path, done: int) -> None:
        """Go on behind `done` steps."""
        from torch.utils.tensorboard import SummaryWriter

        self._path = run / FILE
        kept = [log for log in read_logs(run) if log.step <= done]
        partial = self._path.with_suffix(".partial")
        partial.write_text("".join(_line(log) for log in kept))
        partial.replace(self._path)
        self._file = self._path.open("a")
        self._board = SummaryWriter(str(run / "tensorboard"), purge_step=done + 1)

    def write(self, log: StepLog) -> None:
        self._file.write(_line(log))
        self._file.flush()
        for name in ("loss", "gradient", "learning_rate", "evaluation"):
            value = getattr(log, name)
            if value is not None:
                self._board.add_scalar(name, value, log.step)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self._board.close()


def read_logs(run: Path) -> list[StepLog]:
    """The steps logged so far; a line torn by a kill is left out."""
    path = run / FILE
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [StepLog(**json.loads(line)) for line in lines if line.endswith("\n")]


def _line(log: StepLog) -> str:
    return json.dumps(asdict(log)) + "\n"
