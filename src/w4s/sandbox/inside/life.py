"""The life of one child, from the fork to its exit.

In: the start order of the zygote and two descriptors, the channel and the pipe for output.
The child shuts itself in, says so, and only then reads untrusted text from the channel. Out:
messages to the host; the process ends by `os._exit` whatever happened.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from w4s.sandbox.frames import pack
from w4s.sandbox.inside import program as programs
from w4s.sandbox.inside import remote
from w4s.sandbox.inside.channel import Channel, Stopped

SOFT_STOP = signal.SIGUSR2
"""The host's way of saying that a limit is reached."""
CHANNEL = 3
REHEARSALS = 20
"""More than the calls after which the interpreter adapts a function."""

READY = pack({"ready": True})

Lockdown = Callable[[dict[str, Any]], None]
"""Takes every right away that the program does not need; raises when it cannot."""


@dataclass(slots=True)
class Inheritance:
    """What the zygote prepared for all its children."""

    lockdown: Lockdown
    make_agent: Callable[[Callable[..., Any]], object]
    """The prelude's; gets the channel's `call`."""
    descriptors: int
    """None of the zygote's has a number this high."""


def prepare_descriptors() -> None:
    """In the zygote, before any channel arrives: 0 to 3 are taken, and 0 reads nothing."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0, inheritable=False)
    if null > CHANNEL:
        os.close(null)


def prepare_signals() -> None:
    """In the zygote: what the children inherit costs them nothing."""
    signal.signal(SOFT_STOP, _at_limit)
    signal.signal(signal.SIGXCPU, _at_limit)


def _at_limit(number: int, frame: types.FrameType | None) -> None:
    if _Life.current is not None:
        _Life.current.stop(number, frame)


def live(order: dict[str, Any], channel: int, output: int, inherited: Inheritance) -> None:
    """Never returns to the zygote: the caller exits the process."""
    os.dup2(output, 1, inheritable=False)
    os.dup2(output, 2, inheritable=False)
    os.dup2(channel, CHANNEL, inheritable=False)
    os.closerange(CHANNEL + 1, inherited.descriptors)
    line = Channel(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, CHANNEL))
    try:
        inherited.lockdown(order)
    except Exception as error:
        line.send({"broken": f"{type(error).__name__}: {error}"[:500]})
        return
    life = _Life.current = _Life(line, inherited)
    line.send_packed(READY)
    life.serve()


class _Life:
    """Serves the host's orders one after another."""

    current: ClassVar[_Life | None] = None
    """The one of this process; None in the zygote."""

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
            for stream in (sys.stdout, sys.stderr, sys.__stdout__):
                with contextlib.suppress(Exception):
                    stream.flush()  # type: ignore[union-attr]
            self._channel.send(answer)
            if not order["keep"]:
                return

    def _carry_out(self, order: dict[str, Any]) -> dict[str, Any]:
        reserve: bytearray | None = bytearray(64 * 1024)  # so that a MemoryError can be told
        try:
            try:
                self._running = True
                return self._attempt(order)
            except BaseException as error:
                reserve = None
                return {"failed": programs.failure(error)}
        except BaseException:  # a limit again, while describing the first trouble
            del reserve
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
            self._program = programs.Program(order["source"], order["action"])

    def _make_agent(self) -> object:
        return self._inherited.make_agent(self._channel.call)


def rehearse() -> None:
    """Go through a program's motions once in the zygote.

    The interpreter then has adapted the code and filled its caches, in pages that all children
    share, instead of every child in copies of its own.
    """
    source = "def solver(agent, task):\n    return {'answer': agent('ask', question=task)}"
    order = pack(
        {
            "action": "call",
            "entry": "solver",
            "arguments": {"task": "?"},
            "source": source,
            "seed": "",
            "host": True,
            "result_bytes": 1000,
        }
    )
    for _ in range(REHEARSALS):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            _rehearse_once(Channel(ours), theirs, order)


def _rehearse_once(channel: Channel, host: socket.socket, order: bytes) -> None:
    host.sendall(order)
    told = channel.next_order()
    assert told is not None
    host.sendall(pack({"id": 1, "value": "!"}))
    program = programs.Program(told["source"], told["action"])
    channel.send({"done": programs.run(told, program, lambda: channel.call)})


def _allow_cpu(seconds: int) -> None:
    """Move the soft limit of processor time to `seconds` from now."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(usage.ru_utime + usage.ru_stime) + seconds
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
