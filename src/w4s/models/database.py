"""One sqlite file in the run folder, written so that a kill loses nothing.

In: a path and the tables it holds. Out: rows. Every statement is its own transaction, in the
write-ahead log before `execute` returns: it survives the end of this process (only a power cut
can take the last few). What sqlite has to complain about leaves here as a StoreError.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from w4s.errors import StoreError

BUSY_SECONDS = 30.0


class Database:
    """An open sqlite file."""

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        try:
            # isolation_level=None: no transaction is left open behind our back.
            self._sqlite = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        except sqlite3.Error as error:
            raise self._plainly(error) from error
        try:
            self._sqlite.execute("PRAGMA journal_mode = WAL")
            self._sqlite.execute("PRAGMA synchronous = NORMAL")
            self._sqlite.executescript(schema)
        except sqlite3.Error as error:
            self._sqlite.close()
            raise self._plainly(error) from error

    def execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one statement that writes."""
        try:
            return self._sqlite.execute(sql, values)
        except sqlite3.Error as error:
            raise self._plainly(error) from error

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """All rows of one query."""
        try:
            return self._sqlite.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._plainly(error) from error

    def close(self) -> None:
        """Fold the write-ahead log into the file, where there is room for that."""
        try:
            self._sqlite.close()
        except sqlite3.Error as error:
            raise self._plainly(error) from error

    def _plainly(self, error: sqlite3.Error) -> StoreError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the kind of error
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            # A quota or a full disk can show as an input/output error too.
            reason = "no space left" if code == sqlite3.SQLITE_FULL else f"{error} (a full disk?)"
            return StoreError(
                f"{self.path}: {reason}; free some space and give the same command again:"
                " nothing that was paid for is lost"
            )
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return StoreError(
                f"{self.path} is damaged ({error}); move it away, with any {self.path.name}-wal"
                f" and {self.path.name}-shm beside it, and give the same command again"
            )
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            return StoreError(f"{self.path} cannot be written ({error})")
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StoreError(f"{self.path} is held by another process ({error})")
        return StoreError(f"{self.path}: {error}")
