"""The zygote: a small Python process that has imported everything and forks the children.

In, over the control socket: start orders (each with two descriptors) and signals to pass on.
Out: which child ended, and how. The zygote never sees untrusted text; it holds no key, no
question and no answer, because it was exec'd with a clean environment, not forked from the
host. When the host's end of the socket closes, everything here ends.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import fcntl
import gc
import importlib
import io
import os
import resource
import select
import signal
import socket
import sys
import threading
import warnings
from collections import deque
from typing import Any

from w4s.sandbox.frames import FrameReader, pack
from w4s.sandbox.inside import canaries, life
from w4s.sandbox.inside.walls.lockdown import Walls, exit_unless_child_of

PRELOADED = """
abc bisect collections collections.abc contextlib copy ctypes encodings.ascii encodings.latin_1
encodings.utf_16 encodings.utf_8_sig enum functools heapq itertools json json.decoder keyword
linecache math numbers operator os random re reprlib string sys textwrap threading time traceback
types typing unicodedata warnings weakref __future__
"""
"""Standard library that most generated programs use, and what the interpreter itself may want; the
child can open no file to import more. What few need and every fork would pay for stands in the
host's `outfit`."""

LEFT_OUT = ("ssl", "_ssl", "_hashlib")
"""Nobody can connect from here; without OpenSSL every fork copies less, and `hashlib` has its own
implementations."""
THREAD_STACK_BYTES = 2 * 1024 * 1024
"""A hundred threads then fit into a child's address space."""
FIRST_TO_GO = "500"
"""When memory runs out, the kernel shall take a child rather than the host."""
PROGRAM = "def solver(agent, task):\n    return {'answer': agent('ask', question=task)}"
"""What is rehearsed where the prelude has no program of its own."""
FIRST_ORDER = {"memory_mb": 256, "cpu_hard_seconds": 10, "folder": None}
"""A start like any other, for the rehearsal and the proof of the walls."""
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def main(control: socket.socket, parent: int) -> None:
    """The whole life of the zygote."""
    _die_with(parent)
    control = socket.socket(fileno=fcntl.fcntl(control.detach(), fcntl.F_DUPFD_CLOEXEC, 16))
    reader = _Control(control)
    settings = reader.wait()
    if settings is None:
        return
    walls, inherited = prepare(settings)
    control.sendall(pack({"hello": True, "walls": prove(walls)}))
    _Zygote(control, reader, inherited, walls).serve()


_libc = ctypes.CDLL(None)
"""Loaded once: every child would pay for a lookup of its own."""


def prctl(option: int, value: int) -> None:
    """Linux only; elsewhere the closing of the control socket has to do."""
    if sys.platform == "linux":
        _libc.prctl(option, value, 0, 0, 0)


def _die_with(parent: int) -> None:
    """The death signal follows the thread that spawned us; the socket's end is the second way."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    if parent and os.getppid() != parent:
        os._exit(1)
    with (
        contextlib.suppress(OSError),
        open("/proc/self/oom_score_adj", "w", encoding="utf-8") as file,
    ):
        file.write(FIRST_TO_GO)


def prepare(settings: dict[str, Any]) -> tuple[Walls, life.Inheritance]:
    """Import what programs use, compile the prelude, and freeze the heap for the forks."""
    sys.modules.update(dict.fromkeys(LEFT_OUT))  # type: ignore[arg-type]
    for name in PRELOADED.split():
        importlib.import_module(name)
    for name in LEFT_OUT:
        del sys.modules[name]
    sys.path.extend(settings["folders"])
    for name in settings["modules"]:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    for folder in settings["folders"]:
        sys.path.remove(folder)
    warnings.simplefilter("ignore", SyntaxWarning)  # said wherever a text happens to be compiled
    prelude = _prelude(settings["prelude"])
    life.prepare_descriptors()
    walls = Walls(settings["profile"], settings["landlock"])
    sys.stdout = io.TextIOWrapper(
        open(1, "wb", buffering=16384, closefd=False),  # noqa: SIM115
        encoding="utf-8",
        errors="backslashreplace",
    )
    for name in [name for name in sys.modules if name.split(".")[0] in ("w4s", "__main__")]:
        if name != "__main__":
            del sys.modules[name]
    make_agent = prelude.get("make_agent", lambda call: call)
    inherited = life.Inheritance(
        walls.lock,
        make_agent,
        _own_descriptors(walls.ruleset),
        [bytearray(life.RESERVE_BYTES)],
    )
    life.prepare_signals()
    program, reply = prelude.get("REHEARSAL", PROGRAM), prelude.get("REPLY", "")
    open_ended = inherited._replace(lockdown=walls.rehearse)
    life.rehearse({**FIRST_ORDER, "user": 0}, program, reply, open_ended)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.stack_size(THREAD_STACK_BYTES)
    gc.collect()
    gc.freeze()
    return walls, inherited


def _own_descriptors(kept: int | None) -> tuple[tuple[int, int], ...]:
    """Ranges that a child closes: all but its own, and `kept`."""
    first = life.CHANNEL + 1
    end = min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 20)
    return ((first, end),) if kept is None else ((first, kept), (kept + 1, end))


def prove(walls: Walls) -> dict[str, Any]:
    """Which walls stand, proven by a child that ran against them."""
    record: dict[str, Any] = {
        "profile": walls.profile,
        "landlock": walls.landlock_abi,
        "user_per_child": walls.users is not None and walls.users.available,
    }
    if walls.problem:
        return {**record, "error": walls.problem}
    if walls.profile == "none":
        return record
    user = walls.users.take(0) if walls.users is not None else None
    order = {**FIRST_ORDER, "user": user}
    found = canaries.fly(lambda: walls.lock(order), walls.profile)
    if walls.users is not None:
        walls.users.give_back(0)
    return {**record, **found}


def _prelude(source: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "prelude"}
    exec(compile(source, "<prelude>", "exec", dont_inherit=True), namespace)
    return namespace


def _delay_seconds(pid: int) -> float:
    """How long the process was ready to run without running; 0 where that is not told."""
    with (
        contextlib.suppress(OSError, ValueError, IndexError),
        open(f"/proc/{pid}/schedstat", encoding="utf-8") as f,
    ):
        return int(f.read().split()[1]) / 1e9
    return 0.0


class _Control:
    """Reads orders and the descriptors that come with them."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._frames = FrameReader(1 << 26)
        self._orders: deque[dict[str, Any]] = deque()
        self.descriptors: deque[int] = deque()

    def read(self) -> list[dict[str, Any]] | None:
        """What has arrived; None when the host is gone."""
        room = socket.CMSG_SPACE(64 * 4)
        data, ancillary, _, _ = self._connection.recvmsg(65536, room)
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
                self.descriptors.extend(numbers)
        return list(self._frames.feed(data)) if data else None

    def wait(self) -> dict[str, Any] | None:
        """The first order alone."""
        while True:
            orders = self.read()
            if orders is None:
                return None
            if orders:
                return orders[0]


