"""Workflows in this very process: fast, and only for text that this package wrote itself.

In: jobs of the sandbox's protocol. Out: their results. There are no walls here, so nothing but the
grammar's own workflows and the simulated executor's own programs may come in; that is why this
stands among the benchmarks and not in the package. Experiments over hundreds of searches become
possible in minutes. `benchmarks.racing` checks that a search comes out as in the real sandbox.
"""

from __future__ import annotations

import ast
import builtins
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType
from typing import Any

from w4s.agent import make_agent
from w4s.sandbox.base import Action, Ending, HostCall, Job, Refusal, Result
from w4s.sandbox.values import decode, encode
from w4s.types import JSON, Trouble


class Trusted:
    """A Sandbox without walls."""

    async def run(self, job: Job, host: HostCall | None = None) -> Result:
        try:
            with _time_limit(job.limits.seconds):
                value = _evaluate(job, host)
        except _Surfacing as surfacing:
            raise surfacing.error from None
        except _OutOfTime:
            return Result(Ending.TIME, trouble=Trouble("TimeLimit", "too slow"))
        except SyntaxError as error:
            return Result(Ending.SYNTAX_ERROR, trouble=Trouble("SyntaxError", str(error)))
        except Exception as error:
            return Result(Ending.RAISED, trouble=Trouble(type(error).__name__, str(error)))
        return Result(Ending.RETURNED, decode(encode(value)))

    async def aclose(self) -> None:
        """Nothing is held."""


class _Surfacing(BaseException):
    """What the host raised: the program may not catch it."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class _OutOfTime(BaseException):
    """The program is too slow."""


def _evaluate(job: Job, host: HostCall | None) -> object:
    names: dict[str, Any] = {"__name__": "program"}
    if job.action is Action.CALL:
        exec(_compiled(job.source), names)
        assert host is not None
        return names[job.entry](make_agent(_calling(host)), **job.arguments)
    assert job.action is Action.VALUE, job.action
    body, last = _split(job.source)
    exec(body, names)
    if "solution" in names:
        return names["solution"]()
    return eval(last, names) if last is not None else None


def _calling(host: HostCall) -> Callable[..., JSON]:
    def call(method: str, **arguments: JSON) -> JSON:
        return _finished(host(method, arguments))

    return call


def _finished(waiting: Any) -> JSON:
    """The result of a coroutine that never has to wait, as those of models in this process."""
    coroutine: Coroutine[Any, Any, JSON] = waiting
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: JSON = end.value
        return value
    except Refusal as refusal:
        kind = getattr(builtins, refusal.type, RuntimeError)
        raise kind(refusal.message) from None
    except Exception as error:
        raise _Surfacing(error) from None
    raise AssertionError("a model in this process had to wait")


@lru_cache(maxsize=4096)
def _compiled(source: str) -> CodeType:
    return compile(source, "program", "exec")


@lru_cache(maxsize=4096)
def _split(source: str) -> tuple[CodeType, CodeType | None]:
    """The program, and its last line as an expression where it is one."""
    tree = ast.parse(source)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        ending = tree.body.pop()
        assert isinstance(ending, ast.Expr)
        last = compile(ast.Expression(ending.value), "program", "eval")
    return compile(tree, "program", "exec"), last


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def ring(signum: int, frame: object) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    outer = signal.setitimer(signal.ITIMER_REAL, seconds)[0]
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, outer)
        signal.signal(signal.SIGALRM, before)
