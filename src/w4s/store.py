"""The folder of one run: what was paid for is on disk before anything goes on.

In: a folder, and records to keep. Out: the records of earlier, perhaps killed, sessions. A
journal is append-only JSON lines; each record is flushed to the disk before `append` returns, a
line torn by a kill is cut off when the folder is next opened, and a full disk leaves the journal
as it was. One process at a time may write. What the records mean is left to others.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from w4s.codec import decode, encode
from w4s.errors import ConfigError, StoreError, W4sError
from w4s.settings import Record, differences, from_toml, to_toml
from w4s.types import JSON

T = TypeVar("T")

VERSION = 1
"""Of the journals. Raised when an older reader could misread a record."""

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

CONFIG = "config.toml"
"""The run's settings, resolved."""
LOCK = ".lock"
"""Held by the process that works in the folder."""

_KINDS = {
    "task": ("a search", "w4s search TASK --run"),
    "tasks": ("a collection", "w4s collect TASK --run"),
    "examples": ("a training", "w4s train EXAMPLES --run"),
}
"""By a setting that only this kind of run has: what the folder holds, and what makes one."""

_SHOWN = 12
"""Characters of a fact that is told; longer ones are digests."""
_LOOK_SECONDS = 0.05
"""Far longer than somebody who only looks (`is_held`) has the lock in the hand."""


class Journal(Generic[T]):
    """Records of one type, one a line, after a first line that says which type and version."""

    def __init__(self, path: Path, type: type[T]) -> None:
        """Open for writing; creates the file, or cuts off a torn last line."""
        self._path = path
        self._type = type
        with _disk_errors(path):
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self._size = _whole_lines(path)
            os.ftruncate(self._fd, self._size)
        if self._size == 0:
            self._write(_header(type))
            _sync_folder(path.parent)

    def append(self, record: T) -> None:
        """Keep one record. When this returns it is on the disk."""
        self._write(encode(record) + b"\n")

    def records(self) -> tuple[T, ...]:
        """Everything kept so far, oldest first."""
        return read_journal(self._path, self._type)

    def close(self) -> None:
        os.close(self._fd)

    def _write(self, line: bytes) -> None:
        try:
            with _disk_errors(self._path):
                _write_all(self._fd, line, self._size)
                os.fsync(self._fd)
        except StoreError:
            # Half a line must not stay: the next append would run into it.
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(line)


def read_journal(path: Path, type: type[T]) -> tuple[T, ...]:
    """The whole records of a journal, without writing to it; none when it does not exist."""
    if not path.exists():
        return ()
    with _disk_errors(path):
        lines = path.read_bytes()[: _whole_lines(path)].splitlines()
    if not lines:
        return ()
    if lines[0] + b"\n" != _header(type):
        raise StoreError(
            f"{path}: not a journal of {type.__name__} records, version {VERSION};"
            " it was written by another version of w4s"
        )
    return tuple(_numbered(path, number, line, type) for number, line in enumerate(lines[1:], 2))


class RunFolder:
    """One run's folder, held by this process from `RunFolder(path)` to `close`."""

    def __init__(self, path: Path) -> None:
        """Create the folder if need be, and lock it. ConfigError when that is impossible."""
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(path / LOCK)
        except FileExistsError:
            raise ConfigError(f"{path} is a file; choose another folder with --run") from None
        except OSError as error:
            raise _no_folder(path, error) from None

    def settle(self, config: Record, facts: Mapping[str, JSON]) -> bool:
        """Bind the folder to these settings; True when it was already bound to them.

        `facts` are what the settings led to (the data's digest, the version): a run must not go
        on with others either. ConfigError shows the difference.
        """
        self.refuse_others(config, facts)
        bound = (self.path / CONFIG).exists()
        self.write(CONFIG, to_toml(config.settings() | {"facts": dict(facts)}))
        return bound

    def refuse_others(self, config: Record, facts: Mapping[str, JSON]) -> None:
        """ConfigError where `settle` would give one: before work that comes ahead of it."""
        changed = changes(self.path, config, facts, free=config.free())
        if changed:
            raise ConfigError(
                f"{self.path} holds a run with other settings: {'; '.join(changed)}."
                " Type the old settings to go on with it, or choose a new folder with --run"
            )

    def journal(self, name: str, type: type[T]) -> Journal[T]:
        return Journal(self.path / name, type)

    def write(self, name: str, text: str) -> None:
        """Replace a file as a whole: a reader sees the old text or the new one."""
        write_whole(self.path / name, text)

    def close(self) -> None:
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def read_settings(path: Path, *, of: str = "task") -> dict[str, JSON]:
    """The settings of the run in a folder, without holding it. `of` is a setting that only such a
    run has; ConfigError when the folder holds another kind of run, or none."""
    kind, making = _KINDS[of]
    was = _settled(path)
    if not was:
        raise ConfigError(f"{path} holds no run; {making} {shlex.quote(str(path))} makes one")
    if of not in was:
        raise ConfigError(f"{path} holds {_kind(was)}, not {kind}; {making} FOLDER makes one")
    return was


