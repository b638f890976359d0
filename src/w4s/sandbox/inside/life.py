"""The life of one child, from the fork to its exit.

In: the start order of the zygote and two descriptors, the channel and the pipe for output.
The child shuts itself in, says so, and only then reads untrusted text from the channel. Out:
messages to the host; the process ends by `os._exit` whatever happened.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import types
from collections.abc import Callable
from typing import Any, NamedTuple

from w4s.sandbox.frames import pack
from w4s.sandbox.inside import program as programs
from w4s.sandbox.inside import remote
from w4s.sandbox.inside.channel import Channel, Stopped

SOFT_STOP = signal.SIGUSR2
"""The host's way of saying that a limit is reached."""
CHANNEL = 3
REHEARSALS = 20
"""More than the calls after which the interpreter adapts a function."""

RESERVE_BYTES = 64 * 1024

READY = pack({"ready": True})

Lockdown = Callable[[dict[str, Any]], None]
"""Takes every right away that the program does not need; raises when it cannot."""


class Inheritance(NamedTuple):
    """What the zygote prepared for all its children."""

    lockdown: Lockdown
    make_agent: Callable[[Callable[..., Any]], object]
    """The prelude's; gets the channel's `call`."""
    closed: tuple[tuple[int, int], ...]
    """Ranges of descriptors that are the zygote's own: the first, and the one after the last."""
    reserve: list[bytearray]
    """Memory to let go of, so that a MemoryError can be told."""


def prepare_descriptors() -> None:
    """In the zygote, before any channel arrives: 0 to 3 are taken, and 0 reads nothing."""
    null = os.open(os.devnull, os.O_RDONLY)
    for fd in (0, CHANNEL):
        if fd != null:
            os.dup2(null, fd, inheritable=False)
    if null > CHANNEL:
        os.close(null)


def prepare_signals() -> None:
    """In the zygote: what the children inherit costs them nothing."""
    signal.signal(SOFT_STOP, _at_limit)
    signal.signal(signal.SIGXCPU, _at_limit)


_lives: list[_Life] = []
"""The one of this process; none in the zygote."""


def _at_limit(number: int, frame: types.FrameType | None) -> None:
    for life in _lives:
        life.stop(number, frame)


def live(order: dict[str, Any], channel: int, output: int, inherited: Inheritance) -> None:
    """Never returns to the zygote: the caller exits the process."""
    os.dup2(output, 1, inheritable=False)
    os.dup2(output, 2, inheritable=False)
    os.dup2(channel, CHANNEL, inheritable=False)
    for first, end in inherited.closed:
        os.closerange(first, end)
    line = Channel(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, CHANNEL))
    try:
        inherited.lockdown(order)
    except Exception as error:
        line.send({"broken": f"{type(error).__name__}: {error}"[:500]})
        return
    life = _Life(line, inherited)
    _lives.append(life)
    line.send_packed(READY)
    life.serve()


class _Life:
    """Serves the host's orders one after another."""

    def __init__(self, channel: Channel, inherited: Inheritance) -> None:
        self._channel = channel
        self._inherited = inherited
        self._program: programs.Program | None = None
        self._loaded: remote.Loaded | None = None
        self._running = False
        self._cpu_seconds = 0

    def stop(self, number: int, frame: types.FrameType | None) -> None:
        """A limit: raise in the main thread, wherever the program stands."""
        if not self._running:
            return
        self._channel.send_if_free({"late": programs.line_of_frame(frame)})
        if number == signal.SIGXCPU:
            raise Stopped(f"more than {self._cpu_seconds} seconds of processor time")
        raise Stopped("a limit was reached")

    def serve(self) -> None:
        while True:
            order = self._channel.next_order()
            if order is None:
                return
            self._channel.frame_bytes = order["frame_bytes"]
            self._cpu_seconds = order["cpu_seconds"]
            _allow_cpu(self._cpu_seconds)
            answer = self._carry_out(order)
            self._running = False
            _flush()
            self._channel.send(answer)
            if not order["keep"]:
                return

    def _carry_out(self, order: dict[str, Any]) -> dict[str, Any]:
        try:
            try:
                self._running = True
                return self._attempt(order)
            except BaseException as error:
                if isinstance(error, MemoryError):
                    self._inherited.reserve.clear()
                return {"failed": programs.failure(error)}
        except BaseException:  # a limit again, while describing the first trouble
            return {"failed": {"ending": "time", "type": "TimeLimit", "message": "", "line": None}}

    def _attempt(self, order: dict[str, Any]) -> dict[str, Any]:
        try:
            self._compile(order)
        except Stopped:
            raise
        except programs.NOT_COMPILED as error:
            return {"failed": programs.not_compiled(error)}
        assert self._program is not None
        match order["action"]:
            case "compile":
                return {"done": self._program.packed()}
            case "open":
                self._loaded = remote.Loaded(self._program, order["seed"])
                return {"done": None}
            case "apply":
                assert self._loaded is not None
                return {"done": self._loaded.apply(order)}
            case "grade":
                return {"done": remote.grade(order, self._channel.call)}
        return {"done": programs.run(order, self._program, self._make_agent)}

    def _compile(self, order: dict[str, Any]) -> None:
        """Once per source; an order without one is for the same as before."""
        if order["source"] is not None:
            self._program = programs.Program(order["source"], order["action"], order.get("code"))

    def _make_agent(self) -> object:
        return self._inherited.make_agent(self._channel.call)


def _flush() -> None:
    """What the program printed goes out before the answer, whatever it did to its streams."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__):
        try:
            stream.flush()  # type: ignore[union-attr]
        except Exception:
            continue


def rehearse(order: dict[str, Any], program: str, reply: object, inherited: Inheritance) -> bytes:
    """Live a child's life a few times in the zygote, its first call answered by `reply`.

    The interpreter then has adapted the code and filled its caches, in pages that all children
    share, instead of every child in copies of its own. `order`: of a start. The lockdown of
    `inherited` must lock nothing here. What the last life told its host is returned.
    """
    told = pack(
        {
            "source": program,
            "code": programs.Program(program, "call").packed(),
            "action": "call",
            "entry": "solver",
            "arguments": {"task": "?"},
            "host": True,
            "seed": "",
            "cpu_seconds": 60,
            "frame_bytes": 1 << 20,
            "result_bytes": 1000,
            "keep": False,
        }
    )
    output, errors = os.dup(1), os.dup(2)
    allowance = resource.getrlimit(resource.RLIMIT_CPU)
    heard = b""
    for _ in range(REHEARSALS):
        heard = _rehearse_once(order, told, pack({"id": 1, "value": reply}), output, inherited)
        prepare_descriptors()
    resource.setrlimit(resource.RLIMIT_CPU, allowance)
    os.dup2(errors, 2, inheritable=False)
    os.close(errors)
    os.close(output)
    return heard


def _rehearse_once(
    order: dict[str, Any], told: bytes, reply: bytes, output: int, inherited: Inheritance
) -> bytes:
    ours, theirs = socket.socketpair()

    def make_agent(call: Callable[..., Any]) -> object:
        theirs.sendall(reply)  # not before the order has been read
        theirs.shutdown(socket.SHUT_WR)
        return inherited.make_agent(call)

    with ours, theirs:
        theirs.sendall(told)
        live(order, ours.fileno(), output, inherited._replace(make_agent=make_agent, closed=()))
        _lives.clear()
        return theirs.recv(1 << 20)


def _allow_cpu(seconds: int) -> None:
    """Move the soft limit of processor time to `seconds` from now."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(usage.ru_utime + usage.ru_stime) + seconds
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
