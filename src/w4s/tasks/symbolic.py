"""Whether two mathematical expressions are equal, decided in a process of its own.

In: two texts, plain or LaTeX. Out: equal or not. Model text is parsed here, never executed, but a
parser may be led astray: the process has limits of processor time and memory, and dies of them.
Processor time is what is limited, so that a busy machine does not change a verdict. Needs the
extra `math`.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import resource
from typing import Any

import anyio
from anyio import to_process

from w4s.errors import ConfigError, SandboxError

CPU_SECONDS = 5
"""For one comparison."""
WALL_SECONDS = 120.0
"""Beyond this the fault is the machine's."""
MEMORY_MB = 2048
LONGEST = 2000
"""Characters of a text that is parsed at all."""
_EQUAL, _DIFFERENT, _FAILED = 10, 11, 12
"""Exit statuses of a comparison."""


def need_math_verify() -> None:
    """ConfigError that says what to install when math-verify is missing."""
    if importlib.util.find_spec("math_verify") is None:
        raise ConfigError("this task needs math-verify: pip install 'w4s[math]'")


async def equal(gold: str, answer: str) -> bool | None:
    """Whether math-verify finds the expressions equal; None when that took too much.

    Raises SandboxError when the process dies or makes no progress at all.
    """
    if len(gold) > LONGEST or len(answer) > LONGEST:
        return False
    try:
        with anyio.fail_after(WALL_SECONDS):
            return await to_process.run_sync(_verify, gold, answer, cancellable=True)
    except (anyio.BrokenWorkerProcess, OSError) as error:
        raise SandboxError(f"the process that compares expressions failed: {error!r}") from None
    except TimeoutError:
        raise SandboxError(f"no verdict on an expression in {WALL_SECONDS:g} s") from None


def _verify(gold: str, answer: str) -> bool | None:
    """Runs in the worker process, which has math-verify loaded and lives on; the comparison
    itself, which may have to be killed, runs in a copy of it."""
    logging.disable(logging.CRITICAL)
    math_verify: Any = importlib.import_module("math_verify")
    child = os.fork()
    if child == 0:
        os._exit(_compare(math_verify, gold, answer))
    _, status = os.waitpid(child, 0)
    return {_EQUAL: True, _DIFFERENT: False}.get(os.waitstatus_to_exitcode(status))


def _compare(math_verify: Any, gold: str, answer: str) -> int:
    """An exit status; nothing is raised, for above are the frames of the worker."""
    try:
        _limit()
        # Our own limits end the process; math-verify's signals would not stop C code anyway.
        parsed = [math_verify.parse(_in_math(t), parsing_timeout=None) for t in (gold, answer)]
        return _EQUAL if math_verify.verify(*parsed, timeout_seconds=None) else _DIFFERENT
    except MemoryError:
        return _DIFFERENT
    except BaseException:
        return _FAILED


def _limit() -> None:
    for kind, wanted in [
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_MB * 2**20),
        (resource.RLIMIT_CORE, 0),
    ]:
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY or hard > wanted:
            resource.setrlimit(kind, (wanted, wanted))


def _in_math(text: str) -> str:
    """math-verify looks for LaTeX between dollar signs only."""
    return text if "$" in text else f"${text}$"
