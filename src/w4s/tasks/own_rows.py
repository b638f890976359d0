"""Rows out of a user's CSV or JSONL file, each with its place for error messages.

In: a path. Out: Rows. Everything that is wrong with the file is a ConfigError with the line.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from w4s.errors import ConfigError
from w4s.tasks import data
from w4s.types import JSON

SUFFIXES = (".csv", ".tsv", ".jsonl")
_FAULTS = {"unexpected end of data": 'a quote (") is opened and not closed'}
"""What Python's reader says of a table, and what is meant."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a user's data."""

    where: str
    """`questions.csv line 7`, for messages."""
    number: int
    """Line in the file, or count of the row where there is no file; names the problem."""
    values: Mapping[str, JSON]

    def value(self, column: str, option: str) -> JSON:
        """The value of a column; `option` is what to type to name another one."""
        if column not in self.values:
            found = ", ".join(repr(c) for c in self.values) or "none"
            raise ConfigError(
                f"{self.where}: no column {column!r}; there are {found} "
                f"({option}=COLUMN names another one)"
            )
        value = self.values[column]
        if value is None or (isinstance(value, str) and not value.strip()):
            raise ConfigError(f"{self.where}: the column {column!r} is empty")
        return value


def read_rows(path: Path) -> tuple[list[Row], str]:
    """The rows of a file, and the checksum of its content."""
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise ConfigError(f"{path}: the data of a task is a {', '.join(SUFFIXES)} file")
    if not path.is_file():
        raise ConfigError(f"there is no file {path}")
    file = data.read(path)
    reader = _jsonl(path, file.text) if kind == ".jsonl" else _table(path, file.text)
    with _cells_of_any_length(file.text):
        rows = list(reader)
    if not rows:
        raise ConfigError(f"{path} holds no rows")
    return rows, file.sha256


def _jsonl(path: Path, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path.name} line {number}"
        try:
            values = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ConfigError(f"{where}: not JSON: {error}") from error
        except ValueError as error:  # Python reads no whole number of more than 4300 digits
            raise ConfigError(
                f"{where}: a number has too many digits; write it as text, in quotes"
            ) from error
        if not isinstance(values, dict):
            raise ConfigError(f'{where}: a row must be a JSON object such as {{"question": "…"}}')
        yield Row(where, number, values)


def _table(path: Path, text: str) -> Iterator[Row]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    first_line = 1
    try:
        for cells in reader:
            line, first_line = first_line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = _header(path, cells)
                continue
            where = f"{path.name} line {line}"
            if len(cells) != len(header):
                raise ConfigError(
                    f"{where}: {len(cells)} cells, but the header has {len(header)} "
                    "(put quotes around text with commas)"
                )
            yield Row(where, line, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        fault = _FAULTS.get(str(error), error)
        raise ConfigError(f"{path.name} line {first_line}: {fault}") from error


@contextmanager
def _cells_of_any_length(text: str) -> Iterator[None]:
    """Python refuses cells of more than 131,072 characters, by a limit that all its readers share:
    it is raised for this text alone."""
    limit = csv.field_size_limit()
    csv.field_size_limit(max(limit, len(text)))
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _header(path: Path, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if len(set(names)) != len(names) or not all(names):
        raise ConfigError(f"{path.name} line 1: every column needs a name of its own")
    if len(names) == 1:
        raise ConfigError(
            f"{path.name} line 1: only one column, {names[0]!r:.80}; cells must be parted by commas"
            " (or tabs in a .tsv)"
        )
    return names
