"""Files from the hub, with the hub's part played by a function: cache, lock, and the forms."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from w4s.errors import ConfigError
from w4s.tasks import data, hub
from w4s.tasks.hub import PLACES, Fetch, Place, Row, fetched
from w4s.tasks.registry import load_task

SVAMP = "svamp/SVAMP.json.gz"
REVISION = "a" * 40


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("W4S_DATA", raising=False)
    monkeypatch.setenv("W4S_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def giving(rows: list[Row] | str, asked: list[str | None] | None = None) -> Fetch:
    def fetch(place: Place, revision: str | None) -> tuple[str, list[Row] | str]:
        if asked is not None:
            asked.append(revision)
        return revision or REVISION, rows

    return fetch


def refusing(place: Place, revision: str | None) -> tuple[str, list[Row] | str]:
    raise ConnectionError("no network\nat all")


def svamp(count: int) -> list[Row]:
    return [
        {"ID": f"chal-{i}", "Body": f"B{i}.", "Question": "Q?", "Equation": f"({i}.0+1.0)",
         "Answer": f"{i + 1}.0"}
        for i in reversed(range(1, count + 1))
    ]  # fmt: skip


def test_first_use_records_revision_and_checksum(cache: Path) -> None:
    asked: list[str | None] = []
    path = fetched(SVAMP, giving(svamp(3), asked))
    assert path is not None
    lock = json.loads((cache / "lock.json").read_text())
    assert lock[SVAMP]["revision"] == REVISION
    assert lock[SVAMP]["sha256"] == data.read(path).sha256
    assert fetched(SVAMP, refusing) == path
    path.unlink()
    fetched(SVAMP, giving(svamp(3), asked))
    assert asked == [None, REVISION]


def test_content_that_changed_at_the_locked_revision_is_refused() -> None:
    path = fetched(SVAMP, giving(svamp(3)))
    assert path is not None
    path.unlink()
    with pytest.raises(ConfigError, match="no longer gives what"):
        fetched(SVAMP, giving(svamp(4)))


def test_a_cached_file_that_was_touched_is_refused() -> None:
    path = fetched(SVAMP, giving(svamp(3)))
    assert path is not None
    path.write_bytes(gzip.compress(b"[]"))
    with pytest.raises(ConfigError, match="has changed since it was fetched"):
        fetched(SVAMP, refusing)


def test_a_hub_out_of_reach_is_one_clear_line() -> None:
    with pytest.raises(ConfigError, match=r"ConnectionError: no network at all\); set W4S_DATA"):
        fetched(SVAMP, refusing)


def test_upstreams_order_is_restored_and_the_task_loads() -> None:
    fetched(SVAMP, giving(svamp(1000)))
    assert data.at_hand(SVAMP)
    rows = data.load(SVAMP).document()
    assert [row["ID"] for row in rows[:2]] == ["chal-1", "chal-2"]
    task = load_task("svamp")
    assert task.sealed.size == 500


def test_a_plain_file_is_taken_as_it_is() -> None:
    name = "mgsm/mgsm_de.tsv.gz"
    fetched(name, giving("Wie viele?\t1,000\n"))
    assert data.load(name).text == "Wie viele?\t1,000\n"


def test_drop_rows_become_flat_ones() -> None:
    row = {
        "passage": "p",
        "question": "q?",
        "answers_spans": {"spans": ["1|2", "3", "3"], "types": ["number"] * 3},
    }
    converted = PLACES["drop/drop_v0_dev.jsonl.gz"].convert(row)
    assert converted["context"] == "Passage: p\nQuestion: q?\nAnswer:"
    assert converted["ref_text"] == "1 2|3|1 2 and 3"


def test_every_benchmark_file_has_a_place_on_the_hub() -> None:
    from w4s.tasks.registry import BENCHMARKS

    named = {name for benchmark in BENCHMARKS.values() for name in benchmark.about.files}
    assert named <= set(PLACES)


def test_without_the_extra_the_error_says_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_installed", lambda: False)
    with pytest.raises(ConfigError, match=r"set W4S_DATA .* pip install 'w4s\[data\]'"):
        load_task("svamp")
