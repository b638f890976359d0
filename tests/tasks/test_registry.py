"""Tasks by name, and names that are nobody's."""

from __future__ import annotations

from pathlib import Path

import pytest

from w4s.errors import ConfigError
from w4s.tasks import hub
from w4s.tasks.registry import BENCHMARKS, load_task, task_names, task_table


def test_a_typing_error_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="unknown task 'gsmhard'; did you mean 'gsm_hard'"):
        load_task("gsmhard")


@pytest.mark.parametrize("name", ["qqqq", "nope", "t.sh", "math.xlsx"])
def test_a_name_like_no_other(name: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"unknown task '{name}' \(w4s tasks lists them"
    ) as error:
        load_task(name)
    assert str(error.value).endswith("your own is a .py, .csv, .tsv or .jsonl file)")


@pytest.mark.parametrize("name", ["gsm8k:x=1", "toy_ledger/3:x=1", "mine.py:scorer=number"])
def test_only_tables_take_settings_behind_the_colon(name: str) -> None:
    with pytest.raises(ConfigError, match=r"only a \.csv, \.tsv or \.jsonl file takes settings"):
        load_task(name)


def test_an_unknown_split() -> None:
    with pytest.raises(ConfigError, match="unknown split 'papr'; there are default, paper"):
        load_task("gsm_hard", split="papr")


def test_missing_data_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("W4S_DATA", str(tmp_path))
    monkeypatch.setenv("W4S_CACHE", str(tmp_path))
    monkeypatch.setattr(hub, "_installed", lambda: False)
    with pytest.raises(ConfigError, match=r"W4S_DATA .* pip install 'w4s\[data\]'"):
        load_task("gsm_hard")
    monkeypatch.setenv("W4S_DATA", str(tmp_path / "gone"))
    with pytest.raises(ConfigError, match="which is no folder"):
        load_task("gsm_hard")


def test_names_are_unique() -> None:
    assert len(set(task_names())) == len(task_names())


def test_the_table_names_every_task_and_says_where_its_data_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("W4S_DATA", str(tmp_path))
    monkeypatch.setenv("W4S_CACHE", str(tmp_path))
    table = {line.name: line for line in task_table()}
    assert list(table) == task_names()
    assert len(BENCHMARKS) == 11
    assert table["svamp"].data == "from the hub, or W4S_DATA"
    assert table["svamp"].sizes == "128 / 10 / 172 / 500"
    (tmp_path / "svamp").mkdir()
    (tmp_path / "svamp" / "SVAMP.json").write_text("[]")
    assert {line.name: line.data for line in task_table()}["svamp"] == "at hand"
