"""The account book of a run: one row per call, written before the call is sent.

In: each call with the worst it can cost, and later what came of it. Out: totals per role. A row
that nobody settled belongs to a process that was killed; from the next opening on it counts as
spent at its worst. The time of each sitting is written along with its calls, so that a kill loses a
second of it. Who may spend how much is decided in `models.metering.budget`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from w4s.errors import StoreError
from w4s.models.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY,
    role TEXT NOT NULL,
    model TEXT NOT NULL,
    state TEXT NOT NULL,
    worst_tokens INTEGER NOT NULL,
    worst_usd REAL NOT NULL,
    prompt_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    usd REAL NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS cached (role TEXT PRIMARY KEY, requests INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sittings (id INTEGER PRIMARY KEY, seconds REAL NOT NULL);
"""
TICK_SECONDS = 1.0
"""How often at most the time of a sitting is written."""


class State(StrEnum):
    """What is known of a call."""

    OPEN = "open"
    """Written down; sent or about to be."""
    DONE = "done"
    """Answered; its cost is known."""
    FAILED = "failed"
    """Refused, or never arrived; costs nothing."""
    UNKNOWN = "unknown"
    """Sent, but what the provider did and billed is not known."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What calls take out of a budget."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: Spending) -> Spending:
        return Spending(self.calls + other.calls, self.tokens + other.tokens, self.usd + other.usd)

    def __sub__(self, other: Spending) -> Spending:
        return Spending(self.calls - other.calls, self.tokens - other.tokens, self.usd - other.usd)


@dataclass(frozen=True, slots=True)
class Totals:
    """What one role has used so far, over all processes that worked on the run."""

    calls: int = 0
    """Every attempt that was sent and has come to an end, also the failed ones."""
    failed: int = 0
    """Of these: refused or never arrived, at no cost."""
    unknown: int = 0
    """Of these: of unknown outcome."""
    cached: int = 0
    """Requests answered from disk; no calls."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0
    """Dollars of the answered calls."""
    unknown_tokens: int = 0
    """Most that the calls of unknown outcome can have used."""
    usd_unknown: float = 0.0
    """Most that the calls of unknown outcome can have cost."""

    @property
    def spent(self) -> Spending:
        """What counts against a budget: calls of unknown outcome count at their worst."""
        tokens = self.prompt_tokens + self.completion_tokens + self.unknown_tokens
        return Spending(self.calls, tokens, self.usd + self.usd_unknown)

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.calls + other.calls,
            self.failed + other.failed,
            self.unknown + other.unknown,
            self.cached + other.cached,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.usd + other.usd,
            self.unknown_tokens + other.unknown_tokens,
            self.usd_unknown + other.usd_unknown,
        )

    def __sub__(self, other: Totals) -> Totals:
        return self + Totals(*(-getattr(other, field.name) for field in fields(other)))


@dataclass(frozen=True, slots=True)
class Entry:
    """An open row."""

    id: int
    role: str
    worst: Spending


