"""Workflows in this very process: fast, and only for text that this package wrote itself.

In: jobs of the sandbox's protocol. Out: their results. There are no walls here, so nothing but the
grammar's own workflows and the simulated executor's own programs may come in; that is why this
stands among the benchmarks and not in the package. Experiments over hundreds of searches become
possible in minutes. `benchmarks.racing` checks that a search comes out as in the real sandbox.
"""

from __future__ import annotations

import builtins
import json
import linecache
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from w4s.agent import make_agent
from w4s.sandbox.base import Ending, HostCall, Job, Refusal, Result
from w4s.sandbox.host import order
from w4s.sandbox.inside import program as programs
from w4s.sandbox.inside.channel import Stopped
from w4s.types import JSON, Trouble


class Trusted:
    """A Sandbox without walls. What runs a program is the sandbox's own inner part."""

    async def run(self, job: Job, host: HostCall | None = None) -> Result:
        told = order(job, host is not None)
        try:
            with _time_limit(job.limits.seconds):
                try:
                    program = _compiled(job.source, told["action"])
                except programs.NOT_COMPILED as error:
                    return _failed(programs.not_compiled(error))
                value = programs.run(told, program, lambda: make_agent(_calling(host)))
        except _Surfacing as surfacing:
            raise surfacing.error from None
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return _failed(programs.failure(error))
        return Result(Ending.RETURNED, json.loads(json.dumps(value)))

    async def aclose(self) -> None:
        """Nothing is held."""

    def canaries(self) -> dict[str, str]:
        """What stands in the run folder instead of proofs."""
        return {"walls": "none: programs of this package's own, in its own process"}


@lru_cache(32768)
def _program(source: str, action: str) -> programs.Program:
    """Experiments run the same texts over and over."""
    return programs.Program(source, action)


def _compiled(source: str, action: str) -> programs.Program:
    """The program, whose lines a traceback finds as if it had been compiled just now."""
    lines = source.splitlines(keepends=True)
    linecache.cache[programs.FILE] = (len(source), None, lines, programs.FILE)
    return _program(source, action)


class _Surfacing(BaseException):
    """What the host raised: the program may not catch it."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


def _failed(told: dict[str, Any]) -> Result:
    trouble = Trouble(told["type"], told["message"], told["line"], told.get("traceback", ""))
    return Result(Ending(told["ending"]), trouble=trouble)


def _calling(host: HostCall | None) -> Callable[..., JSON]:
    assert host is not None

    def call(method: str, /, **arguments: JSON) -> JSON:
        return _finished(host(method, json.loads(json.dumps(arguments))))

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


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def ring(signum: int, frame: object) -> None:
        raise Stopped("a limit was reached")

    before = signal.signal(signal.SIGALRM, ring)
    outer = signal.setitimer(signal.ITIMER_REAL, seconds)[0]
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, outer)
        signal.signal(signal.SIGALRM, before)
