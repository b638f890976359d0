"""What some work needs and other work does not: benchmark data, optional packages, a GPU.

In: what is installed and what the environment names. Out: Findings, which fail only where the
user's own settings are wrong. Nothing is fetched.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, requires, version

from w4s.doctor.finding import Finding, Verdict
from w4s.errors import ConfigError
from w4s.tasks import data, hub
from w4s.tasks.registry import BENCHMARKS

DATA = "data"
PACKAGES = "packages"
TRAINING = "training"
_FOR_DEVELOPERS = "dev"
_REQUIREMENT = re.compile(r"^([\w.-]+)(?!\[).*;.*extra == ['\"]([\w-]+)['\"]")
_SMI = (
    *("nvidia-smi", "--query-gpu=name,memory.total"),
    "--format=csv,noheader,nounits",
)
_SMI_SECONDS = 20
_TORCH_SECONDS = 120
_TORCH = "import torch; print(torch.cuda.is_available())"


def check_data() -> list[Finding]:
    """The folders that data comes from, then each benchmark."""
    try:
        folder = data.data_folder()
    except ConfigError as error:
        fix = "export W4S_DATA=FOLDER with upstream's files, or: unset W4S_DATA"
        return [Finding(DATA, "W4S_DATA", Verdict.FAILS, str(error), fix)]
    named = Finding(DATA, "W4S_DATA", Verdict.OK, str(folder) if folder else "not set")
    cache = hub.cache_folder()
    kept = Finding(DATA, "hub cache", Verdict.OK, f"{cache}{'' if cache.is_dir() else ', empty'}")
    return [named, kept, *(_benchmark(name) for name in BENCHMARKS)]


def check_packages() -> list[Finding]:
    """The optional packages, by the extra that brings them."""
    return [_extra(extra, names) for extra, names in sorted(_extras().items())]


def check_gpu() -> list[Finding]:
    """A GPU, and whether torch can use it."""
    program = shutil.which(_SMI[0])
    if program is None:
        return [_no_gpu("none found")]
    try:
        told = subprocess.run(
            _SMI, capture_output=True, text=True, timeout=_SMI_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return [_no_gpu(f"{_SMI[0]} does not answer: {error}")]
    cards = [_card(line) for line in told.strip().splitlines()]
    if not cards:
        return [_no_gpu("none found")]
    return [Finding(TRAINING, "GPU", Verdict.OK, "; ".join(cards)), *_torch_on_gpu()]


def _benchmark(name: str) -> Finding:
    files = BENCHMARKS[name].about.files
    try:
        missing = [file for file in files if not data.at_hand(file)]
    except ConfigError as error:
        return Finding(DATA, name, Verdict.FAILS, str(error), "delete that file; w4s tasks fetches")
    if not missing:
        return Finding(DATA, name, Verdict.OK, "at hand")
    fix = f"pip install 'w4s[data]' && w4s tasks {name}   (or W4S_DATA=FOLDER with {missing[0]})"
    return Finding(DATA, name, Verdict.NOTE, "not on this machine", fix)


def _extras() -> dict[str, list[str]]:
    """The packages of each extra, as this installation declares them."""
    named: defaultdict[str, list[str]] = defaultdict(list)
    for line in requires("w4s") or ():
        match = _REQUIREMENT.match(line)
        if match and match[2] != _FOR_DEVELOPERS:
            named[match[2]].append(match[1])
    return named


def _extra(extra: str, names: list[str]) -> Finding:
    versions = {name: _version(name) for name in names}
    missing = [name for name, found in versions.items() if found is None]
    if not missing:
        found = ", ".join(f"{name} {number}" for name, number in versions.items())
        return Finding(PACKAGES, extra, Verdict.OK, found)
    found = f"without {', '.join(missing)}"
    return Finding(PACKAGES, extra, Verdict.NOTE, found, f"pip install 'w4s[{extra}]'")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _card(line: str) -> str:
    """`NVIDIA H200, 140 GB`; some share the machine's memory and tell none of their own."""
    name, _, megabytes = line.partition(", ")
    return f"{name}, {int(megabytes) / 1024:.0f} GB" if megabytes.isdigit() else name


def _no_gpu(found: str) -> Finding:
    fix = "train on a machine with one; without it only the small models are worth training"
    return Finding(TRAINING, "GPU", Verdict.NOTE, found, fix)


def _torch_on_gpu() -> list[Finding]:
    """Asked in a process of its own: importing torch takes seconds and much memory."""
    if _version("torch") is None:
        return []
    try:
        told = subprocess.run(
            [sys.executable, "-c", _TORCH],
            capture_output=True,
            text=True,
            timeout=_TORCH_SECONDS,
            check=False,
            env=os.environ,
        )
        works = told.stdout.strip() == "True"
    except (OSError, subprocess.SubprocessError):
        works = False
    if works:
        return [Finding(TRAINING, "torch on the GPU", Verdict.OK, f"torch {_version('torch')}")]
    fix = "install a build of torch for this driver (pytorch.org, Get Started)"
    found = f"torch {_version('torch')} does not see the GPU"
    return [Finding(TRAINING, "torch on the GPU", Verdict.NOTE, found, fix)]
