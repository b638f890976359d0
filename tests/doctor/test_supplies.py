"""What the doctor finds of packages and GPUs; a script speaks like the tool of the GPUs."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from w4s.doctor import supplies
from w4s.doctor.finding import Verdict


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a script stands for nvidia-smi."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "nvidia-smi"


def says(tool: Path, text: str, code: int = 0) -> None:
    tool.write_text(f"#!/bin/sh\nprintf '{text}'\nexit {code}\n")
    tool.chmod(0o755)


def test_no_gpu_is_a_note(tool: Path) -> None:
    [finding] = supplies.check_gpu()
    assert finding.verdict is Verdict.NOTE
    assert finding.fix


def test_a_driver_that_does_not_answer(tool: Path) -> None:
    says(tool, "No devices were found", code=6)
    [finding] = supplies.check_gpu()
    assert finding.verdict is Verdict.NOTE
    assert "does not answer" in finding.found


@pytest.mark.long
def test_cards_are_named_and_torch_is_asked(tool: Path) -> None:
    says(tool, "NVIDIA H200, 143771\\nNVIDIA GB10, [N/A]\\n")
    card, *torch = supplies.check_gpu()
    assert card.verdict is Verdict.OK
    assert card.found == "NVIDIA H200, 140 GB; NVIDIA GB10"
    if find_spec("torch") is not None:
        [finding] = torch
        assert f"torch {version('torch')}" in finding.found


def test_every_extra_is_there_or_named_with_what_brings_it() -> None:
    for finding in supplies.check_packages():
        assert finding.what != "dev"
        if finding.verdict is Verdict.NOTE:
            assert finding.fix == f"pip install 'w4s[{finding.what}]'"
    assert {"train", "data", "math"} <= {finding.what for finding in supplies.check_packages()}
