"""Benchmark files from the Hugging Face hub, for machines without W4S_DATA.

In: the name of one of upstream's files. Out: that file in the cache, in upstream's form, made
from the rows of the hub. The revision that was current at first use and the checksum of what was
made of it stand in the cache's `lock.json`; from then on nothing else is accepted. Needs the
extra `data`. Tokens for gated sets are huggingface_hub's affair.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import importlib.util
import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from w4s.errors import ConfigError

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file's rows are on the hub."""

    repository: str
    config: str | None
    part: str
    """`train`, `test`, …"""
    convert: Callable[[Row], Row] = dict
    """A row of the hub in upstream's fields."""
    order: Callable[[Row], int] | None = None
    """Upstream's order, where the hub's may be another."""
    file: str | None = None
    """A file of the repository that is taken as it is, in the place of rows."""


def _svamp(row: Row) -> Row:
    return {**row, "Answer": float(row["Answer"])}


def _svamp_number(row: Row) -> int:
    return int(str(row["ID"]).rpartition("-")[2])


def _drop(row: Row) -> Row:
    """The flat form of openai/simple-evals, as nearly as the hub's rows allow.

    The hub lists spans without saying which are alternatives and which belong together, so
    several different ones become alternatives, with all of them joined as one more.
    """
    spans = list(dict.fromkeys(str(span) for span in row["answers_spans"]["spans"]))
    references = [*spans, " and ".join(spans)] if len(spans) > 1 else spans
    context = f"Passage: {row['passage']}\nQuestion: {row['question']}\nAnswer:"
    return {
        "context": context,
        "completion": f" {references[0]}",
        "ref_text": "|".join(text.replace("|", " ") for text in references),
    }


def _question_id(row: Row) -> int:
    return int(row["question_id"])


def _task_id(row: Row) -> int:
    return int(row["task_id"])


_LANGUAGES = ("bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh")

PLACES: Mapping[str, Place] = {
    "gsm8k/train.jsonl.gz": Place("openai/gsm8k", "main", "train"),
    "gsm8k/test.jsonl.gz": Place("openai/gsm8k", "main", "test"),
    "gsm_hard/gsmhardv2.jsonl.gz": Place("reasoning-machines/gsm-hard", None, "train"),
    "gsm_plus/gsmplus_testmini.jsonl.gz": Place("qintongli/GSM-Plus", None, "testmini"),
    "svamp/SVAMP.json.gz": Place("ChilleD/SVAMP", None, "train+test", _svamp, _svamp_number),
    **{
        f"mgsm/mgsm_{language}.tsv.gz": Place(
            "juletxara/mgsm", language, "test", file=f"mgsm_{language}.tsv"
        )
        for language in _LANGUAGES
    },
    "math/math500.jsonl.gz": Place("HuggingFaceH4/MATH-500", None, "test"),
    "drop/drop_v0_dev.jsonl.gz": Place("ucinlp/drop", None, "validation", _drop),
    "mmlu_pro/test.jsonl.gz": Place("TIGER-Lab/MMLU-Pro", None, "test", order=_question_id),
    "gpqa/gpqa_diamond.jsonl.gz": Place("Idavidrein/gpqa", "gpqa_diamond", "train"),
    "humaneval/HumanEval.jsonl.gz": Place("openai/openai_humaneval", None, "test"),
    "mbpp/mbpp.jsonl.gz": Place(
        "google-research-datasets/mbpp", "full", "prompt+test+validation+train", order=_task_id
    ),
    "mbpp/sanitized-mbpp.json.gz": Place(
        "google-research-datasets/mbpp", "sanitized", "prompt+test+validation+train", order=_task_id
    ),
}

Fetch = Callable[[Place, str | None], tuple[str, list[Row] | str]]
"""Gets a place at a revision (None: the newest); returns the revision, and rows or a file's text.
"""


def cache_folder() -> Path:
    """`$W4S_CACHE`, else `w4s/data` in the user's cache."""
    named = os.environ.get("W4S_CACHE")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "w4s" / "data"


def cached(name: str) -> Path | None:
    """The file in the cache, if it was fetched before; ConfigError when it has changed since."""
    path = cache_folder() / name
    entry = _read_lock().get(name)
    if entry is None or not path.is_file():
        return None
    if _sha256(path) != entry["sha256"]:
        raise ConfigError(f"{path} has changed since it was fetched; delete it to fetch it again")
    return path


def fetched(name: str, fetch: Fetch | None = None) -> Path | None:
    """The file, from the cache or else the hub; None without the extra `data`.

    ConfigError when the hub cannot be reached, asks for terms to be accepted, or no longer gives
    at the locked revision what it gave before.
    """
    path = cached(name)
    if path is not None or name not in PLACES:
        return path
    if fetch is None:
        if not _installed():
            return None
        fetch = _from_hub
    place = PLACES[name]
    locked = _read_lock().get(name, {})
    try:
        revision, found = fetch(place, locked.get("revision"))
        text = found if isinstance(found, str) else _form(name, place, found)
    except Exception as error:
        # Whatever network, hub and loader raise, the user needs the same three facts.
        brief = " ".join(str(error).split())[:300]
        raise ConfigError(
            f"{place.repository} could not be fetched from the Hugging Face hub "
            f"({type(error).__name__}: {brief}); set W4S_DATA to a folder that holds {name}"
        ) from error
    return _keep(name, place, revision, text, locked)


def _keep(name: str, place: Place, revision: str, text: str, locked: Row) -> Path:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if locked and locked["sha256"] != sha256:
        raise ConfigError(
            f"{place.repository} at revision {revision} no longer gives what lock.json in "
            f"{cache_folder()} records for {name}; delete that entry to accept the new content"
        )
    path = cache_folder() / name
    _write(path, gzip.compress(text.encode(), mtime=0))
    entry = {"repository": place.repository, "revision": revision, "sha256": sha256}
    lock = json.dumps({**_read_lock(), name: entry}, indent=2, sort_keys=True)
    _write(cache_folder() / "lock.json", lock.encode())
    return path


def _form(name: str, place: Place, found: list[Row]) -> str:
    """Rows in the form of upstream's file."""
    rows = [place.convert(row) for row in found]
    if place.order is not None:
        rows.sort(key=place.order)
    if name.endswith(".json.gz"):
        return json.dumps(rows, ensure_ascii=False)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _installed() -> bool:
    return all(importlib.util.find_spec(name) for name in ("datasets", "huggingface_hub"))


def _from_hub(place: Place, revision: str | None) -> tuple[str, list[Row] | str]:
    hub: Any = importlib.import_module("huggingface_hub")
    datasets: Any = importlib.import_module("datasets")
    if revision is None:
        revision = str(hub.HfApi().dataset_info(place.repository).sha)
    if place.file is not None:
        path = hub.hf_hub_download(
            place.repository, place.file, repo_type="dataset", revision=revision
        )
        return revision, Path(path).read_text(encoding="utf-8")
    rows = datasets.load_dataset(
        place.repository, place.config, split=place.part, revision=revision
    )
    return revision, [dict(row) for row in rows]


def _read_lock() -> dict[str, Any]:
    path = cache_folder() / "lock.json"
    if not path.is_file():
        return {}
    try:
        lock = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    return dict(lock)


def _sha256(path: Path) -> str:
    """Of the unpacked content: packing differs between versions of zlib."""
    try:
        return hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()
    except (OSError, EOFError, zlib.error):
        return "unreadable"


def _write(path: Path, content: bytes) -> None:
    """All or nothing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error}") from error
