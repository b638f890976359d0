"""The peer's process: found, started, and ended whatever happens.

In: a host that listens. Out: nothing but what the peer has told the host. The process gets a clean
environment, an empty folder of its own, and on standard input what it has to know.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from w4s.errors import ConfigError, W4sError
from w4s.methods.gepa.exported import ANSWER, CODE, ENTRY_POINT, QUESTION
from w4s.types import JSON, Problem

if TYPE_CHECKING:
    from w4s.methods.gepa.host import PeerHost

PYTHON = "W4S_DSPY_PYTHON"
"""Names an interpreter that has dspy, where that of w4s shall not have it."""
THREADS = 16
"""Answers that GEPA asks for at a time."""
_HAS_DSPY = "import importlib.util, sys; sys.exit(importlib.util.find_spec('dspy') is None)"


def check_installed() -> None:
    """ConfigError where dspy is not to be found."""
    try:
        missing = subprocess.run([_python(), "-c", _HAS_DSPY], check=False).returncode != 0
    except OSError:
        missing = True
    if missing:
        raise ConfigError(
            "method gepa needs dspy, which is not installed: pip install 'w4s[peers]' (or let"
            f" {PYTHON} name a Python that has it)"
        )


async def run_peer(host: PeerHost, *, metric_calls: int) -> None:
    """Let GEPA run to its end. Raises W4sError when it fails for reasons of its own."""
    peer = resources.files("w4s.methods.gepa").joinpath("peer.py")
    with resources.as_file(peer) as script, tempfile.TemporaryDirectory("-gepa") as folder:
        log = Path(folder, "log")
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                _python(),
                "-P",
                str(script),
                stdin=PIPE,
                stdout=DEVNULL,
                stderr=errors,
                cwd=folder,
                env=_environment(folder),
                start_new_session=True,  # Ctrl-C is for this process, which tells the peer
            )
            try:
                await process.communicate(json.dumps(_told(host, metric_calls)).encode())
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode != 0 and host.over is None and host.broken is None:
            last = log.read_text("utf-8", "replace").strip().rpartition("\n")[2]
            raise W4sError(f"DSPy's process ended with {process.returncode}: {last}")


def _python() -> str:
    return os.environ.get(PYTHON) or sys.executable


def _environment(folder: str) -> dict[str, str]:
    """No key, no proxy, no cache of others, and no questions asked on the network."""
    return {
        "PATH": os.defpath,
        "HOME": folder,
        "TMPDIR": folder,
        "DSPY_CACHEDIR": folder,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _told(host: PeerHost, metric_calls: int) -> dict[str, JSON]:
    search, agent = host.env.problems, host.agent
    most = host.env.evaluator.runner.executor.allowance.max_tokens
    return {
        "url": host.url,
        "token": host.token,
        "seed": agent.seed,
        "metric_calls": metric_calls,
        "threads": THREADS,
        "task": agent.brief.description,
        "inputs": ["question", "entry_point"] if host.code else ["question"],
        "output": CODE if host.code else ANSWER,
        "marks": {"question": QUESTION, "entry_point": ENTRY_POINT},
        "sampling": {"temperature": 1.0, "max_tokens": most},
        "reflection": {"temperature": agent.temperature, "max_tokens": agent.max_tokens},
        "public": [_shown(problem) for problem in search.public],
        "private": [_shown(problem) for problem in search.private],
    }


def _shown(problem: Problem) -> dict[str, JSON]:
    """A problem without its answer."""
    shown: dict[str, JSON] = {"problem": problem.id, "question": problem.question}
    if problem.entry_point is not None:
        shown["entry_point"] = problem.entry_point
    return shown
