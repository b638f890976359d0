"""One order to a child, from the host's side, until it is answered or ended.

In: the messages of the child, which may be hostile, and a HostCall that answers its calls.
Out: a Result. The clock of the program's own time is kept here: it stands still while a call
to the host is outstanding. Nothing in this module touches a process; it asks for a soft stop
or a kill.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from w4s.sandbox.base import Ending, HostCall, Limits, Refusal, Result
from w4s.types import JSON, Trouble

STOPS_IN_GRACE = 5
"""How often the soft stop is repeated before the kill; a program may swallow one by chance."""
EXTRA_CALLS = 1_000
"""Refused calls beyond the limit before the process is killed at once."""
DELAY_SECONDS = 0.5
"""How long to wait for word of the program's delays before it counts as out of time."""
LEAST_DELAY_SECONDS = 0.02
MOST_DELAY = 10.0
"""Delays count up to this many times the limit."""
METHOD_CHARS = 100
MESSAGE_CHARS = 2_000
TRACEBACK_CHARS = 4_000

_CHILD_ENDINGS = frozenset(
    (
        Ending.SYNTAX_ERROR,
        Ending.NO_ENTRY,
        Ending.RAISED,
        Ending.EXITED,
        Ending.TIME,
        Ending.MEMORY,
        Ending.OUTPUT,
    )
)
"""What a child may say of itself; the rest is seen by the host alone."""


Outcome = tuple[JSON, BaseException | None]
"""What the host answered, or what it raised."""


class Answer:
    """One answer of the host: under way, or there."""

    __slots__ = ("_listener", "_task", "arguments", "method", "outcome")

    def __init__(self, method: str, arguments: Mapping[str, JSON]) -> None:
        self.method = method
        self.arguments = arguments
        self.outcome: Outcome | None = None
        self._listener: Callable[[Outcome], None] | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self, host: HostCall) -> None:
        task = _started(self._work(host))
        if not task.done():
            self._task = task

    async def _work(self, host: HostCall) -> None:
        try:
            self.outcome = await host(self.method, self.arguments), None
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.outcome = None, error
        self._task = None  # thousands of answers may be kept, their tasks need not
        if self._listener is not None:  # told from here: a callback of the loop's costs a round
            self._listener(self.outcome)

    def tell(self, listener: Callable[[Outcome], None]) -> None:
        """Call `listener` with the outcome, now or when it is there."""
        self._listener = listener
        if self.outcome is not None:
            listener(self.outcome)

    def cancel(self) -> None:
        self._listener = None
        if self._task is not None and not self._task.done():
            self._task.cancel()


