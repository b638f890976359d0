"""Small coding problems: a function over a list or a text, put together from stages.

In: a random generator and a draw. Out: one problem with its reference solution, broken variants,
public tests as assert statements and hidden tests as arguments with the expected value.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from w4s.models.answer_book import AnswerKey, Skill
from w4s.tasks.toy.draws import Answer, Draft, Draw, Family
from w4s.types import JSON

HIDDEN_TESTS = 10
PUBLIC_TESTS = 3
BROKEN = 4
"""Wrong variants kept of each function."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """One step of a function: in words, in Python, and wrong in plausible ways."""

    words: str
    code: str
    wrong: tuple[str, ...]


_StageMaker = Callable[[int], _Stage]


def _stage(words: str, code: str, *wrong: str) -> _StageMaker:
    """A stage whose texts may hold `{k}`, `{before}` and `{after}`, for a number to come."""

    def make(k: int) -> _Stage:
        numbers = {"k": k, "before": k - 1, "after": k + 1}
        return _Stage(
            words.format(**numbers),
            code.format(**numbers),
            tuple(text.format(**numbers) for text in wrong),
        )

    return make


# --- Lists -----------------------------------------------------------------------------------

_LIST_STAGES = (
    _stage("keep only the numbers that are divisible by {k}", "x = [n for n in x if n % {k} == 0]",
           "x = [n for n in x if n % {k} != 0]", "x = [n for n in x if n % {k} == 0 and n > 0]"),
    _stage("keep only the numbers that are greater than {k}", "x = [n for n in x if n > {k}]",
           "x = [n for n in x if n >= {k}]", "x = [n for n in x if n < {k}]"),
    _stage("leave out the first {k} numbers", "x = x[{k}:]", "x = x[{before}:]", "x = x[:-{k}]"),
    _stage("leave out the last {k} numbers", "x = x[:max(0, len(x) - {k})]", "x = x[:{k}]",
           "x = x[:max(0, len(x) - {before})]"),
    _stage("keep every number at an index that is a multiple of {k}", "x = x[::{k}]",
           "x = x[{before}::{k}]", "x = [n for n in x if n % {k} == 0]"),
    _stage("remove repetitions, keeping the first of equal numbers", "x = list(dict.fromkeys(x))",
           "x = sorted(set(x))", "x = [n for n in x if x.count(n) == 1]"),
    _stage("add {k} to each number", "x = [n + {k} for n in x]", "x = [n + {before} for n in x]"),
    _stage("multiply each number by {k}", "x = [n * {k} for n in x]", "x = x * {k}"),
    _stage("replace each number by its square", "x = [n * n for n in x]", "x = [n * 2 for n in x]"),
    _stage("replace each negative number by {k}", "x = [{k} if n < 0 else n for n in x]",
           "x = [{k} if n <= 0 else n for n in x]", "x = [n for n in x if n >= 0]"),
    _stage("replace each number by the sum of it and all numbers before it",
           "x = [sum(x[:i + 1]) for i in range(len(x))]",
           "x = [sum(x[:i]) for i in range(len(x))]"),
    _stage("replace the list by the differences of neighbours, each minus the one before it",
           "x = [b - a for a, b in zip(x, x[1:])]", "x = [a - b for a, b in zip(x, x[1:])]",
           "x = [abs(b - a) for a, b in zip(x, x[1:])]"),
    _stage("reverse the order", "x = x[::-1]", "x = sorted(x, reverse=True)"),
    _stage("sort from small to large", "x = sorted(x)", "x = sorted(x, key=abs)",
           "x = sorted(set(x))"),
)  # fmt: skip
_LIST_ENDS = (
    _stage("return the list", "return x", "return x[:-1]", "return x[1:]"),
    _stage("return the sum of what is left", "return sum(x)", "return sum(x) + len(x)",
           "return sum(set(x))"),
    _stage("return the largest of them, or {k} if there is none", "return max(x, default={k})",
           "return max(x, default=0)", "return max(x, key=abs, default={k})"),
    _stage("return how many different numbers are left", "return len(set(x))", "return len(x)"),
    _stage("return the product of them modulo 1000 plus {k}, where the empty product is 1",
           "p = 1\n    for n in x:\n        p = p * n\n    return p % 1000 + {k}",
           "p = 0\n    for n in x:\n        p = p * n\n    return p % 1000 + {k}",
           "p = 1\n    for n in x:\n        p = p * n\n    return p % (1000 + {k})"),
    _stage("return the second largest of the different numbers, or {k} if there are not two",
           "x = sorted(set(x))\n    return x[-2] if len(x) > 1 else {k}",
           "x = sorted(x)\n    return x[-2] if len(x) > 1 else {k}",
           "x = sorted(set(x))\n    return x[1] if len(x) > 1 else {k}"),
)  # fmt: skip

# --- Texts -----------------------------------------------------------------------------------

_TEXT_STAGES = (
    _stage("leave out the words with fewer than {k} letters", "x = [w for w in x if len(w) >= {k}]",
           "x = [w for w in x if len(w) > {k}]", "x = [w for w in x if len(w) <= {k}]"),
    _stage("turn each word around", "x = [w[::-1] for w in x]", "x = x[::-1]"),
    _stage("put the words in the opposite order", "x = x[::-1]", "x = [w[::-1] for w in x]"),
    _stage("cut each word down to its first {k} letters", "x = [w[:{k}] for w in x]",
           "x = [w[{k}:] for w in x]", "x = [w[:{before}] for w in x]"),
    _stage("write the first letter of each word as a capital and the others small",
           "x = [w.capitalize() for w in x]", "x = [w.upper() for w in x]",
           "x = [w[:1].upper() + w[1:] for w in x]"),
    _stage("remove repeated words, keeping the first of equal ones", "x = list(dict.fromkeys(x))",
           "x = sorted(set(x))"),
    _stage("sort the words by length, words of equal length from a to z",
           "x = sorted(x, key=lambda w: (len(w), w))", "x = sorted(x, key=len, reverse=True)",
           "x = sorted(x)"),
    _stage("replace each letter a by the digit {k}", "x = [w.replace('a', '{k}') for w in x]",
           "x = [w.replace('a', '{k}', 1) for w in x]", "x = [w.replace('A', '{k}') for w in x]"),
    _stage("double the last letter of each word", "x = [w + w[-1:] for w in x]",
           "x = [w + w[:1] for w in x]"),
    _stage("keep only the words at odd positions, counting from 1", "x = x[::2]", "x = x[1::2]"),
)  # fmt: skip
_TEXT_ENDS = (
    _stage("return the words joined by single hyphens", "return '-'.join(x)", "return ' '.join(x)",
           "return '-'.join(x) + '-'"),
    _stage("return the list of words", "return x", "return ' '.join(x)"),
    _stage("return how many vowels (a, e, i, o, u, small or capital) the words have in all",
           "return sum(c in 'aeiouAEIOU' for w in x for c in w)",
           "return sum(c in 'aeiou' for w in x[1:] for c in w)",
           "return sum(1 for w in x if w[:1] in 'aeiouAEIOU')"),
    _stage("return the total number of letters plus {k}", "return sum(len(w) for w in x) + {k}",
           "return len(x) + {k}", "return sum(len(w) for w in x) - {k}"),
    _stage("return the longest word, the first of equally long ones, or an empty text",
           "return max(x, key=len, default='')", "return max(x, default='')",
           "return max(reversed(x), key=len, default='')"),
)  # fmt: skip
_VERBS = (
    "sift", "refine", "digest", "treat", "grade", "shape", "render", "recast", "trim", "polish",
    "gather", "weigh", "settle", "measure", "reduce", "prepare", "arrange", "combine", "filter",
)  # fmt: skip
_MANNERS = (
    "quick", "new", "old", "daily", "raw", "plain", "small", "inner", "outer", "first", "north",
    "late", "green", "quiet", "local", "spare", "prime", "basic", "major", "final", "fresh",
)  # fmt: skip
_VOCABULARY = (
    "amber", "an", "banana", "Cargo", "dawn", "ease", "Falcon", "gap", "harbour", "ink", "jar",
    "kayak", "Lama", "a", "mango", "noon", "Oasis", "pad", "quartz", "raga", "so", "tan", "Ultra",
    "vast", "was", "yard", "Zebra", "at",
)  # fmt: skip

# --- Problems --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Subject:
    """What the functions of a family work on."""

    parameter: str
    takes: str
    opening: str
    stages: Sequence[_StageMaker]
    ends: Sequence[_StageMaker]
    sample: Callable[[random.Random], JSON]


def _numbers(rng: random.Random) -> JSON:
    return [rng.randrange(-12, 31) for _ in range(rng.choice((0, 1, 3, 5, 7, 9, 12)))]


def _text(rng: random.Random) -> JSON:
    return " ".join(rng.choice(_VOCABULARY) for _ in range(rng.choice((0, 1, 2, 4, 6, 8))))


_LISTS = _Subject(
    "numbers", "a list of whole numbers", "x = list(numbers)", _LIST_STAGES, _LIST_ENDS,
    _numbers,
)  # fmt: skip
_TEXTS = _Subject(
    "text", "a text of words between single spaces", "x = text.split()", _TEXT_STAGES, _TEXT_ENDS,
    _text,
)  # fmt: skip


def _coded(subject: _Subject, rng: random.Random, draw: Draw) -> Draft:
    while True:
        makers = rng.sample(subject.stages, draw.count(1, 4))
        stages = [make(rng.randrange(2, 8)) for make in makers]
        stages.append(rng.choice(subject.ends)(rng.randrange(2, 8)))
        name = f"{rng.choice(_VERBS)}_{rng.choice(_MANNERS)}_{subject.parameter}"
        source = _source(subject, name, [stage.code for stage in stages])
        inputs = [subject.sample(rng) for _ in range(HIDDEN_TESTS + PUBLIC_TESTS)]
        expected = _results(source, name, inputs)
        hidden = slice(PUBLIC_TESTS, None)
        candidates = _broken(subject, name, stages)
        rng.shuffle(candidates)
        wrong = (c for c in candidates if _results(c, name, inputs[hidden]) != expected[hidden])
        broken = tuple(islice(wrong, BROKEN))
        if broken and len({repr(value) for value in expected[hidden]}) > 2:
            break
    cases: list[JSON] = [[[i], e] for i, e in zip(inputs[hidden], expected[hidden], strict=True)]
    key = AnswerKey(
        question=_question(subject, name, stages, inputs, expected, draw),
        answer=source,
        skill=Skill.CODE,
        steps=len(stages),
        load=0.1 + 0.6 * draw.load,
        broken=broken,
    )
    return Draft(
        target={"cases": cases},
        key=key,
        entry_point=name,
        public_tests=tuple(
            f"assert {name}({inputs[i]!r}) == {expected[i]!r}" for i in range(PUBLIC_TESTS)
        ),
    )


def _source(subject: _Subject, name: str, lines: Sequence[str]) -> str:
    body = "\n    ".join((subject.opening, *lines))
    return f"def {name}({subject.parameter}):\n    {body}\n"


def _broken(subject: _Subject, name: str, stages: Sequence[_Stage]) -> list[str]:
    """The function with one stage gone wrong, or left out."""
    right = [stage.code for stage in stages]
    found = [
        _source(subject, name, [*right[:i], wrong, *right[i + 1 :]])
        for i, stage in enumerate(stages)
        for wrong in stage.wrong
    ]
    found += [_source(subject, name, [*right[:i], *right[i + 1 :]]) for i in range(len(stages) - 1)]
    return list(dict.fromkeys(found))


def _results(source: str, name: str, inputs: Sequence[JSON]) -> list[JSON]:
    """What our own function, made of the stages above, gives; an error is told as a text."""
    namespace: dict[str, Callable[[JSON], JSON]] = {}
    exec(source, namespace)
    results: list[JSON] = []
    for argument in inputs:
        try:
            value = namespace[name](argument)
        except Exception as error:
            value = f"raised {type(error).__name__}"
        results.append(value)
    return results


def _question(
    subject: _Subject,
    name: str,
    stages: Sequence[_Stage],
    inputs: Sequence[JSON],
    expected: Sequence[JSON],
    draw: Draw,
) -> str:
    signature = f"{name}({subject.parameter})"
    if draw.wording % 2 == 0:
        steps = "\n".join(f"{i}. {stage.words}" for i, stage in enumerate(stages, 1))
        told = (
            f"Write a Python function `{signature}` that takes {subject.takes} and works in "
            f"steps:\n{steps}"
        )
    else:
        steps = ", then ".join(stage.words for stage in stages)
        told = f"`{signature}` is to be a Python function of {subject.takes}. It has to {steps}."
    shown = [f"{name}({inputs[i]!r}) == {expected[i]!r}" for i in range(draw.padding(0, 2))]
    examples = "\n\nExamples:\n" + "\n".join(shown) if shown else ""
    return told + examples


def _lists(rng: random.Random, draw: Draw) -> Draft:
    return _coded(_LISTS, rng, draw)


def _strings(rng: random.Random, draw: Draw) -> Draft:
    return _coded(_TEXTS, rng, draw)


def _describe_lists(draw: Draw) -> str:
    return (
        f"Small Python functions over lists of numbers, in {draw.count(1, 4) + 1} steps. The "
        "answer is Python source that defines the function; it is run against hidden tests."
    )


def _describe_strings(draw: Draw) -> str:
    return (
        f"Small Python functions over the words of a text, in {draw.count(1, 4) + 1} steps. The "
        "answer is Python source that defines the function; it is run against hidden tests."
    )


LISTS = Family("lists", "code", Answer.CODE, _describe_lists, _lists)
STRINGS = Family("strings", "code", Answer.CODE, _describe_strings, _strings)
