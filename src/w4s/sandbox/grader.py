"""Test candidate code against hidden tests: the tests in one child, the code in another.

In: the candidate's text (untrusted) and test statements (trusted). Out: a Grade. The grader's
child never sees the candidate's text and the candidate's child never sees a test: it gets the
arguments of each call and gives back a value as typed JSON, and the grader compares. So `exit`,
a changed builtin, a redefined checker or a printed success text can only fail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from w4s.errors import SandboxError
from w4s.sandbox.base import Ending, Grade, Grader, Limits, Refusal, Result, Sandbox
from w4s.sandbox.child import Child
from w4s.sandbox.exchange import Answers
from w4s.types import JSON, Trouble

GRADER_LIMITS = Limits(seconds=20, memory_mb=1024, host_calls=100_000)
"""For the tests themselves; they are trusted, so this only catches mistakes in them."""
LEAST_SECONDS = 0.05


async def grade_asserts(
    sandbox: Sandbox,
    candidate: str,
    statements: Sequence[str],
    *,
    setup: str = "",
    names: Sequence[str] = (),
    limits: Limits | None = None,
) -> Grade:
    """Run `statements` (Python texts, usually asserts) against the functions of `candidate`.

    Inside the statements the candidate's functions stand under their own names: whatever name
    the statements use and neither they nor `setup` define, and always those in `names`. `setup`
    is trusted text that runs in the grader before the statements: imports, helpers, a checker.
    HumanEval: `setup=prompt + test, statements=[f"check({entry})"], names=[entry]`.
    MBPP: `setup=imports, statements=test_list, names=[entry]`.

    `limits.seconds` bounds the candidate's own time over all calls. A candidate that does not
    compile, dies or exceeds a limit fails every statement from there on (see `Grade.broken`).
    Raises SandboxError when the sandbox, or the set-up, fails.
    """
    if not isinstance(sandbox, Grader):
        raise SandboxError("this sandbox cannot grade code")
    return await sandbox.grade(
        candidate, statements, setup=setup, names=names, limits=limits or Limits()
    )


async def examine(
    grader: Child,
    candidate: Child,
    source: str,
    statements: Sequence[str],
    *,
    setup: str,
    names: Sequence[str],
    limits: Limits,
) -> Grade:
    """The work behind `grade_asserts`, on two fresh children. Raises ChildLost."""
    session = Session(candidate, limits)
    opened = await session.open(source)
    if opened.ending is not Ending.RETURNED:
        return Grade(tuple(opened.trouble for _ in statements), opened)

    async def forward(method: str, arguments: Mapping[str, JSON]) -> JSON:
        result = await session.apply(arguments)
        if result.ending is Ending.RETURNED:
            return {"value": result.value}
        trouble = result.trouble or Trouble("Error", "")
        return {"raised": [trouble.type, trouble.message]}

    order = _order("grade", setup, cases=list(statements), names=list(names), host=True)
    answers = Answers(forward)
    try:
        told = await grader.carry_out(order, GRADER_LIMITS, answers)
    finally:
        answers.cancel()
        candidate.kill()
    if session.broken is not None:
        verdicts = _verdicts(told, len(statements)) or (session.broken.trouble,) * len(statements)
        return Grade(verdicts, session.broken)
    if told.ending is not Ending.RETURNED:
        raise SandboxError(f"the tests themselves failed: {told.trouble}")
    return Grade(_verdicts(told, len(statements)))


def _verdicts(told: Result, count: int) -> tuple[Trouble | None, ...]:
    if told.ending is not Ending.RETURNED or not isinstance(told.value, list):
        return ()
    if len(told.value) != count:
        raise SandboxError("the grader lost count of its tests")
    return tuple(_trouble(entry) for entry in told.value)


def _trouble(entry: Any) -> Trouble | None:
    if entry is None:
        return None
    return Trouble(str(entry["type"]), str(entry["message"]))


class Session:
    """Candidate code that stays loaded in its child, called from outside."""

    def __init__(self, child: Child, limits: Limits) -> None:
        self._child = child
        self._limits = limits
        self._spent = 0.0
        self.broken: Result | None = None
        """The result that ended it."""

    async def open(self, source: str) -> Result:
        return await self._do(_order("open", source))

    async def apply(self, arguments: Mapping[str, JSON]) -> Result:
        """One operation on a function or object; see `inside.remote.Loaded.apply`."""
        if self.broken is not None:
            return self.broken
        if arguments.get("operation") not in ("call", "get", "set", "items"):
            raise Refusal("ValueError", "an unknown operation")
        return await self._do(_order("apply", None, **arguments))

    async def _do(self, order: dict[str, Any]) -> Result:
        left = max(self._limits.seconds - self._spent, LEAST_SECONDS)
        limits = replace(self._limits, seconds=left)
        order["cpu_seconds"] = limits.cpu_seconds
        order["frame_bytes"] = limits.frame_bytes
        order["result_bytes"] = limits.result_bytes
        result = await self._child.carry_out({**order, "keep": True}, limits, Answers(None))
        self._spent += result.seconds
        if result.ending not in (Ending.RETURNED, Ending.RAISED, Ending.NO_ENTRY):
            self.broken = result
        return result


def _order(action: str, source: str | None, **fields: Any) -> dict[str, Any]:
    return {
        "action": action,
        "source": source,
        "seed": "candidate",
        "host": False,
        "keep": False,
        "cpu_seconds": GRADER_LIMITS.cpu_seconds,
        "frame_bytes": GRADER_LIMITS.frame_bytes,
        "result_bytes": GRADER_LIMITS.result_bytes,
        **fields,
    }
