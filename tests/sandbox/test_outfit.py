"""Outfits: modules that a text may need are there, and only then."""

from collections.abc import Awaitable, Callable

import pytest

from w4s.sandbox.base import Job, Result
from w4s.sandbox.host import PythonSandbox
from w4s.sandbox.outfit import outfits_of

InSandbox = Callable[[Callable[[PythonSandbox], Awaitable[Result]]], Result]

PROGRAMS = {
    "literal": "import ast\ndef solver():\n    return ast.literal_eval('[1, 2]')",
    "dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass Pair:\n    a: int\n    b: int\n"
        "def solver():\n    pair = Pair(1, 2)\n    return [pair.a, pair.b]"
    ),
    "pool": (
        "from concurrent.futures import ThreadPoolExecutor\ndef solver():\n"
        "    with ThreadPoolExecutor(2) as pool:\n        return list(pool.map(int, '12'))"
    ),
    "traceback": (
        "import traceback\ndef solver():\n    try:\n        return [1][1 + 1] + 2\n"
        "    except IndexError:\n        return [1, traceback.format_exc().count('IndexError') + 1]"
    ),
    "dates": "import datetime\ndef solver():\n    return [datetime.date(2026, 1, 2).month, 2]",
    "own text": "def solver():\n    return eval('[1, __import__(\"statistics\").mode([2])]')",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_a_text_mentions_is_there(name: str, in_sandbox: InSandbox) -> None:
    assert outfits_of(PROGRAMS[name])
    result = in_sandbox(lambda sandbox: sandbox.run(Job(PROGRAMS[name])))
    assert result.value == [1, 2], result.trouble


def test_most_texts_need_no_outfit() -> None:
    text = "import re\nfrom typing import List\ndef solver(agent, task: str) -> List[str]:\n    ..."
    assert outfits_of(text) == ()
    assert outfits_of("last = task.strip()") == ()  # `ast` inside a word
