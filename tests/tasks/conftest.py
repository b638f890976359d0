"""Where the benchmark files lie, for the tests that need them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def benchmark_data() -> Path:
    folder = os.environ.get("W4S_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("W4S_DATA names no folder of benchmark files")
    return Path(folder)
