"""The host's end of the zygote: start it, ask it for children, hear of their ends.

In: settings for the zygote. Out: Child objects. The zygote is exec'd with a clean environment,
so that nothing the host holds in memory is ever within reach of a child.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import Any

from w4s.errors import SandboxError
from w4s.sandbox.base import Limits
from w4s.sandbox.child import Child
from w4s.sandbox.frames import FrameReader, pack

START_SECONDS = 60.0
PARCEL_DESCRIPTORS = 32
"""In one message to the zygote: those of 16 children. It has room for twice as many."""
_ROOT = Path(__file__).resolve().parent.parent

BOOT = """
import os, sys, types
os.register_at_fork = lambda **handlers: None
import socket
for name, folder in (("w4s", ""), ("w4s.sandbox", "/sandbox")):
    package = types.ModuleType(name)
    package.__path__ = [sys.argv[1] + folder]
    sys.modules[name] = package
from w4s.sandbox.inside.zygote import main
main(socket.socket(fileno=int(sys.argv[2])), int(sys.argv[3]))
"""
"""Packages without their `__init__`, so that the far side imports its own few modules only. And no
handlers at a fork: they mend what other threads of the parent may have held, the zygote has one
thread, and in every child they would copy a hundred and seventy pages."""

FLAGS = ("-P", "-s", "-S", "-B")
"""Isolated like `-I`, except that PYTHONHASHSEED is read: with a fixed one, the order of sets
of strings is the same in every run, and so is a workflow that depends on it. The environment
holds nothing but what stands here."""

ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "LC_ALL": "C.UTF-8",
    "HOME": "/nonexistent",
    "TZ": "UTC",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
"""Libraries that would start threads before the fork are told not to; and each thread would
take 64 MB of a child's address space for an arena of its own."""


