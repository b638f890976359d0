"""What the simulated executor knows: one AnswerKey per problem, found again by its text.

In: AnswerKeys from the tasks. Out: for the text of a conversation, the keys of the problems
quoted in it. The command that runs a simulation injects the book; nothing else has one.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import chain

_PUNCTUATION = [
    range(0xA1, 0xC0),
    range(0x2010, 0x2060),
    range(0x3000, 0x3020),
    range(0xFF00, 0xFF10),
]
"""Beside ASCII's: Latin, typographic, Chinese and Japanese signs."""
_SPACES = str.maketrans(
    dict.fromkeys([*string.punctuation, *map(chr, chain(*_PUNCTUATION)), "\uff1a", "\uff1f"], " ")
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[ntr\"'])")
_RUN = 3
"""Words in an anchor; shorter questions are their own anchor."""
_SAMPLED = 12
"""Runs of a question that are looked at first when its anchor is chosen."""
_CROWD = 4
"""When this many questions share a question's best run, all its runs are looked at."""


class Skill(StrEnum):
    """What a problem mainly asks of a model."""

    ARITHMETIC = "arithmetic"
    READING = "reading"
    KNOWLEDGE = "knowledge"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """One problem as the simulation sees it."""

    question: str
    answer: str = field(repr=False)
    """A right answer in its natural form; for code the reference solution."""
    skill: Skill
    steps: int = 1
    """Reasoning steps a careful solver needs."""
    load: float = 0.0
    """Strain of a single step, 0 (single digits, facts in plain sight) to 1 (ten-digit numbers,
    facts hidden among distractors, obscure knowledge)."""
    program: str | None = field(default=None, repr=False)
    """Python text whose `solution()` returns the answer, where code can solve the problem."""
    slips: tuple[str, ...] = field(default=(), repr=False)
    """Plausible wrong answers, the most tempting first."""
    broken: tuple[str, ...] = field(default=(), repr=False)
    """Plausible wrong variants of `program` (or, for code, of `answer`)."""


class AnswerBook:
    """Finds the problems that a conversation quotes.

    A question counts as quoted when its words stand in the text in their order, whatever the
    white space, punctuation and escapes between them. Each question is entered under its rarest
    run of words, so a look-up costs one pass over the text, however many questions there are.
    """

    def __init__(self, keys: Iterable[AnswerKey] = ()) -> None:
        by_words: dict[str, list[AnswerKey]] = {}
        for key in keys:
            spoken = " ".join(_words(key.question))
            alike = by_words.setdefault(spoken, [])
            if spoken and all(other.question != key.question for other in alike):
                alike.append(key)
        by_words.pop("", None)
        self._spoken = tuple(by_words)
        self._keys = tuple(tuple(alike) for alike in by_words.values())
        self._anchors = _anchors([spoken.split(" ") for spoken in self._spoken])

    def __len__(self) -> int:
        return sum(len(alike) for alike in self._keys)

    def __iter__(self) -> Iterator[AnswerKey]:
        return (key for alike in self._keys for key in alike)

    @cached_property
    def digest(self) -> str:
        """Hash of all keys, 12 hexadecimal digits."""
        content = hashlib.sha256()
        for key in self:
            content.update(repr(astuple(key)).encode("utf-8", "surrogatepass"))
        return content.hexdigest()[:12]

    def find(self, text: str) -> AnswerKey | None:
        """The problem a text is about, or None.

        Of questions inside one another the longest wins; of questions one after the other the
        last, because worked examples stand before the question that they prepare.
        """
        quoted = self.find_all(text)
        return quoted[-1] if quoted else None

    def find_all(self, text: str) -> tuple[AnswerKey, ...]:
        """The problems quoted in a text, in the order of their last mention."""
        words = _words(text)
        spoken = f" {' '.join(words)} "
        spans = []
        for number in self._candidates(words):
            start = spoken.rfind(f" {self._spoken[number]} ")
            if start >= 0:
                spans.append((start, start + len(self._spoken[number]), number))
        return tuple(_most_alike(self._keys[number], text) for number in _outermost(spans))

    def _candidates(self, words: list[str]) -> set[int]:
        """Questions whose anchor stands in the text."""
        numbers: set[int] = set()
        for length, anchors in self._anchors.items():
            for run in filter(anchors.__contains__, _runs(words, length)):
                numbers.update(anchors[run])
        return numbers


def _words(text: str) -> list[str]:
    if "\\" in text:  # a question inside a JSON string or a repr
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else " ", text)
    return text.translate(_SPACES).split()


def _runs(words: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[i:] for i in range(length)), strict=False)


def _anchors(questions: Sequence[list[str]]) -> dict[int, dict[tuple[str, ...], list[int]]]:
    """By length of the run: the runs that questions are entered under."""
    runs = [list(_runs(words, min(_RUN, len(words)))) for words in questions]
    sampled = [own[:: max(1, len(own) // _SAMPLED)] + own[-1:] for own in runs]
    shared = Counter(run for own in sampled for run in set(own))
    crowded = [i for i, own in enumerate(sampled) if min(shared[run] for run in own) > _CROWD]
    if crowded:
        for i in crowded:
            sampled[i] = runs[i]
        shared = Counter(run for own in sampled for run in set(own))
    anchors: dict[int, dict[tuple[str, ...], list[int]]] = defaultdict(dict)
    for i, own in enumerate(sampled):
        rarest = min(own, key=shared.__getitem__)
        anchors[len(rarest)].setdefault(rarest, []).append(i)
    return dict(anchors)


def _outermost(spans: list[tuple[int, int, int]]) -> list[int]:
    """Numbers of the spans that stand in no other one, in the order of the text."""
    kept: list[int] = []
    end_so_far = -1
    for _, end, number in sorted(spans, key=lambda span: (span[0], -span[1])):
        if end > end_so_far:
            kept.append(number)
            end_so_far = end
    return kept


def _most_alike(alike: tuple[AnswerKey, ...], text: str) -> AnswerKey:
    """Of questions with the same words (`3 + 4`, `3 - 4`) the one whose signs stand there too."""
    if len(alike) == 1:
        return alike[0]
    squeezed = "".join(text.split())
    quoted = [key for key in alike if "".join(key.question.split()) in squeezed]
    return max(
        quoted, key=lambda key: squeezed.rfind("".join(key.question.split())), default=alike[0]
    )
