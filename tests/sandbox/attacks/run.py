"""Run every attempt in this folder's tables against one sandbox and report the breaches.

A script, so that it can be run as another user: `run.py TABLES PROFILE LANDLOCK SLOW`, with `w4s`
on PYTHONPATH. SLOW (`slow` or `fast`) adds the attempts that run into a limit, and a call to
serve after each attempt. Prints one JSON object. An attempt that returns something true has
broken through; so has one that leaves a file, a process or a segment behind, is heard by a
service of the host's, or keeps the host from serving the next call.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from w4s.sandbox.base import Ending, Job, Limits, Result
from w4s.sandbox.host import Profile, PythonSandbox
from w4s.types import JSON

AT_ONCE = 4
MARK = "w4s-attack"
PLACES = ("/tmp", "/dev/shm", "/var/tmp")
LIMITS = Limits(
    seconds=1.0,
    grace_seconds=0.3,
    cpu_seconds=2,
    memory_mb=256,
    output_bytes=20_000,
    host_calls=20,
)
HEAD = """
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

def raw(number, *arguments):
    got = libc.syscall(ctypes.c_long(number), *[
        ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments])
    if got == -1:
        raise OSError(ctypes.get_errno(), "refused")
    return got

def send(data):
    while data:
        data = data[os.write(3, data):]

def frame(body):
    send(len(body).to_bytes(4, "big") + body)

def wait():
    import time
    time.sleep(30)

def attack(agent, F):
"""
ALLOWED_IN_SCRATCH = ("scratch-residue", "scratch-inside")


def attempts(tables: list[str], profile: str, slow: bool) -> Iterator[tuple[str, str]]:
    for table in tables:
        text = Path(__file__).with_name(f"{table}.txt").read_text()
        for section in text.split("=== ")[1:]:
            head, _, body = section.partition("\n")
            name, _, marks = head.partition(" | ")
            if "slow" in marks and not slow:
                continue
            if profile == "scratch" and any(mark in marks for mark in ALLOWED_IN_SCRATCH):
                continue
            lines = body.splitlines() or ["pass"]
            yield f"{table}: {name}", HEAD + "\n".join(f"    {line}" for line in lines)


class World:
    """What an attempt could reach: a file with gold, services that listen, the host itself."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.gold = f"{folder}/gold.txt"
        Path(self.gold).write_text("the gold answer")
        Path(folder, "empty").mkdir()
        Path(folder, "w4s_planted.py").write_text("")
        for path in (folder, f"{folder}/empty", self.gold):
            os.chmod(path, 0o777)
        self.sockets = [
            self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            self._listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            self._listen(socket.AF_UNIX, socket.SOCK_STREAM, f"{folder}/stream"),
            self._listen(socket.AF_UNIX, socket.SOCK_DGRAM, f"{folder}/datagram"),
            self._listen(socket.AF_UNIX, socket.SOCK_STREAM, f"\0w4s-stream-{os.getpid()}"),
            self._listen(socket.AF_UNIX, socket.SOCK_DGRAM, f"\0w4s-datagram-{os.getpid()}"),
        ]
        for name in ("stream", "datagram"):
            os.chmod(f"{folder}/{name}", 0o777)
        self._before = self._state()

    def _listen(self, family: int, kind: int, address: object) -> socket.socket:
        listener = socket.socket(family, kind)
        listener.bind(address)  # type: ignore[arg-type]
        if kind == socket.SOCK_STREAM:
            listener.listen()
        listener.setblocking(False)
        return listener

    def facts(self, zygote: int) -> dict[str, JSON]:
        return {
            "gold": self.gold,
            "folder": self.folder,
            "host": os.getpid(),
            "zygote": zygote,
            "tcp": self.sockets[0].getsockname()[1],
            "udp": self.sockets[1].getsockname()[1],
            "unix": f"{self.folder}/stream",
            "unix_datagram": f"{self.folder}/datagram",
            "abstract": f"w4s-stream-{os.getpid()}",
            "abstract_datagram": f"w4s-datagram-{os.getpid()}",
        }

    def damage(self) -> str:
        """What an attempt changed outside, in words."""
        for listener in self.sockets:
            with contextlib.suppress(BlockingIOError):
                if listener.type == socket.SOCK_STREAM:
                    listener.accept()
                else:
                    listener.recv(10)
                return f"a service of the host's was reached: {listener.getsockname()!r}"
        left = [str(p) for place in PLACES for p in Path(place).glob(f"{MARK}*")]
        if left:
            return f"left behind: {left}"
        now = self._state()
        return "" if now == self._before else f"changed: {self._before} → {now}"

    def _state(self) -> list[object]:
        shown = os.stat(self.gold)
        return [
            Path(self.gold).read_text(),
            (shown.st_mode, shown.st_uid, shown.st_mtime),
            sorted(os.listdir(self.folder)),
            resource.getrlimit(resource.RLIMIT_NOFILE),
            os.getpriority(os.PRIO_PROCESS, 0),
            sorted(os.sched_getaffinity(0)),
            Path("/proc/sysvipc/shm").read_text().count("\n"),
        ]

    def close(self) -> None:
        for listener in self.sockets:
            listener.close()


