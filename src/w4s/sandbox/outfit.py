"""Which modules a program needs beyond those that every zygote has.

In: the program's text. Out: names of outfits. A fork costs what the zygote holds in memory, so
large modules are loaded only in a zygote for programs whose text mentions them, or that run text
of their own making, where nobody can know.
"""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_OWN_TEXT = r"exec|eval|__import__|importlib"


@dataclass(frozen=True, slots=True)
class Outfit:
    """Modules that are loaded together."""

    words: re.Pattern[str]
    """A text that contains one of these needs them."""
    modules: tuple[str, ...]
    """Also what a package loads only when used: a child can open no file."""


_LIBRARY = (
    *("argparse", "array", "asyncio", "atexit", "base64", "binascii", "bz2", "calendar", "cmath"),
    *("codecs", "configparser", "contextvars", "csv", "datetime", "decimal", "difflib", "errno"),
    *("fractions", "gc", "getpass", "glob", "graphlib", "gzip", "hashlib", "hmac", "html"),
    *("inspect", "io", "ipaddress", "locale", "logging", "lzma", "mmap", "opcode", "pathlib"),
    *("pickle", "platform", "pprint", "queue", "sched", "secrets", "select", "selectors", "shlex"),
    *("shutil", "signal", "socket", "sqlite3", "statistics", "stringprep", "struct", "subprocess"),
    *("tempfile", "timeit", "token", "tokenize", "urllib", "uuid", "zlib", "zoneinfo"),
)
_COMMON = ("ast", "concurrent.futures", "concurrent.futures.thread", "dataclasses")
OUTFITS = {
    "common": Outfit(  # traceback imports ast when it writes one
        re.compile(rf"\b({_OWN_TEXT}|ast|concurrent|dataclass|dataclasses|traceback)\b"), _COMMON
    ),
    "library": Outfit(
        re.compile(rf"\b({_OWN_TEXT}|{'|'.join(_LIBRARY)}|strptime|idna)\b"),
        (
            *_COMMON,
            *_LIBRARY,
            *("html.parser", "html.entities", "encodings.idna", "urllib.parse", "_strptime"),
        ),
    ),
    "numpy": Outfit(
        re.compile(rf"\b({_OWN_TEXT}|numpy)\b"),
        (
            *_COMMON,
            *("numpy", "numpy.random", "numpy.linalg", "numpy.fft", "numpy.ma"),
            "numpy.polynomial",
        ),
    ),
}


@lru_cache(maxsize=1024)
def outfits_of(source: str) -> tuple[str, ...]:
    """The outfits that this text may need."""
    return tuple(name for name, outfit in OUTFITS.items() if outfit.words.search(source))


def modules_of(outfits: tuple[str, ...]) -> list[str]:
    return [module for name in outfits for module in OUTFITS[name].modules]


def folders_of(modules: list[str]) -> list[str]:
    """Where installed packages among the modules lie; the zygote starts without site-packages."""
    packages = {module.partition(".")[0] for module in modules}
    specs = [importlib.util.find_spec(name) for name in sorted(packages)]
    places = [Path(spec.origin) for spec in specs if spec and spec.origin]
    return sorted({str(p.parent.parent) for p in places if "site-packages" in p.parts})