class Ledger:
    """The account book in one sqlite file.

    Every method raises StoreError when the file cannot be read or written.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = Database(path, _SCHEMA)
        self._clock = clock
        self._start = self._ticked = clock()
        self._database.execute(
            "UPDATE calls SET state = ? WHERE state = ?", (State.UNKNOWN, State.OPEN)
        )
        self._totals = _totals(self._database.rows)
        self._earlier = self._read_seconds()
        self._sitting = self._database.execute(
            "INSERT INTO sittings (seconds) VALUES (0)"
        ).lastrowid

    def open(self, role: str, model: str, worst: Spending) -> Entry:
        """Write a call down before it is sent."""
        self._tick()
        cursor = self._database.execute(
            "INSERT INTO calls (role, model, state, worst_tokens, worst_usd)"
            " VALUES (?, ?, ?, ?, ?)",
            (role, model, State.OPEN, worst.tokens, worst.usd),
        )
        return Entry(cursor.lastrowid or 0, role, worst)

    def done(self, entry: Entry, *, prompt_tokens: int, completion_tokens: int, usd: float) -> None:
        """The call was answered and cost this."""
        self._tick()
        self._database.execute(
            "UPDATE calls SET state = ?, prompt_tokens = ?, completion_tokens = ?, usd = ?"
            " WHERE id = ?",
            (State.DONE, prompt_tokens, completion_tokens, usd, entry.id),
        )
        self._add(
            entry.role,
            Totals(
                calls=1,
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
                usd=usd,
            ),
        )

    def failed(self, entry: Entry) -> None:
        """The call was refused, or never arrived."""
        self._end(entry, State.FAILED)
        self._add(entry.role, Totals(calls=1, failed=1))

    def unknown(self, entry: Entry) -> None:
        """The call may have been answered and billed, but the answer never came."""
        self._end(entry, State.UNKNOWN)
        self._add(
            entry.role,
            Totals(
                calls=1,
                unknown=1,
                unknown_tokens=entry.worst.tokens,
                usd_unknown=entry.worst.usd,
            ),
        )

    def count_cached(self, role: str) -> None:
        """One request of this role was answered from disk."""
        self._database.execute(
            "INSERT INTO cached (role, requests) VALUES (?, 1)"
            " ON CONFLICT (role) DO UPDATE SET requests = requests + 1",
            (role,),
        )
        self._add(role, Totals(cached=1))

    @property
    def totals(self) -> Mapping[str, Totals]:
        """What each role has used; open calls are not in it yet."""
        return dict(self._totals)

    @property
    def total(self) -> Totals:
        """What all roles together have used."""
        return sum(self._totals.values(), Totals())

    @property
    def seconds(self) -> float:
        """Wall time of all sittings so far; of one that was killed, up to its last calls."""
        return self._earlier + self._clock() - self._start

    def close(self) -> None:
        with suppress(StoreError):  # a full disk must not hide what ended the run
            self._keep_time()
        self._database.close()

    def _tick(self) -> None:
        if self._clock() - self._ticked >= TICK_SECONDS:
            self._keep_time()

    def _keep_time(self) -> None:
        self._ticked = self._clock()
        self._database.execute(
            "UPDATE sittings SET seconds = ? WHERE id = ?",
            (self._ticked - self._start, self._sitting),
        )

    def _end(self, entry: Entry, state: State) -> None:
        self._tick()
        self._database.execute("UPDATE calls SET state = ? WHERE id = ?", (state, entry.id))

    def _add(self, role: str, more: Totals) -> None:
        self._totals[role] = self._totals.get(role, Totals()) + more

    def _read_seconds(self) -> float:
        row: Any
        [row] = self._database.rows("SELECT coalesce(sum(seconds), 0.0) FROM sittings")
        return float(row[0])


def look_up(path: Path) -> Mapping[str, Totals]:
    """What each role has used so far, in a book that another process writes; it stays untouched.
    Empty where there is none yet, or none that can be read now."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as book:
            return _totals(lambda sql: book.execute(sql).fetchall(), " WHERE state != 'open'")
    except sqlite3.Error:
        return {}


def _totals(rows: Callable[[str], list[tuple[object, ...]]], which: str = "") -> dict[str, Totals]:
    """By role; `which` is an SQL condition on the calls."""
    totals: dict[str, Totals] = {}
    row: Any  # sqlite gives each column the type that the schema says
    for row in rows(
        "SELECT role, count(*), sum(state = 'failed'), sum(state = 'unknown'),"
        " sum(prompt_tokens), sum(completion_tokens), sum(usd),"
        " sum(worst_tokens * (state = 'unknown')), sum(worst_usd * (state = 'unknown'))"
        f" FROM calls{which} GROUP BY role"
    ):
        role, calls, failed, unknown, prompt, completion, usd, tokens, usd_unknown = row
        totals[role] = Totals(
            calls, failed, unknown, 0, prompt, completion, usd, tokens, usd_unknown
        )
    for row in rows("SELECT role, requests FROM cached"):
        role, requests = row
        totals[role] = replace(totals.get(role, Totals()), cached=requests)
    return totals