async def answer(method: str, arguments: Mapping[str, JSON]) -> JSON:
    if method == "big":
        return "x" * 1_000_000
    if method != "ask":
        raise LookupError(method)
    return arguments["question"]


async def main(tables: list[str], profile: str, landlock: bool, slow: bool) -> dict[str, object]:
    started = time.monotonic()
    breaches: list[str] = []
    endings: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        world = World(folder)
        sandbox = PythonSandbox(profile=Profile(profile), use_landlock=landlock)
        await sandbox.start()
        zygote = sandbox._nurseries[()].pid
        facts = world.facts(zygote)
        places = asyncio.Semaphore(AT_ONCE)

        async def serve(name: str) -> None:
            serving = await sandbox.run(Job("def solver(): return 42"))
            if serving.value != 42:
                breaches.append(f"{name}: the host serves no more: {serving}")

        async def attempt(name: str, source: str) -> None:
            async with places:
                job = Job(source, entry="attack", arguments={"F": facts}, limits=LIMITS)
                result = await _run(sandbox, job)
                endings[name] = _how(result)
                if result is not None and result.ending is Ending.RETURNED and result.value:
                    breaches.append(f"{name}: {str(result.value)[:200]}")
                if damage := world.damage():
                    breaches.append(f"{name}: {damage}")
                if slow:
                    await serve(name)

        jobs = list(attempts(tables, profile, slow))
        await asyncio.gather(*(attempt(name, source) for name, source in jobs))
        await serve("all")
        if sandbox._nurseries[()].pid != zygote:
            breaches.append("the zygote was lost")
        left = Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()
        if left:
            breaches.append(f"processes left behind: {left}")
        walls = sandbox.canaries()
        await sandbox.aclose()
        world.close()
    return {
        "attempts": len(jobs),
        "breaches": breaches,
        "endings": endings,
        "walls": walls,
        "user": os.getuid(),
        "seconds": round(time.monotonic() - started, 1),
    }


def _how(result: Result | None) -> str:
    if result is None:
        return "refused method"
    trouble = result.trouble.type if result.ending is Ending.RAISED and result.trouble else ""
    return f"{result.ending}: {trouble}" if trouble else str(result.ending)


async def _run(sandbox: PythonSandbox, job: Job) -> Result | None:
    """None when the program called what the host does not offer, which ends the run."""
    try:
        return await sandbox.run(job, answer)
    except LookupError:
        return None


if __name__ == "__main__":
    tables, profile, landlock, slow = sys.argv[1:]
    report = asyncio.run(main(tables.split(","), profile, landlock == "on", slow == "slow"))
    print(json.dumps(report))
