"""The processes of an exported file: a Sandbox with limits and without walls.

In: Jobs. Out: Results, those that the sandbox of a search gives. Each job runs in a Python
process of its own, which is the same file, started with `CHILD` as its first word.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
from typing import Any

from w4s.agent import make_agent
from w4s.sandbox.base import Ending, HostCall, Job, Limits, Result
from w4s.sandbox.exchange import Answers, Exchange
from w4s.sandbox.frames import BadFrame, FrameReader, pack
from w4s.sandbox.host import order
from w4s.sandbox.inside.channel import Channel, Stopped
from w4s.sandbox.inside.program import NOT_COMPILED, Program, failure, not_compiled, run
from w4s.types import Trouble

FILE_BYTES = 16 * 2**20
"""Largest file that a process may write."""
SPARE_CPU_SECONDS = 2
"""Between the limit that raises in the program and the one that kills it."""
LINGER_SECONDS = 1.0
CHILD = "--run-one-program"
"""First word of the command line of the processes that this file starts."""


class SubprocessSandbox:
    """Runs each job in a Python process of its own, under limits but without walls."""

    async def run(self, job: Job, host: HostCall | None = None) -> Result:
        ours, theirs = socket.socketpair()
        with ours, tempfile.TemporaryDirectory(prefix="workflow-") as folder:
            with theirs:
                process = _start(theirs.fileno(), folder)
            answers = Answers(host)
            try:
                exchange = await _converse(job, answers, ours, process)
            finally:
                answers.cancel()
                _signal(process, signal.SIGKILL)
                await asyncio.to_thread(process.wait)
        if exchange.error is not None:
            raise exchange.error
        return exchange.result("", _end_of(process))

    async def aclose(self) -> None:
        """Nothing is held."""


def _start(descriptor: int, folder: str) -> subprocess.Popen[bytes]:
    # PYTHONHASHSEED is that of the search: a workflow may depend on the order of a set.
    return subprocess.Popen(
        [sys.executable, "-s", "-P", os.path.abspath(__file__), CHILD, str(descriptor)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        cwd=folder,
        env={"PYTHONHASHSEED": "0", "PATH": os.defpath, "LANG": "C.UTF-8"},
        start_new_session=True,
    )


async def _converse(
    job: Job, answers: Answers, ours: socket.socket, process: subprocess.Popen[bytes]
) -> Exchange:
    """Give the job to the process and answer its calls, until its last word or its limit."""
    reader, writer = await asyncio.open_connection(sock=ours)
    writer.write(pack(order(job, answers.offered)))
    await reader.read(1)  # it is up, and its clock begins
    exchange: Exchange

    def stop(number: int) -> None:
        _signal(process, number)
        if number == signal.SIGKILL:  # and in case another process keeps the line open
            asyncio.get_running_loop().call_later(LINGER_SECONDS, exchange.close)

    exchange = Exchange(
        job.limits,
        answers,
        send=lambda message: writer.write(pack(message)),
        stop=stop,
        ask_delay=lambda: exchange.delayed(0.0),
    )
    listening = asyncio.ensure_future(_listen(reader, job, exchange))
    try:
        await exchange.answered.wait()
    finally:
        listening.cancel()
        writer.close()
    return exchange


async def _listen(reader: asyncio.StreamReader, job: Job, exchange: Exchange) -> None:
    frames = FrameReader(max(job.limits.frame_bytes, 2 * job.limits.result_bytes + 4096))
    with contextlib.suppress(BadFrame, ValueError, OSError):
        while data := await reader.read(2**16):
            for message in frames.feed(data):
                exchange.take(message)
    exchange.close()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """A kill takes the whole group; a soft stop only the program."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        elif process.poll() is None:
            process.send_signal(number)


def _end_of(process: subprocess.Popen[bytes]) -> tuple[Ending, Trouble]:
    """How a process ended that left no word."""
    code = process.returncode
    if code >= 0:
        return Ending.EXITED, Trouble("Exit", f"the process ended itself with code {code}")
    return Ending.KILLED, Trouble("Killed", f"ended by {signal.Signals(-code).name}")


def run_one_program(descriptor: int) -> None:
    """What the processes do: one job under limits, its last word, and the end."""
    line = socket.socket(fileno=descriptor)
    channel = Channel(line)
    told = channel.next_order()
    if told is None:
        return
    channel.frame_bytes = told["frame_bytes"]
    signal.signal(signal.SIGUSR2, _at_limit)
    signal.signal(signal.SIGXCPU, _at_limit)
    _lay_limits(told["cpu_seconds"])
    line.sendall(b"!")
    channel.send(_carried_out(told, channel))
    os._exit(0)


def _at_limit(number: int, frame: object) -> None:
    raise Stopped("a limit was reached")


def _lay_limits(cpu_seconds: int) -> None:
    used = int(sum(os.times()[:2]))
    cpu = used + cpu_seconds
    memory = _address_space() + Limits().memory_mb * 2**20
    for what, soft, hard in (
        (resource.RLIMIT_CPU, cpu, cpu + SPARE_CPU_SECONDS),
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_FSIZE, FILE_BYTES, FILE_BYTES),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(what, (soft, hard))


def _address_space() -> int:
    """Bytes that this process has mapped already."""
    with open("/proc/self/statm", encoding="utf-8") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _carried_out(told: dict[str, Any], channel: Channel) -> dict[str, Any]:
    try:
        try:
            program = Program(told["source"], told["action"])
        except NOT_COMPILED as error:
            return {"failed": not_compiled(error)}
        return {"done": run(told, program, lambda: make_agent(channel.call))}
    except BaseException as error:
        return {"failed": failure(error)}
