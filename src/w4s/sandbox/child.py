"""One live child as the host sees it: a channel, a pipe with its output, and its end.

In: orders. Out: Results. Everything that arrives is treated as hostile: frames are capped,
output is cut, and a child that breaks the protocol is killed. A child serves one order, or,
one after another, several of the same source.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from w4s.sandbox.base import Ending, Limits, Result
from w4s.sandbox.exchange import Answers, Exchange
from w4s.sandbox.frames import BadFrame, FrameReader, pack
from w4s.types import Trouble

OUTPUT_FACTOR = 10
"""Printing this many times the limit ends the job."""
LINGER_SECONDS = 0.5
"""How long a child may take to exit after its last word."""
_READ_BYTES = 65_536


class ChildLost(Exception):
    """The child ended before it was locked in, or with its zygote: not the program's doing."""


class Child:
    """Host's end of one child. Use from the event loop's thread only."""

    def __init__(
        self,
        limits: Limits,
        channel: socket.socket,
        output: int,
        signal_process: Callable[[int], None],
        ask_delay: Callable[[], None],
    ) -> None:
        self._limits = limits
        self._channel = channel
        self._output = output
        self._signal_process = signal_process
        self._ask_delay = ask_delay
        self._loop = asyncio.get_running_loop()
        self._frames = FrameReader(max(limits.frame_bytes, 2 * limits.result_bytes + 4096))
        self._outbox = bytearray()
        self._printed = bytearray()
        self._printed_bytes = 0
        self._exchange: Exchange | None = None
        self._early: list[dict[str, Any]] = []
        self._closed = False
        self._killed = False
        self._violation = ""
        self._status: int | None = None
        self._cpu_seconds = 0.0
        self._lost = ""
        self.ready = asyncio.Event()
        """The child has shut itself in (or will never)."""
        self._on_ready: Callable[[], None] = lambda: None
        self.ended = asyncio.Event()
        """The process is gone."""
        self._descriptor = channel.fileno()  # the loop looks a number up faster than a socket
        self._loop.add_reader(self._descriptor, self._read_channel)
        self._loop.add_reader(output, self._read_output)

    def when_ready(self, do: Callable[[], None]) -> None:
        """Call `do` once, when `ready` is set."""
        self._on_ready = do

    def _be_ready(self) -> None:
        self.ready.set()
        self._on_ready()

    # --- orders ---

    async def carry_out(self, order: dict[str, Any], limits: Limits, answers: Answers) -> Result:
        """Send one order and wait for what comes of it.

        Raises ChildLost, or what the host's answers raised. Cancelling kills the child.
        """
        try:
            self._begin_output(limits)
            self._send(order)
            await self.ready.wait()
            if self._lost:
                raise ChildLost(self._lost)
            exchange = Exchange(
                limits, answers, send=self._send, stop=self.signal, ask_delay=self._ask_delay
            )
            self._exchange = exchange
            self._read_buffered()
            if self._closed or self.ended.is_set():
                exchange.close()
            await exchange.answered.wait()
            if not order["keep"] or not exchange.clean:
                await self._end(exchange)
            if exchange.error is not None:
                raise exchange.error
            if self._lost and not exchange.clean:
                raise ChildLost(self._lost)
            return exchange.result(self._take_output(), self._broken())
        except BaseException:
            self.kill()
            raise

    def _begin_output(self, limits: Limits) -> None:
        self._limits = limits
        self._printed.clear()
        self._printed_bytes = 0

    async def _end(self, exchange: Exchange) -> None:
        """Wait for the exit; a child that stays is killed."""
        if exchange.error is not None:
            self.kill()
        linger = self._loop.call_later(LINGER_SECONDS, self.kill)
        try:
            await self.ended.wait()
        finally:
            linger.cancel()

    # --- the channel ---

    def _send(self, message: dict[str, Any]) -> None:
        data = pack(message)
        if self._closed:
            return
        if not self._outbox:
            try:
                sent = self._channel.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                return
            if sent == len(data):
                return
            data = data[sent:]
            self._loop.add_writer(self._descriptor, self._write_channel)
        self._outbox += data

    def _write_channel(self) -> None:
        try:
            sent = self._channel.send(self._outbox)
        except BlockingIOError:
            return
        except OSError:
            sent = len(self._outbox)
        del self._outbox[:sent]
        if not self._outbox:
            self._loop.remove_writer(self._descriptor)

    def _read_channel(self) -> bool:
        """Take what has arrived; False when that was nothing."""
        try:
            data = self._channel.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._hang_up()
            return False
        try:
            for message in self._frames.feed(data):
                self._take(message)
        except (BadFrame, ValueError) as error:
            self._violate(str(error))
        return not self._closed

    def _take(self, message: dict[str, Any]) -> None:
        if not self.ready.is_set():
            if "broken" in message:
                self._lost = f"a child could not lock itself in: {str(message['broken'])[:500]}"
            elif "ready" not in message:
                raise ValueError("the first message says nothing of readiness")
            self._be_ready()
        elif self._exchange is None:
            self._early.append(message)
        else:
            self._exchange.take(message)

    def _read_buffered(self) -> None:
        """Messages that came between the readiness and the start of the clock."""
        early, self._early = self._early, []
        try:
            for message in early:
                self._take(message)
        except ValueError as error:
            self._violate(str(error))

    def _violate(self, what: str) -> None:
        self._violation = what[:500] or "broken protocol"
        self.kill()
        self._hang_up()

    def _hang_up(self) -> None:
        """Nothing more can be said, in either direction."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._descriptor)
        if self._outbox:
            self._loop.remove_writer(self._descriptor)
        self._channel.close()
        if not self.ready.is_set():
            self._lost = self._lost or "a child ended before it was ready"
            self._be_ready()
        if self._exchange is not None:
            self._exchange.close()

    # --- printed text ---

    def _read_output(self) -> None:
        try:
            data = os.read(self._output, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close_output()
            return
        self._printed_bytes += len(data)
        room = self._limits.output_bytes - len(self._printed)
        if room > 0:
            self._printed += data[:room]
        if self._printed_bytes > OUTPUT_FACTOR * self._limits.output_bytes:
            limit = f"printed more than {OUTPUT_FACTOR * self._limits.output_bytes} bytes"
            self.stop(Ending.OUTPUT, "OutputLimit", limit)

    def _close_output(self) -> None:
        if self._output >= 0:
            self._loop.remove_reader(self._output)
            os.close(self._output)
            self._output = -1

    def _take_output(self) -> str:
        """What was printed so far: all of it was written before the last word was sent."""
        for _ in range(OUTPUT_FACTOR * 2):
            before = self._printed_bytes
            if self._output >= 0:
                self._read_output()
            if self._printed_bytes == before:
                break
        return self._printed.decode("utf-8", "replace")

    # --- the end ---

    def signal(self, number: int) -> None:
        if number == signal.SIGKILL:
            self._killed = True
        if not self.ended.is_set():
            self._signal_process(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    async def gone(self) -> None:
        """Kill, and wait until nothing is left."""
        self.kill()
        await self.ended.wait()

    def stop(self, ending: Ending, name: str, message: str) -> None:
        """A limit that somebody else watches is reached."""
        if self._exchange is not None:
            self._exchange.stop(ending, name, message)

    def delayed(self, seconds: float) -> None:
        """Word of how long the process waited for a processor, over all its life."""
        if self._exchange is not None:
            self._exchange.delayed(seconds)

    def process_ended(self, status: int | None, cpu_seconds: float, reason: str = "") -> None:
        """Called once by whoever watches the processes; no status: it went with its zygote."""
        self._status = status
        self._cpu_seconds = cpu_seconds
        if status is None:
            self._lost = reason or "the zygote ended"
        while not self._closed and self._read_channel():
            continue  # what the child said before it ended
        self._hang_up()
        self._take_output()
        self._close_output()
        self.ended.set()

    def _broken(self) -> tuple[Ending, Trouble] | None:
        """How the process ended, for a program that left no word."""
        if self._violation:
            return Ending.PROTOCOL, Trouble("ProtocolError", self._violation)
        if self._status is None:
            return None
        if not os.WIFSIGNALED(self._status):
            code = os.waitstatus_to_exitcode(self._status)
            return Ending.EXITED, Trouble("Exit", f"the process ended itself with code {code}")
        number = os.WTERMSIG(self._status)
        cpu_used_up = self._cpu_seconds >= self._limits.cpu_seconds
        if number == signal.SIGXCPU or (number == signal.SIGKILL and cpu_used_up):
            message = f"more than {self._limits.cpu_seconds} seconds of processor time"
            return Ending.TIME, Trouble("TimeLimit", message)
        if self._killed and number == signal.SIGKILL:
            return Ending.PROTOCOL, Trouble("ProtocolError", "closed its channel and went on")
        return Ending.KILLED, Trouble("Killed", f"ended by {_signal_name(number)}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