class _Zygote:
    def __init__(
        self,
        control: socket.socket,
        reader: _Control,
        inherited: life.Inheritance,
        walls: Walls,
    ) -> None:
        self._control = control
        self._reader = reader
        self._inherited = inherited
        self._children: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        self._forks_allowed = walls.profile == "none"
        self._users = walls.users
        self._pid = os.getpid()

    def serve(self) -> None:
        awake, alarm = os.pipe()
        for fd in (awake, alarm):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(awake, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == awake:
                    os.read(awake, 4096)
                    self._reap()
                elif not self._obey():
                    return

    def _obey(self) -> bool:
        orders = self._reader.read()
        if orders is None:
            return False
        for order in orders:
            if "start" in order:
                self._start(order)
            elif (pid := self._numbers.get(order["number"])) is None:
                continue
            elif "delay" in order:
                self._tell({"delay": order["number"], "seconds": _delay_seconds(pid)})
            else:
                self._signal(pid, order["signal"])
        return True

    def _start(self, order: dict[str, Any]) -> None:
        channel = self._reader.descriptors.popleft()
        output = self._reader.descriptors.popleft()
        order["user"] = self._users.take(order["start"]) if self._users is not None else None
        try:
            pid = os.fork()
        except OSError as error:
            self._tell({"ended": order["start"], "error": f"fork: {error}"})
            pid = -1
        if pid == 0:
            self._become_child(order, channel, output)
        os.close(channel)
        os.close(output)
        if pid > 0:
            self._children[pid] = order["start"]
            self._numbers[order["start"]] = pid

    def _become_child(self, order: dict[str, Any], channel: int, output: int) -> None:
        try:
            signal.set_wakeup_fd(-1)
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            exit_unless_child_of(self._pid)
            # A group of its own can be killed whole. A session of its own would be scheduled like a
            # user's: hundreds of children would leave the host no processor time.
            os.setpgid(0, 0)
            life.live(order, channel, output, self._inherited)
        finally:
            os._exit(0)

    def _signal(self, pid: int, number: int) -> None:
        """A kill takes the whole group; a soft stop only the program."""
        try:
            if number == signal.SIGKILL:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)
        except (ProcessLookupError, PermissionError):  # not yet a group's leader, or just gone
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            number = self._children.pop(pid, None)
            if self._forks_allowed:
                self._kill_strays(pid)
            if number is None:
                continue  # a grandchild that was handed to us
            del self._numbers[number]
            if self._users is not None:
                self._users.give_back(number)
            cpu = usage.ru_utime + usage.ru_stime
            self._tell({"ended": number, "status": status, "cpu": round(cpu, 4)})

    def _kill_strays(self, leader: int) -> None:
        """End what a child forked: its group, and whatever was handed to us as orphans."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
        try:
            with open(f"/proc/self/task/{self._pid}/children", encoding="utf-8") as file:
                pids = [int(pid) for pid in file.read().split()]
        except OSError:
            return
        for pid in pids:
            if pid not in self._children:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue

    def _tell(self, message: dict[str, Any]) -> None:
        try:
            self._control.sendall(pack(message))
        except OSError:
            os._exit(0)
