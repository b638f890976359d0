"""Fresh virtual environments, with packages from wherever pip finds them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def fresh_environment(folder: Path, *packages: str) -> Path:
    """The Python of a new environment that holds these packages and what they need.

    Skips the test where pip cannot get them."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "--quiet", *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        pytest.skip(f"pip cannot install {', '.join(packages)} here: {last}")
    return python
