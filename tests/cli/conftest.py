"""The command line in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import CommandLine


@pytest.fixture
def w4s(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)