def recorded_facts(path: Path) -> Mapping[str, JSON]:
    """The facts that a folder is bound to; none when it is bound to none."""
    facts = _settled(path).get("facts")
    return facts if isinstance(facts, Mapping) else {}


def changes(
    path: Path, config: Record, facts: Mapping[str, JSON], *, free: frozenset[str]
) -> list[str]:
    """How these settings differ from those that a run folder is bound to, each as `key was this, is
    that`; empty where they do not, or where it is bound to none. Settings in `free` may differ.

    ConfigError where the folder holds another kind of run, or where the settings are the same but
    lead to something else now: the data have changed, or the version.
    """
    was = _settled(path)
    if not was:
        return []
    now = config.settings()
    if _kind(was) != _kind(now):
        raise ConfigError(f"{path} holds {_kind(was)}; choose a new folder with --run")
    facts_were = was.pop("facts", {})
    changed = differences(was, now, free)
    if changed or not isinstance(facts_were, Mapping):
        return changed
    moved = [
        _told(key, facts_were.get(key), facts.get(key))
        for key in (*facts, *(key for key in facts_were if key not in facts))
        if facts_were.get(key) != facts.get(key)
    ]
    if moved:
        raise ConfigError(
            f"{path} was made when these settings led to something else ({'; '.join(moved)})."
            " Put data and checkpoints back as they were, or choose a new folder with --run"
        )
    return []


def _settled(path: Path) -> dict[str, JSON]:
    """The settings that a folder is bound to; nothing when it is bound to none."""
    file = path / CONFIG
    if not file.exists():
        return {}
    with _disk_errors(file):
        return from_toml(file.read_text(encoding="utf-8"), file)


def _told(key: str, was: JSON, now: JSON) -> str:
    """A digest tells a reader nothing."""
    short = max(len(str(was)), len(str(now))) <= _SHOWN
    return f"{key} was {was}, is {now}" if short else f"{key}: other ones"


def _kind(settings: Mapping[str, JSON]) -> str:
    return next((kind for key, (kind, _) in _KINDS.items() if key in settings), "another run")


def is_held(path: Path) -> bool:
    """Whether a process works in a run folder now. Only a look: the folder stays as it is."""
    try:
        descriptor = os.open(path / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def write_whole(path: Path, text: str) -> None:
    """Write a file through a temporary one beside it, so that no reader meets half of it."""
    temporary = path.with_name(f".{path.name}.new")
    with _disk_errors(path):
        try:
            with temporary.open("w", encoding="utf-8", errors="replace") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def _header(type: type[object]) -> bytes:
    return f'{{"w4s":"{type.__name__}","version":{VERSION}}}\n'.encode()


def _numbered(path: Path, number: int, line: bytes, type: type[T]) -> T:
    try:
        return decode(type, line)
    except StoreError as error:
        raise StoreError(f"{path}, line {number}: {error}") from None


def _whole_lines(path: Path) -> int:
    """Bytes up to the end of the last whole line."""
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    # After a power cut the end of a file may be zeros where a line should be.
    start = data.rfind(b"\n", 0, end - 1) + 1
    return start if b"\0" in data[start:end] else end


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written


def _locked(path: Path) -> int:
    """Hold the lock file; the kernel lets go of it however this process ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _take(descriptor)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode().strip()
        os.close(descriptor)
        raise ConfigError(
            f"{path.parent} is in use by process {holder};"
            " wait until it has ended, or choose another folder with --run"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _take(descriptor: int) -> None:
    """Lock it, at the second try if need be. BlockingIOError when another process has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(_LOOK_SECONDS)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync_folder(path: Path) -> None:
    """Without this a new file's name may be lost in a power cut, though its content is not."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _no_folder(path: Path, error: OSError) -> W4sError:
    reason = f"cannot write to the run folder {path}: {os.strerror(error.errno or 0)}"
    if error.errno in DISK_FULL:
        return StoreError(f"{reason}; free some space and give the same command again")
    return ConfigError(f"{reason}; choose another with --run")


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals into a StoreError that says what to do."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        advice = (
            "; free some space and give the same command again: nothing that was paid for is lost"
            if error.errno in DISK_FULL
            else ""
        )
        raise StoreError(f"{path}: {reason}{advice}") from error