class Nursery:
    """One zygote and its living children. Use from one event loop only."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket, log: Any) -> None:
        self._process = process
        self._control = control
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._frames = FrameReader(1 << 24)
        self._outbox: deque[tuple[bytes, tuple[int, ...]]] = deque()
        self._children: dict[int, Child] = {}
        self._last = 0
        self._hello: asyncio.Future[dict[str, Any]] = self._loop.create_future()
        self.dead = False
        """No more children come from here."""
        self.greeting: dict[str, Any] = {}
        """What the zygote said when it was ready."""
        self._loop.add_reader(control, self._read)

    @classmethod
    async def open(cls, settings: dict[str, Any], prefix: tuple[str, ...] = ()) -> Nursery:
        """Start a zygote and wait until it is ready. Raises SandboxError.

        `prefix` is a command that starts it in its turn (a container tool).
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        log = tempfile.TemporaryFile()  # noqa: SIM115
        with theirs:
            try:
                process = _spawn(theirs, log, prefix)
            except OSError as error:
                ours.close()
                log.close()
                raise SandboxError(f"the sandbox process does not start: {error}") from error
        nursery = cls(process, ours, log)
        nursery._send(pack(settings), ())
        try:
            nursery.greeting = await asyncio.wait_for(nursery._hello, START_SECONDS)
        except BaseException as error:
            reason = nursery._last_words()
            await nursery.aclose()
            if isinstance(error, asyncio.CancelledError):
                raise
            raise SandboxError(f"the sandbox process does not start: {reason or error}") from None
        return nursery

    @property
    def pid(self) -> int:
        return self._process.pid

    def spawn(self, limits: Limits, cpu_hard_seconds: int, folder: str | None = None) -> Child:
        """A new child; it is there when its `ready` is set.

        `folder`: the private one of the profile `scratch`.
        """
        self._last += 1
        number = self._last
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        ours.setblocking(False)
        os.set_blocking(read_end, False)

        def send_signal(which: int) -> None:
            self._send(pack({"number": number, "signal": int(which)}), ())

        def ask_delay() -> None:
            self._send(pack({"number": number, "delay": True}), ())

        child = Child(limits, ours, read_end, send_signal, ask_delay)
        self._children[number] = child
        order = {
            "start": number,
            "memory_mb": limits.memory_mb,
            "cpu_hard_seconds": cpu_hard_seconds,
            "folder": folder,
        }
        self._send(pack(order), (theirs.detach(), write_end))
        return child

    # --- the control socket ---

    def _send(self, data: bytes, descriptors: tuple[int, ...]) -> None:
        """Queue: all that comes in one round of the loop goes together, and finds the zygote with
        the pages that it writes at hand; after each fork it has to copy them anew."""
        if self.dead:
            _close_all(descriptors)
            return
        if not self._outbox:
            self._loop.call_soon(self._write)
        self._outbox.append((data, descriptors))

    def _write(self) -> None:
        while self._outbox and not self.dead:
            data, descriptors = self._next_parcel()
            try:
                sent = socket.send_fds(self._control, [data], list(descriptors))
            except BlockingIOError:
                self._outbox.appendleft((data, descriptors))
                self._loop.add_writer(self._control, self._write)
                return
            except OSError:
                self._outbox.appendleft((data, descriptors))
                return  # reading will notice
            _close_all(descriptors)
            if sent < len(data):
                self._outbox.appendleft((data[sent:], ()))
        if not self.dead:
            self._loop.remove_writer(self._control)

    def _next_parcel(self) -> tuple[bytes, tuple[int, ...]]:
        """What is queued, as much of it as one message may carry."""
        data, descriptors = self._outbox.popleft()
        while self._outbox and len(descriptors) < PARCEL_DESCRIPTORS:
            more, theirs = self._outbox.popleft()
            data, descriptors = data + more, descriptors + theirs
        return data, descriptors

    def _read(self) -> None:
        try:
            data = self._control.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._die(f"the zygote ended {self._last_words()}".strip())
            return
        for message in self._frames.feed(data):
            if "ended" in message:
                self._child_ended(message)
            elif "delay" in message:
                if (child := self._children.get(message["delay"])) is not None:
                    child.delayed(message["seconds"])
            elif not self._hello.done():
                self._hello.set_result(message)

    def _child_ended(self, message: dict[str, Any]) -> None:
        child = self._children.pop(message["ended"], None)
        if child is not None:
            status = message.get("status")
            child.process_ended(status, message.get("cpu", 0.0), message.get("error", ""))

    def _die(self, reason: str) -> None:
        if self.dead:
            return
        self.dead = True
        self._loop.remove_reader(self._control)
        self._loop.remove_writer(self._control)
        self._control.close()
        for _, descriptors in self._outbox:
            _close_all(descriptors)
        self._outbox.clear()
        children, self._children = self._children, {}
        for child in children.values():
            child.process_ended(None, 0.0, reason)
        if not self._hello.done():
            self._hello.set_exception(SandboxError(reason))

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read(100_000).decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:500] if lines else ""

    async def aclose(self) -> None:
        """End the zygote and every child of its."""
        self._die("the sandbox was closed")
        if self._hello.done() and not self._hello.cancelled():
            self._hello.exception()
        for _ in range(400):
            if self._process.poll() is not None:
                break
            await asyncio.sleep(0.005)
        else:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def kill(self) -> None:
        """For emergencies and tests: the zygote dies at once, and its children with it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def _spawn(control: socket.socket, log: Any, prefix: tuple[str, ...]) -> subprocess.Popen[bytes]:
    fd = control.fileno()
    parent = 0 if prefix else os.getpid()
    command = [*prefix, sys.executable, *FLAGS, "-c", BOOT, str(_ROOT), str(fd), str(parent)]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=log,
        env=ENVIRONMENT,
        pass_fds=(fd,),
        start_new_session=True,
        cwd="/",
    )


def _close_all(descriptors: tuple[int, ...]) -> None:
    for fd in descriptors:
        os.close(fd)
