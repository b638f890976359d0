"""Points reach real trackers once, on this machine alone; each test skips without its library."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from w4s.errors import ConfigError
from w4s.tracking import trackers
from w4s.tracking.feed import FILE, Feed
from w4s.tracking.points import Point, metric
from w4s.tracking.trackers import Tracked

FIRST = [Point("search", 0, {"best": 0.25}), Point("search", 1, {"best": 0.5, "usd": 0.01})]
MORE = [*FIRST, Point("search", 2, {"best": 0.75}), Point("test", 1, {"direct": 0.4})]
BEST = [(0, 0.25), (1, 0.5), (2, 0.75)]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder, with all trackers told to stay at home."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "first"
    folder.mkdir()
    return folder


def send(run: Path, kind: str, points: list[Point]) -> list[str]:
    said: list[str] = []
    feed = Feed([kind], run, {"task": "toy_ledger", "seed": 0}, said.append)
    feed.send(points)
    feed.close()
    return said


def twice(run: Path, kind: str) -> None:
    """A sitting, and another one that goes on and offers everything again."""
    assert send(run, kind, FIRST) == []
    assert send(run, kind, MORE) == []


def test_tensorboard(run: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs w4s[tensorboard]")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    twice(run, "tensorboard")
    read = EventAccumulator(str(run / trackers.FOLDER)).Reload()
    best = [(e.step, round(e.tensor_proto.float_val[0], 4)) for e in read.Tensors("search/best")]
    assert best == BEST
    assert set(read.Tags()["tensors"]) == {"search/best", "search/usd", "test/direct"}


@pytest.mark.long
@pytest.mark.filterwarnings("default")  # what the library warns of is its own affair
def test_mlflow(run: Path) -> None:
    mlflow = pytest.importorskip("mlflow", reason="needs w4s[mlflow]")
    pytest.importorskip("sqlalchemy", reason="needs w4s[mlflow], which is more than mlflow-skinny")
    twice(run, "mlflow")
    client = mlflow.MlflowClient()
    found = client.search_runs([client.get_experiment_by_name("w4s").experiment_id])
    assert [(r.info.run_name, r.info.status) for r in found] == [("first", "FINISHED")]
    assert found[0].data.params == {"task": "toy_ledger", "seed": "0"}
    history = client.get_metric_history(found[0].info.run_id, "search/best")
    assert [(m.step, m.value) for m in history] == BEST
    assert found[0].data.metrics["test/direct"] == 0.4


@pytest.mark.long
@pytest.mark.filterwarnings("default")
def test_wandb(run: Path) -> None:
    wandb = pytest.importorskip("wandb", reason="needs w4s[wandb]")
    from wandb.proto import wandb_internal_pb2

    twice(run, "wandb")
    wandb.teardown()  # its service writes a little later
    files = sorted(run.glob("wandb/offline-run-*/run-*.wandb"))
    assert len(files) == 2
    assert len({file.name for file in files}) == 1  # one run in two sittings
    best = []
    for data in (data for file in files for data in wandb_records(file)):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        items = {"/".join(i.nested_key) or i.key: i.value_json for i in record.history.item}
        if "search/best" in items:
            best.append((int(items["search/step"]), float(items["search/best"])))
    assert best == BEST


def wandb_records(file: Path) -> Iterator[bytes]:
    """What an offline file of wandb holds, as long as it fits into one block: a header, then
    checksum, length and kind (1: whole) before each record."""
    data, at = file.read_bytes(), 7
    assert len(data) < 2**15
    while at < len(data):
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        assert kind == 1
        yield data[at + 7 : at + 7 + length]
        at += 7 + length


@pytest.mark.long
@pytest.mark.filterwarnings("default")
def test_trackio(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("trackio", reason="needs w4s[trackio]")
    from trackio.utils import TRACKIO_DIR  # read when it was imported, whatever is set now

    twice(run, "trackio")
    assert capsys.readouterr().out == ""
    name = f"first-{json.loads((run / FILE).read_text())['id']}"
    with closing(sqlite3.connect(Path(TRACKIO_DIR) / "w4s.db")) as database:
        rows = database.execute(
            "select step, metrics from metrics where run_name = ? order by id", (name,)
        ).fetchall()
    logged = [(step, json.loads(metrics)) for step, metrics in rows]
    best = [(step, m["search/best"]) for step, m in logged if "search/best" in m]
    assert best == BEST


class Failing:
    """A tracker whose place goes away."""

    def __init__(self, run: Tracked) -> None:
        self.points: list[Point] = []

    def log(self, point: Point) -> None:
        if point.step == 1:
            raise ConnectionError("the line\nis dead")

    def close(self) -> None:
        """Nothing is held."""


def test_a_tracker_that_fails_ends_nothing(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers, "TRACKERS", {"wandb": Failing, "mlflow": Failing})
    said = send(run, "wandb", MORE)
    trouble = "ConnectionError: the line is dead"
    assert said == [f"wandb failed, and gets nothing more for now: {trouble}"]
    assert '"wandb": {"search": 0}' in (run / FILE).read_text()  # the rest comes the next time


def test_a_tracker_that_is_not_installed(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorboard.summary", None)
    with pytest.raises(ConfigError, match=r"pip install 'w4s\[tensorboard\]'"):
        send(run, "tensorboard", FIRST)


def test_without_trackers_nothing_is_written(run: Path) -> None:
    feed = Feed([], run, {}, print)
    feed.send(FIRST)
    feed.close()
    assert not list(run.iterdir())


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("turn 4, sample 3", "turn_4_sample_3"),
        ("debate-2", "debate-2"),
        ("…", "unnamed"),
    ],
)
def test_names_that_all_accept(name: str, accepted: str) -> None:
    assert metric(name) == accepted
