"""The child's end of the conversation with the host.

In: calls from any thread of the program. Out: frames with request ids, and the host's replies
handed to the thread that waits for them. One waiting thread reads for all; when its own reply
is there, it passes that duty on.
"""

from __future__ import annotations

import builtins
import socket
import threading
from collections import deque
from queue import SimpleQueue
from typing import Any

from w4s.sandbox.frames import HEADER, FrameReader, pack
from w4s.sandbox.values import plain

_LEAD: dict[str, Any] = {}
"""Handed to a waiting thread: from now on you read."""


class Stopped(BaseException):
    """A limit was reached. No Exception, so that ordinary handlers let it pass."""


class Channel:
    """Frames to and from the host over one connected socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._frames = FrameReader(1 << 30)
        self._inbox: deque[dict[str, Any]] = deque()
        self._send_lock = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: dict[int, SimpleQueue[dict[str, Any]]] = {}
        self._led = False
        self._last = 0
        self.frame_bytes = 1 << 30
        """What the host accepts as one message."""

    def send(self, message: dict[str, Any]) -> None:
        self.send_packed(pack(message))

    def send_packed(self, data: bytes) -> None:
        with self._send_lock:
            self._connection.sendall(data)

    def send_if_free(self, message: dict[str, Any]) -> None:
        """For signal handlers: send unless a send is under way in the interrupted code."""
        if self._send_lock.acquire(blocking=False):
            try:
                self._connection.sendall(pack(message))
            finally:
                self._send_lock.release()

    def next_order(self) -> dict[str, Any] | None:
        """The host's next order, or None when the host hung up. Only between programs."""
        while not self._inbox:
            data = self._connection.recv(65536)
            if not data:
                return None
            self._inbox.extend(self._frames.feed(data))
        return self._inbox.popleft()

    def call(self, method: str, /, **arguments: object) -> Any:
        """Ask the host and wait; may be used from several threads at once.

        Raises what the host refuses with: the built-in exception of that name, else
        RuntimeError.
        """
        reply = self._exchange(method, arguments)
        if "value" in reply:
            return reply["value"]
        if "refused" in reply:
            raise exception_named(*reply["refused"])
        raise Stopped("no more calls")

    def _exchange(self, method: str, arguments: dict[str, object]) -> dict[str, Any]:
        answer: SimpleQueue[dict[str, Any]] = SimpleQueue()
        with self._lock:
            self._last += 1
            number = self._last
            data = self._pack_call(number, method, arguments)
            self._waiting[number] = answer
            lead = not self._led
            self._led = True
        try:
            with self._send_lock:
                self._connection.sendall(data)
            while True:
                if lead:
                    self._read_until(answer)
                reply = answer.get()
                if reply is not _LEAD:
                    return reply
                lead = True
        finally:
            self._leave(number, answer, lead)

    def _pack_call(self, number: int, method: str, arguments: dict[str, object]) -> bytes:
        try:
            data = pack({"id": number, "call": method, "arguments": arguments})
        except (TypeError, ValueError, RecursionError):
            data = pack({"id": number, "call": str(method), "arguments": plain(arguments)})
        if len(data) - HEADER.size > self.frame_bytes:
            raise ValueError(f"arguments of {len(data)} bytes; at most {self.frame_bytes} may pass")
        return data

    def _read_until(self, answer: SimpleQueue[dict[str, Any]]) -> None:
        while answer.empty():
            data = self._connection.recv(65536)
            if not data:
                raise Stopped("the host hung up")
            for message in self._frames.feed(data):
                with self._lock:
                    waiting = self._waiting.pop(message.get("id", 0), None)
                if waiting is not None:
                    waiting.put(message)
                elif "id" not in message:
                    self._inbox.append(message)

    def _leave(self, number: int, answer: SimpleQueue[dict[str, Any]], lead: bool) -> None:
        """Pass the duty of reading on, also when this thread was interrupted."""
        with self._lock:
            self._waiting.pop(number, None)
            while not lead and not answer.empty():
                lead = answer.get() is _LEAD
            if not lead:
                return
            heir = next(iter(self._waiting.values()), None)
            if heir is not None:
                heir.put(_LEAD)
            else:
                self._led = False


def exception_named(name: str, message: str) -> Exception:
    """The built-in exception of that name, else RuntimeError."""
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(message)
        except TypeError:  # UnicodeDecodeError and its like want more arguments
            pass
    return RuntimeError(message)
