"""Whether two mathematical expressions are equal, decided in a process of its own.

In: two texts, plain or LaTeX. Out: equal or not. Model text is parsed here, never executed, but a
parser may be led astray: the process has a memory limit, and it is killed when it takes too long.
Needs the extra `math`.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import resource
from typing import Any

import anyio
from anyio import to_process

from w4s.errors import ConfigError

SECONDS = 6.0
"""Time for one comparison, the start of the process and its imports included."""
MEMORY_MB = 2048
LONGEST = 2000
"""Characters of a text that is parsed at all."""


def need_math_verify() -> None:
    """ConfigError that says what to install when math-verify is missing."""
    if importlib.util.find_spec("math_verify") is None:
        raise ConfigError("this task needs math-verify: pip install 'w4s[math]'")


async def equal(gold: str, answer: str, seconds: float = SECONDS) -> bool | None:
    """Whether math-verify finds the expressions equal; None when it took too long or died."""
    if len(gold) > LONGEST or len(answer) > LONGEST:
        return False
    try:
        with anyio.fail_after(seconds):
            return await to_process.run_sync(_verify, gold, answer, cancellable=True)
    except (TimeoutError, anyio.BrokenWorkerProcess):
        return None


def _verify(gold: str, answer: str) -> bool:
    """Runs in the worker process."""
    _limit_memory()
    logging.disable(logging.CRITICAL)
    math_verify: Any = importlib.import_module("math_verify")
    # Our own limit ends the process; math-verify's signals would not stop C code anyway.
    parsed = [math_verify.parse(_in_math(text), parsing_timeout=None) for text in (gold, answer)]
    return bool(math_verify.verify(*parsed, timeout_seconds=None))


def _limit_memory() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = MEMORY_MB * 2**20
    if hard == resource.RLIM_INFINITY or hard > wanted:
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def _in_math(text: str) -> str:
    """math-verify looks for LaTeX between dollar signs only."""
    return text if "$" in text else f"${text}$"
