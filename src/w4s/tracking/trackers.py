"""Places that show experiments, each behind the same two calls.

In: a run, as such a place knows it. Out: a Tracker. Where the numbers go is told to these
libraries in their own ways (WANDB_MODE, WANDB_PROJECT, MLFLOW_TRACKING_URI, TRACKIO_DIR, …).
Each library is imported when it is asked for.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from w4s.extras import needs
from w4s.tracking.points import Point
from w4s.types import JSON

PROJECT = "w4s"
"""What trackers that sort runs into projects put them under, unless their own settings say."""
FOLDER = "tensorboard"


@dataclass(frozen=True, slots=True)
class Tracked:
    """A run as a tracker knows it."""

    folder: Path
    id: str
    """The same when the run goes on; no other run has it."""
    settings: Mapping[str, JSON]

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @property
    def unique_name(self) -> str:
        """For trackers that know runs by their names."""
        return f"{self.name}-{self.id}"


class Tracker(Protocol):
    """Takes the points of one run. May raise whatever its library raises."""

    def log(self, point: Point) -> None: ...

    def close(self) -> None: ...


class TensorBoard:
    """Event files in the run folder; `tensorboard --logdir RUN` shows them."""

    def __init__(self, run: Tracked) -> None:
        from tensorboard.summary import Writer

        self._writer: Any = Writer(str(run.folder / FOLDER))

    def log(self, point: Point) -> None:
        for tag, value in _tagged(point).items():
            self._writer.add_scalar(tag, value, point.step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class Trackio:
    """A local database, or a Space where its settings name one; `trackio show` opens it."""

    def __init__(self, run: Tracked) -> None:
        import trackio

        with redirect_stdout(sys.stderr):  # standard output is for results
            self._run: Any = trackio.init(
                project=PROJECT,
                name=run.unique_name,
                config=dict(run.settings),
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    def log(self, point: Point) -> None:
        self._run.log(_tagged(point), step=point.step)

    def close(self) -> None:
        with redirect_stdout(sys.stderr):
            self._run.finish()


class WeightsAndBiases:
    """wandb, online or, with WANDB_MODE=offline, as a file in the run folder."""

    def __init__(self, run: Tracked) -> None:
        import wandb

        self._run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=run.name,
            id=run.id,
            dir=str(run.folder),
            config=dict(run.settings),
            resume="allow",
            settings=wandb.Settings(console="off", silent=True),
        )
        self._streams: set[str] = set()

    def log(self, point: Point) -> None:
        # Streams have steps of their own, and wandb's only ever rise.
        step = f"{point.stream}/step"
        if point.stream not in self._streams:
            self._streams.add(point.stream)
            self._run.define_metric(step)
            self._run.define_metric(f"{point.stream}/*", step_metric=step)
        self._run.log({**_tagged(point), step: point.step})

    def close(self) -> None:
        self._run.finish()


class MLflow:
    """A run of the experiment named by MLFLOW_EXPERIMENT_NAME, at MLFLOW_TRACKING_URI."""

    def __init__(self, run: Tracked) -> None:
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param

        self._metric: Any = Metric
        self._client: Any = MlflowClient()
        experiment = _experiment(self._client, os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT))
        found = self._client.search_runs([experiment], f"tags.w4s_id = '{run.id}'")
        if found:
            self._id = found[0].info.run_id
            self._client.update_run(self._id, "RUNNING")
            return
        made = self._client.create_run(experiment, run_name=run.name, tags={"w4s_id": run.id})
        self._id = made.info.run_id
        settings = [Param(name, str(value)) for name, value in run.settings.items()]
        self._client.log_batch(self._id, params=settings)

    def log(self, point: Point) -> None:
        now = round(time.time() * 1000)
        metrics = [self._metric(tag, v, now, point.step) for tag, v in _tagged(point).items()]
        self._client.log_batch(self._id, metrics=metrics)

    def close(self) -> None:
        self._client.set_terminated(self._id)


def _experiment(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name))


def _tagged(point: Point) -> dict[str, float]:
    return {f"{point.stream}/{name}": value for name, value in point.values.items()}


TRACKERS: Mapping[str, Callable[[Tracked], Tracker]] = {
    "tensorboard": TensorBoard,
    "trackio": Trackio,
    "wandb": WeightsAndBiases,
    "mlflow": MLflow,
}


def open_tracker(kind: str, run: Tracked) -> Tracker:
    """ConfigError where its library is not installed; else whatever the library raises."""
    with needs(kind, f"--track {kind}"):
        return TRACKERS[kind](run)