def _started(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task, from Python 3.12 on with its first step made at once: an answer that waits for
    nothing then costs no round of the event loop."""
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=loop, eager_start=True)
    return loop.create_task(work)


class Answers:
    """The host's answers to one job, remembered, so that a job run again asks nobody twice."""

    def __init__(self, host: HostCall | None) -> None:
        self._host = host
        self._asked: list[Answer] = []
        self._open: list[Answer] = []

    @property
    def offered(self) -> bool:
        return self._host is not None

    def again(self) -> None:
        """From now on equal calls get the earlier answers, in their order."""
        self._open = list(self._asked)

    def ask(self, method: str, arguments: Mapping[str, JSON]) -> Answer:
        """Raises LookupError when there is nobody to ask."""
        for earlier in self._open:
            if earlier.method == method and earlier.arguments == arguments:
                self._open.remove(earlier)
                return earlier
        if self._host is None:
            raise LookupError("this program has nobody to call")
        answer = Answer(method, arguments)
        answer.begin(self._host)
        self._asked.append(answer)
        return answer

    def cancel(self) -> None:
        """Nobody waits for the open answers any more."""
        for answer in self._asked:
            answer.cancel()


class Clock:
    """The program's own seconds: wall time without the waiting for the host."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._began = loop.time()
        self._waited = 0.0
        self._waits = 0
        self._wait_began = 0.0

    def wait_begins(self) -> None:
        if self._waits == 0:
            self._wait_began = self._loop.time()
        self._waits += 1

    def wait_ends(self) -> None:
        self._waits -= 1
        if self._waits == 0:
            self._waited += self._loop.time() - self._wait_began

    @property
    def own_seconds(self) -> float:
        now = self._loop.time()
        waiting = now - self._wait_began if self._waits else 0.0
        return now - self._began - self._waited - waiting


class Exchange:
    """An order under way."""

    def __init__(
        self,
        limits: Limits,
        answers: Answers,
        *,
        send: Callable[[dict[str, Any]], None],
        stop: Callable[[int], None],
        ask_delay: Callable[[], None] = lambda: None,
    ) -> None:
        self._limits = limits
        self._answers = answers
        self._send = send
        self._stop_process = stop
        self._ask_delay = ask_delay
        self._delay = 0.0
        self._loop = asyncio.get_running_loop()
        self._clock = Clock(self._loop)
        self._calls = 0
        self._late_line: int | None = None
        self._stopping: tuple[Ending, str, str] | None = None
        self._failed: dict[str, Any] | None = None
        self._value: JSON = None
        self._returned = False
        self._seconds = 0.0
        self.error: BaseException | None = None
        """What the host's own answer raised; ends the job and surfaces there."""
        self.answered = asyncio.Event()
        """The child has said its last word on this order (or can say no more)."""
        self._timer = self._loop.call_later(limits.seconds, self._look_at_clock)

    # --- time ---

    def _look_at_clock(self) -> None:
        left = self._limits.seconds + self._delay - self._clock.own_seconds
        if left > 0:
            self._timer = self._loop.call_later(max(left, 0.001), self._look_at_clock)
        else:  # in case nobody answers
            self._timer = self._loop.call_later(DELAY_SECONDS, self._out_of_time)
            self._ask_delay()

    def delayed(self, seconds: float) -> None:
        """The program was ready to run for so long, and the machine was busy with others.

        That is no fault of the program's: a limit that depended on the load would give different
        results in every run.
        """
        allowed = min(seconds, self._limits.seconds * MOST_DELAY)
        if self._stopping is not None or self.answered.is_set():
            return
        self._timer.cancel()
        if allowed > self._delay + LEAST_DELAY_SECONDS:
            self._delay = allowed
            self._look_at_clock()
        else:
            self._out_of_time()

    def _out_of_time(self) -> None:
        message = f"more than {self._limits.seconds:g} seconds"
        self.stop(Ending.TIME, "TimeLimit", message)

    def stop(self, ending: Ending, name: str, message: str) -> None:
        """A limit is reached: ask the program to end, and make sure that it does."""
        if self._stopping is not None or self.answered.is_set():
            return
        self._stopping = (ending, name, message)
        self._timer.cancel()
        self._insist(STOPS_IN_GRACE)

    def _insist(self, times: int) -> None:
        if times == 0:
            self._stop_process(signal.SIGKILL)
            return
        self._stop_process(signal.SIGUSR2)
        pause = self._limits.grace_seconds / STOPS_IN_GRACE
        self._timer = self._loop.call_later(pause, self._insist, times - 1)

    # --- messages of the child ---

    def take(self, message: dict[str, Any]) -> None:
        """One message. Raises ValueError when it is none of the protocol's."""
        if self.answered.is_set():
            return
        if "call" in message:
            self._take_call(message)
        elif "done" in message:
            self._value = message["done"]
            self._returned = True
            self.close()
        elif "failed" in message:
            self._failed = _checked_failure(message["failed"])
            self.close()
        elif "late" in message:
            self._late_line = _line(message["late"])
        else:
            raise ValueError("an unknown message")

    def _take_call(self, message: dict[str, Any]) -> None:
        number, method, arguments = message.get("id"), message["call"], message.get("arguments")
        if type(number) is not int or not isinstance(arguments, dict):
            raise ValueError("a malformed call")
        if not isinstance(method, str) or len(method) > METHOD_CHARS:
            raise ValueError("a malformed method name")
        self._calls += 1
        limit = self._limits.host_calls
        if self._calls > limit:
            self._send({"id": number, "stop": True})
            self.stop(Ending.CALLS, "CallLimit", f"more than {limit} calls")
            if self._calls > limit + EXTRA_CALLS:
                self._stop_process(signal.SIGKILL)
            return
        try:
            answer = self._answers.ask(method, arguments)
        except LookupError as error:
            self._send({"id": number, "refused": ["RuntimeError", str(error)]})
            return
        self._clock.wait_begins()
        answer.tell(lambda outcome: self._reply(number, outcome))

    def _reply(self, number: int, outcome: Outcome) -> None:
        self._clock.wait_ends()
        if self.answered.is_set():
            return
        value, error = outcome
        try:
            if error is None:
                self._send({"id": number, "value": value})
            elif isinstance(error, Refusal):
                self._send({"id": number, "refused": [error.type, error.message]})
            else:
                self._fail(error)
        except (TypeError, ValueError) as trouble:  # the answer is no JSON: a mistake of the host's
            self._fail(trouble)

    def _fail(self, error: BaseException) -> None:
        self.error = error
        self.close()

    # --- the end ---

    def close(self) -> None:
        """No more messages: stop the clock."""
        if not self.answered.is_set():
            self._seconds = max(self._clock.own_seconds - self._delay, 0.0)
            self._timer.cancel()
            self.answered.set()

    @property
    def clean(self) -> bool:
        """The program came to its own end within its limits."""
        return self._stopping is None and (self._returned or self._failed is not None)

    def result(self, output: str, broken: tuple[Ending, Trouble] | None) -> Result:
        """What came of the order; `broken` says how the process ended where that decides."""
        if self._stopping is not None:
            ending, name, message = self._stopping
            told = self._failed or {}
            line = self._late_line if self._late_line is not None else told.get("line")
            frames = told.get("traceback", "").rpartition("\n")[0]
            traceback = f"{frames}\n{name}: {message}" if frames else ""
            trouble = Trouble(name, message, line, traceback)
            return Result(ending, None, trouble, output, self._seconds)
        if self._returned:
            return Result(Ending.RETURNED, self._value, None, output, self._seconds)
        if self._failed is not None:
            told = self._failed
            trouble = Trouble(told["type"], told["message"], told["line"], told["traceback"])
            return Result(told["ending"], None, trouble, output, self._seconds)
        assert broken is not None
        ending, trouble = broken
        if self._late_line is not None and trouble.line is None:
            trouble = Trouble(trouble.type, trouble.message, self._late_line)
        return Result(ending, None, trouble, output, self._seconds)


def _line(value: Any) -> int | None:
    return value if type(value) is int and 0 < value < 1_000_000 else None


def _text(value: Any, limit: int) -> str:
    return value[:limit] if isinstance(value, str) else ""


def _checked_failure(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict) or told.get("ending") not in _CHILD_ENDINGS:
        raise ValueError("a malformed failure")
    return {
        "ending": Ending(told["ending"]),
        "type": _text(told.get("type"), 200) or "Error",
        "message": _text(told.get("message"), MESSAGE_CHARS),
        "line": _line(told.get("line")),
        "traceback": _text(told.get("traceback"), TRACEBACK_CHARS),
    }
