"""Where a checkpoint lies, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from w4s.errors import ConfigError
from w4s.models.checkpoints import SMALL, find_checkpoint, is_adapter, is_small, weights_digest


def test_folders_names_on_the_hub_and_the_one_that_comes_along(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"vocab_size": 152064}')
    assert find_checkpoint(str(tmp_path)) == str(tmp_path)
    assert not is_small(str(tmp_path))
    assert find_checkpoint("Qwen/Qwen2.5-Coder-7B-Instruct") == "Qwen/Qwen2.5-Coder-7B-Instruct"
    assert is_small(find_checkpoint(SMALL))


def test_an_adapter_is_known_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    assert is_adapter(find_checkpoint(str(tmp_path)))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere", "no checkpoint at nowhere"),
        ("run/none", "no checkpoint at run/none"),  # the folder `run` is here, so it is no name
        ("run", "did you mean run/model"),
        ("/a/b/c", "no checkpoint at /a/b/c"),
    ],
)
def test_what_is_no_checkpoint(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run" / "model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=says):
        find_checkpoint(name)


def test_other_weights_have_another_digest(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"one")
    one = weights_digest(str(tmp_path))
    (tmp_path / "a.safetensors").write_bytes(b"two")
    assert weights_digest(str(tmp_path)) != one
