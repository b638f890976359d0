"""Where the rows of a benchmark lie on this machine.

In: the path of one of upstream's files (`gsm_hard/gsmhardv2.jsonl.gz`). Out: its text and its
checksum, from the folder that W4S_DATA names, else from the hub's cache (`hub`). What the rows
mean is the benchmark's own affair.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from w4s.errors import ConfigError
from w4s.tasks import hub

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of rows as it was found."""

    path: Path
    text: str
    sha256: str
    """Of the unpacked content, so that packing does not matter."""

    def records(self) -> list[dict[str, Any]]:
        """The rows of a JSONL file; ConfigError with the line number where one is malformed."""
        rows = []
        for line_number, line in enumerate(self.text.split("\n"), start=1):
            if line.strip():
                rows.append(_record(self.path, line_number, line))
        return rows

    def field(self, row: Mapping[str, Any], name: str, kind: type[T], row_number: int) -> T:
        """A field of a row; ConfigError with the row, counted from 1, when it is not as expected.

        A whole number passes for a float.
        """
        value = row.get(name)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind):
            found = f"is {value!r:.40}" if name in row else "is missing"
            raise self.unexpected(row_number, f"the field {name!r} {found}")
        return value

    def unexpected(self, row_number: int, what: str) -> ConfigError:
        """An error to raise about a row, counted from 0 here and from 1 in the message."""
        return ConfigError(f"{self.path} row {row_number + 1}: {what}")

    def document(self) -> Any:
        """The content of a file that is one JSON text."""
        try:
            return json.loads(self.text)
        except json.JSONDecodeError as error:
            raise ConfigError(f"{self.path} is no JSON: {error}") from error


def data_folder() -> Path | None:
    """The folder that W4S_DATA names, if it is set; ConfigError when it is no folder."""
    named = os.environ.get("W4S_DATA")
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise ConfigError(f"W4S_DATA names {folder}, which is no folder")
    return folder


def find(name: str) -> Path | None:
    """The file in W4S_DATA, packed or plain; None where it is not there."""
    folder = data_folder()
    if folder is None:
        return None
    candidates = [folder / name]
    if name.endswith(".gz"):
        candidates.append(folder / name.removesuffix(".gz"))
    return next((path for path in candidates if path.is_file()), None)


def load(name: str) -> DataFile:
    """A file of W4S_DATA, else of the hub; ConfigError that says both ways when it is missing."""
    path = find(name) or hub.fetched(name)
    if path is None:
        raise ConfigError(
            f"the data file {name} is missing: set W4S_DATA to a folder that holds it, "
            "or pip install 'w4s[data]' to have it fetched from the Hugging Face hub"
        )
    return read(path)


def at_hand(name: str) -> bool:
    """Whether the file lies in W4S_DATA or in the cache, so that nothing must be fetched."""
    return (find(name) or hub.cached(name)) is not None


def read(path: Path) -> DataFile:
    """A file of text, unpacked where it is gzip."""
    try:
        raw = path.read_bytes()
        plain = gzip.decompress(raw) if path.suffix == ".gz" else raw
        text = plain.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot read {path}: {error}; save it as UTF-8") from error
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    return DataFile(path, text, hashlib.sha256(plain).hexdigest())


def _record(path: Path, line_number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path} line {line_number}: no JSON ({error.msg})") from error
    if not isinstance(row, dict):
        raise ConfigError(f"{path} line {line_number}: a JSON object is needed, not {line[:40]!r}")
    return row
