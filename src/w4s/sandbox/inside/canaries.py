"""Canaries: a locked child tries what no program may, and tells what held.

Out: a record for the run. Every start of a zygote runs them; one that gets through stops the
sandbox before any untrusted text is read.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any


def _read_file() -> None:
    os.close(os.open("/etc/passwd", os.O_RDONLY))


def _write_file() -> None:
    path = f"/tmp/w4s-canary-{os.getpid()}"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    os.unlink(path)


def _list_folder() -> None:
    os.listdir("/")


def _stat_file() -> None:
    os.stat("/etc/passwd")


def _tcp() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()


def _udp() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()


def _unix_socket() -> None:
    socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close()


def _datagram_pair() -> None:
    for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM):
        end.close()


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _execute() -> None:
    """Of a path that does not exist: held only when the call itself is refused."""
    try:
        os.execv("/nonexistent/canary", ["canary"])
    except FileNotFoundError:
        return


def _signal_parent() -> None:
    os.kill(_PARENT, 0)


def _signal_everybody() -> None:
    os.kill(-1, 0)


def _limits_of_parent() -> None:
    prlimit = getattr(resource, "prlimit", None)
    if prlimit is None:
        raise PermissionError
    prlimit(_PARENT, resource.RLIMIT_NOFILE)


def _memory_file() -> None:
    os.close(os.memfd_create("canary"))


def _new_namespace() -> None:
    _call("unshare", 0x10000000)


def _trace_parent() -> None:
    _call("ptrace", 16, _PARENT, 0, 0)


def _gain_root() -> None:
    os.setuid(0)


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


_PARENT = os.getpid()
"""Whoever imported this before the fork."""

_STAT = "stat a file"
_FILES: dict[str, Callable[[], None]] = {
    "read a file": _read_file,
    "write a file": _write_file,
    "list a folder": _list_folder,
    _STAT: _stat_file,
}
_ALWAYS: dict[str, Callable[[], None]] = {
    "tcp socket": _tcp,
    "udp socket": _udp,
    "unix socket": _unix_socket,
    "datagram pair": _datagram_pair,
    "fork": _fork,
    "execute": _execute,
    "signal the parent": _signal_parent,
    "signal everybody": _signal_everybody,
}
_LINUX: dict[str, Callable[[], None]] = {
    "limits of the parent": _limits_of_parent,
    "memory file": _memory_file,
    "new namespace": _new_namespace,
    "trace the parent": _trace_parent,
    "gain root": _gain_root,
}


def fly(lock: Callable[[], None], profile: str) -> dict[str, Any]:
    """Fork, lock, try; the record `{"held": [...], "broken": [...]}` or `{"error": …}`."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        _sing(lock, profile, write_end)
    os.close(write_end)
    with open(read_end, "rb") as file:
        told = file.read(65_536)
    os.waitpid(pid, 0)
    try:
        record = json.loads(told)
    except ValueError:
        return {"error": "the canary died without a word"}
    return record if isinstance(record, dict) else {"error": "the canary spoke nonsense"}


def _sing(lock: Callable[[], None], profile: str, output: int) -> None:
    record: dict[str, Any]
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            lock()
            record = _attempts(profile)
        except BaseException as error:
            record = {"error": f"{type(error).__name__}: {error}"}
        os.write(output, json.dumps(record).encode())
    finally:
        os._exit(0)


def _attempts(profile: str) -> dict[str, Any]:
    probes = {**_FILES, **_ALWAYS, **(_LINUX if sys.platform == "linux" else {})}
    if profile == "scratch":
        del probes[_STAT]  # Landlock does not cover it
    held, broken = [], []
    for name, attempt in probes.items():
        try:
            attempt()
        except OSError:
            held.append(name)
        else:
            broken.append(name)
    return {"held": held, "broken": broken, "user": os.getuid()}
