"""Isolated Python that speaks JSON: what goes in, what comes out, who answers its calls.

In: a Job, one piece of untrusted Python text and what to do with it. Out: a Result. The
program may call the host through a fixed table; the sandbox knows nothing of workflows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from w4s.types import JSON, Trouble


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may use."""

    seconds: float = 20.0
    """Own time in seconds, soft limit: raises inside the program, so that a line can be named.
    Time spent waiting for the host is not counted, nor waiting for a busy processor (up to four
    times the limit)."""
    grace_seconds: float = 1.0
    """After the soft limit, before the whole process tree is killed."""
    cpu_seconds: int = 20
    """Processor time, over all threads."""
    memory_mb: int = 512
    """Address space beyond what the zygote itself holds."""
    output_bytes: int = 64 * 1024
    """Printed text. What goes beyond is cut off; ten times as much ends the job."""
    result_bytes: int = 1024 * 1024
    """The result as JSON."""
    frame_bytes: int = 4 * 1024 * 1024
    """One message to the host."""
    host_calls: int = 200
    """Calls to the host."""


class Action(StrEnum):
    """What to do with the source once its module body has run."""

    CALL = "call"
    """Call `entry` with `arguments`; the result is what it returns."""
    VALUE = "value"
    """Call `solution()` if it is defined, else take the value of the last line's expression."""
    CALLS = "calls"
    """Call `entry` once per item of `cases`; the result is a list of `{"value": …}` or
    `{"error": {type, message, line}}`, one per case, none of which ends the job."""
    STATEMENTS = "statements"
    """Execute each of `cases` (Python text) in the module's namespace; the result is a list of
    `null` or `{"error": {type, message, line}}`, one per case."""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of untrusted text and what to do with it."""

    source: str
    action: Action = Action.CALL
    entry: str = "solver"
    arguments: Mapping[str, JSON] = field(default_factory=dict)
    """Keyword arguments for CALL, as typed JSON."""
    cases: tuple[JSON, ...] = ()
    """For CALLS: lists of positional arguments as typed JSON; for STATEMENTS: texts."""
    limits: Limits = Limits()


class Ending(StrEnum):
    """How a job ended."""

    RETURNED = "returned"
    SYNTAX_ERROR = "syntax_error"
    NO_ENTRY = "no_entry"
    """The source does not define `entry`."""
    RAISED = "raised"
    EXITED = "exited"
    """`sys.exit` at any level, or the process ended itself without a result."""
    TIME = "time"
    MEMORY = "memory"
    OUTPUT = "output"
    """Printed too much, or the result is too large."""
    CALLS = "calls"
    """Too many calls to the host."""
    KILLED = "killed"
    """Ended by a signal that the host did not send."""
    PROTOCOL = "protocol"
    """Sent something that is no proper message."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a job."""

    ending: Ending
    value: JSON = None
    """With RETURNED: the result as typed JSON (see `sandbox.values`)."""
    trouble: Trouble | None = None
    """With every other ending: what happened, with the line where it can be named."""
    output: str = ""
    """What was printed, cut to the limit."""
    seconds: float = 0.0
    """Own time, without waiting for the host."""


HostCall = Callable[[str, Mapping[str, JSON]], Awaitable[JSON]]
"""Answers one call of the program: method name and arguments to a JSON value.

Raise `Refusal` to make the call raise inside the program; any other exception ends the job and
surfaces from `Sandbox.run`.
"""


class Refusal(Exception):
    """An answer to the program that raises there."""

    def __init__(self, type: str, message: str) -> None:
        super().__init__(message)
        self.type = type
        """Name of a built-in exception class; anything else becomes RuntimeError."""
        self.message = message


@dataclass(frozen=True, slots=True)
class Grade:
    """What trusted tests found about candidate code."""

    verdicts: tuple[Trouble | None, ...]
    """Per statement what went wrong, None where it held."""
    broken: Result | None = None
    """How the candidate ended when it did not live through the tests."""

    @property
    def passed(self) -> bool:
        """Every statement held, and there was at least one."""
        return self.broken is None and bool(self.verdicts) and not any(self.verdicts)


@runtime_checkable
class Grader(Protocol):
    """A sandbox that can test candidate code without showing it the tests."""

    async def grade(
        self,
        candidate: str,
        statements: Sequence[str],
        *,
        setup: str = "",
        names: Sequence[str] = (),
        limits: Limits = ...,
    ) -> Grade: ...


class Sandbox(Protocol):
    """Runs jobs, each in a process of its own.

    `run` never raises for anything the program does. It raises `SandboxError` when the sandbox
    itself failed, and passes on whatever `host` raised (except `Refusal`). Cancelling `run`
    kills the job.
    """

    async def run(self, job: Job, host: HostCall | None = None) -> Result: ...

    async def aclose(self) -> None:
        """Kill everything that still runs."""
