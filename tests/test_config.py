"""Settings: who wins, what is refused and with which words, what stands in the folder."""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path

import pytest

from w4s.config import (
    CollectConfig,
    CompareConfig,
    EstimateCollectConfig,
    EstimateSearchConfig,
    EstimateTestConfig,
    EvaluateConfig,
    ReportConfig,
    SearchConfig,
    ServeSimulatedConfig,
    TestConfig,
    WatchConfig,
)
from w4s.errors import ConfigError
from w4s.serving.settings import ExportConfig, ServeConfig
from w4s.settings import Record, differences, from_toml, read_file, read_overrides, to_toml
from w4s.training.settings import DatasetConfig, TrainConfig

NEEDED = {"task": "arithmetic", "run": "runs/one"}


def test_the_later_layer_wins() -> None:
    config = SearchConfig.resolve(NEEDED, {"turns": 3, "seed": 1}, {"turns": "4"})
    assert (config.turns, config.seed, config.reply_tokens) == (4, 1, 4096)


def test_words_of_the_command_line() -> None:
    words = ["max-usd=1.5", "method=random", 'prices={"m" = "0.1/0.2"}']
    config = SearchConfig.resolve(NEEDED, read_overrides(words))
    assert config.max_usd == 1.5
    assert config.method == "random"
    assert config.prices == {"m": "0.1/0.2"}


def test_a_file_of_settings(tmp_path: Path) -> None:
    file = tmp_path / "search.toml"
    file.write_text('executor = "openai:m@http://localhost:1/v1"\nturns = 2\n')
    assert SearchConfig.resolve(read_file(file), NEEDED).turns == 2


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ({"turn": 3}, "unknown setting 'turn'; did you mean 'turns'"),
        ({"turns": "many"}, "turns=many: .*integer"),
        ({"turns": 0}, "turns=0: .*greater than or equal to 1"),
        ({"temperature": 3}, "temperature=3: .*less than or equal to 2"),
        ({"unscored_limit": 2}, "unscored_limit=2"),
        ({"max_usd": -1}, "max_usd=-1"),
        ({"max_usd": "nan"}, "max_usd=nan"),
    ],
)
def test_a_wrong_setting_gets_one_clear_line(layer: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        SearchConfig.resolve(NEEDED, layer)
    assert "\n" not in str(caught.value)


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(ConfigError, match=r"which task\? w4s search TASK --run FOLDER"):
        SearchConfig.resolve({"run": "x"})


RECORDS = (
    SearchConfig, CollectConfig, EvaluateConfig, TestConfig, CompareConfig, ReportConfig,
    WatchConfig, EstimateSearchConfig, EstimateTestConfig, EstimateCollectConfig, DatasetConfig,
    TrainConfig, ExportConfig, ServeConfig,
)  # fmt: skip


def given(record: type[Record]) -> dict[str, object]:
    """What a record cannot do without."""
    needed = [name for name, field in record.model_fields.items() if field.is_required()]
    return {name: ["1"] if name in ("runs", "tasks") else "1" for name in needed}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_needed_setting_is_asked_for(record: type[Record]) -> None:
    needed = given(record)
    assert needed
    for name in needed:
        with pytest.raises(ConfigError, match=r"^(which .+|where to)\? .*"):
            record.resolve({k: v for k, v in needed.items() if k != name})


def settings_with(record: type[Record], kind: str) -> list[str]:
    """Names of the settings that are numbers of this kind."""
    return [
        n for n, f in record.model_fields.items() if re.search(rf"\b{kind}\b", str(f.annotation))
    ]


@pytest.mark.parametrize("number", ["inf", "-inf", "nan", "1e999", math.inf])
def test_numbers_are_finite(number: object) -> None:
    tried = 0
    for record in (*RECORDS, ServeSimulatedConfig):
        for name in settings_with(record, "float"):
            with pytest.raises(ConfigError, match=rf"^{name}=.*: input should be a finite number$"):
                record.resolve(given(record), {name: number})
            tried += 1
    assert tried > 30


def test_a_seed_fits_into_64_bits() -> None:
    seeds = [
        (record, name)
        for record in (*RECORDS, ServeSimulatedConfig)
        for name in settings_with(record, "int")
        if name.endswith("seed")
    ]
    assert len(seeds) > 8
    for record, name in seeds:
        with pytest.raises(
            ConfigError, match=rf"^{name}=\d+: .*less than or equal to {2**63 - 1}$"
        ):
            record.resolve(given(record), {name: str(2**63)})
        with pytest.raises(ConfigError, match=rf"^{name}=-1: "):
            record.resolve(given(record), {name: -1})
        settings = record.resolve(given(record), {name: 2**63 - 1}).settings()
        assert settings[name] == 2**63 - 1


@pytest.mark.parametrize("word", ["turns", "prices={", "--turns"])
def test_a_word_that_is_no_setting(word: str) -> None:
    with pytest.raises(ConfigError):
        read_overrides([word])


@pytest.mark.parametrize("content", [b"turns = ", b"\xff\xfe", None])
def test_a_file_that_is_no_toml(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "settings.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"settings\.toml") as caught:
        read_file(file)
    assert "\n" not in str(caught.value)


def test_resolved_settings_come_back_from_toml() -> None:
    odd = 'C:\\"x"\n\t\x7fü\U0001f600'
    config = SearchConfig.resolve(NEEDED, {"task": odd, "prices": {"a.b": "1/2"}, "max_usd": 0.1})
    text = to_toml(config.settings())
    assert SearchConfig.resolve(tomllib.loads(text)) == config


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in SearchConfig.model_fields.items():
        assert field.description, name


def test_differences_name_was_and_is() -> None:
    was = SearchConfig.resolve(NEEDED, {"seed": 1, "max_usd": 1}).settings()
    now = SearchConfig.resolve(NEEDED, {"seed": 2, "private": 9, "run": "elsewhere"}).settings()
    assert differences(was, now, SearchConfig.free()) == [
        "seed was 1, is 2",
        "private was not set, is 9",
    ]


def test_differences_look_into_tables() -> None:
    was, now = (
        from_toml("[facts]\ntask = 'a'", Path("c")),
        from_toml("[facts]\ntask='b'", Path("c")),
    )
    assert differences(was, now, frozenset()) == ["facts.task was a, is b"]
