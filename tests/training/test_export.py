"""A data set as a folder."""

from pathlib import Path
from typing import Any

import pytest

from w4s.errors import ConfigError
from w4s.training.dataset import FILE, read_examples
from w4s.training.export import export
from w4s.training.settings import DatasetConfig
from w4s.types import Trajectory


def test_a_folder_with_card_and_picture(trajectory: Trajectory, tmp_path: Path) -> None:
    config = DatasetConfig.resolve(
        {"runs": ["r"], "out": tmp_path / "set", "turns": (2,), "temperature": 0.5}
    )
    counted = export(config, [trajectory, trajectory])

    assert counted.examples == 3
    assert [e.turn for e in read_examples(tmp_path / "set" / FILE)] == [1, 1, 1]
    assert "- `temperature`: 0.5" in (tmp_path / "set" / "README.md").read_text()
    assert (tmp_path / "set" / "rewards.svg").read_text().startswith("<svg")


def test_too_long_examples_are_left_out_whole(
    trajectory: Trajectory, tmp_path: Path, tokeniser: Any
) -> None:
    tokeniser.save_pretrained(tmp_path / "model")
    settings = {"runs": ["r"], "out": tmp_path / "set", "model": str(tmp_path / "model")}
    whole = export(DatasetConfig.resolve(settings), [trajectory])
    assert whole.unit == "tokens"
    limit = int(whole.prompt.maximum)
    less = export(DatasetConfig.resolve(settings | {"max_tokens": limit}), [trajectory])
    assert less.too_long == whole.examples - less.examples > 0
    with pytest.raises(ConfigError, match="longer than 3 tokens"):
        export(DatasetConfig.resolve(settings | {"max_tokens": 3}), [trajectory])
