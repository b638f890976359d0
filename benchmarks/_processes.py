"""Run a command and account for it and everything that it starts.

In: a command. Out: seconds, CPU of the whole family, and the most memory it held at once.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 1.0
GROWTH = 1.1
"""Looking at the memory of hundreds of processes takes half a second of CPU, so it is done only
when the family is larger by so much than the last time."""


@dataclass(frozen=True, slots=True)
class Account:
    """What one command took."""

    seconds: float
    cpu_seconds: float
    """User and system time of the command and of all that it has waited for."""
    own_cpu_seconds: float
    """Of that, the command's own process; as far as it was last seen."""
    peak_mb: float
    """Memory of the family when it was about the largest, shared pages counted once (PSS)."""
    peak_processes: int


def account(command: Sequence[str]) -> Account:
    """Run a command to its end. Raises RuntimeError with its output when it fails."""
    begin = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        watch = _Watch(process.pid)
        watch.start()
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begin
        watch.stop()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    return Account(
        seconds,
        usage.ru_utime + usage.ru_stime,
        watch.own_cpu_seconds,
        watch.peak_kb / 1024,
        watch.peak_processes,
    )


def cpu_seconds(pid: int) -> float:
    """What a living process has used so far, without its children; 0 when it has gone."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


class _Watch(threading.Thread):
    """Looks at the memory of a process and its descendants now and then."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._ended = threading.Event()
        self.own_cpu_seconds = 0.0
        self.peak_kb = 0
        self.peak_processes = 0

    def run(self) -> None:
        looked_at = 0
        while not self._ended.wait(SAMPLE_SECONDS):
            family = list(_family(self._pid))
            self.own_cpu_seconds = cpu_seconds(self._pid) or self.own_cpu_seconds
            if len(family) > GROWTH * looked_at:
                looked_at = len(family)
                self.peak_kb = max(self.peak_kb, sum(map(_pss_kb, family)))
            self.peak_processes = max(self.peak_processes, len(family))

    def stop(self) -> None:
        self._ended.set()
        self.join()


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in _read(f"/proc/{pid}/task/{pid}/children").split():
        yield from _family(int(children))


def _pss_kb(pid: int) -> int:
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def _read(path: str) -> str:
    """The text of a file of /proc, empty when its process has gone."""
    try:
        return Path(path).read_text()
    except (OSError, ProcessLookupError):
        return ""
