"""What a model may say to one problem: the right answer, tempting wrong ones, programs.

In: an AnswerKey. Out: a Repertoire. Where the key names no wrong answers, ordinary slips are
derived: a digit, a sign, another letter, another word of the question; a changed operator in a
program. Nothing is run here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from w4s.models.answer_book import AnswerKey, Skill
from w4s.models.simulation.chance import Dice

_MOST_WRONG = 8
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_SENTENCE = re.compile(r"[^.!?;\n]+[.!?;]?")
_TYPO = "reslut"


class Kind(StrEnum):
    """What an answer looks like, and so how it is recognised in a text."""

    NUMBER = "number"
    LETTER = "letter"
    TEXT = "text"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Repertoire:
    """Everything a model may say to one problem."""

    key: AnswerKey
    kind: Kind
    wrong: tuple[str, ...]
    """Wrong answers, the most tempting first; at least one."""
    program: str
    """A right program; for a problem of code the reference solution."""
    broken: tuple[str, ...]
    """Programs that run and are wrong, the most tempting first; at least one."""
    crashing: str
    """A program that stops with an error."""
    fragments: tuple[str, ...]
    """Pieces of the question, to quote while reasoning."""
    values: re.Pattern[str]
    """Finds answers of this kind in a text."""


def plain_value(text: str, kind: Kind) -> str:
    """Answers that mean the same have the same plain value."""
    value = text.strip().strip("'\"`*$\\()[]{}.").strip()
    if kind is Kind.NUMBER:
        value = value.replace(",", "").replace("$", "")
        return value.rstrip("0").rstrip(".") if "." in value else value
    return value.casefold() if kind is Kind.TEXT else value


@lru_cache(maxsize=4096)
def repertoire_of(key: AnswerKey) -> Repertoire:
    kind = _kind(key)
    wrong = _wrong_answers(key, kind)
    program = key.answer if kind is Kind.SOURCE else key.program or _stating(key.answer)
    broken = tuple(key.broken) or tuple(_mutants(program))
    if kind is not Kind.SOURCE and key.program is None:
        broken = tuple(_stating(answer) for answer in wrong)
    return Repertoire(
        key=key,
        kind=kind,
        wrong=wrong,
        program=program,
        broken=broken or (_crashing(program),),
        crashing=_crashing(program),
        fragments=_fragments(key.question),
        values=_pattern(kind, (key.answer, *wrong)),
    )


def _kind(key: AnswerKey) -> Kind:
    if key.skill is Skill.CODE:
        return Kind.SOURCE
    if _NUMBER.fullmatch(key.answer.strip()):
        return Kind.NUMBER
    return Kind.LETTER if re.fullmatch("[A-J]", key.answer) else Kind.TEXT


def _wrong_answers(key: AnswerKey, kind: Kind) -> tuple[str, ...]:
    if kind is Kind.SOURCE:
        return tuple(key.broken) or tuple(_mutants(key.answer)) or (_crashing(key.answer),)
    derived = {
        Kind.NUMBER: _number_slips,
        Kind.LETTER: _other_letters,
        Kind.TEXT: _other_words,
    }[kind](key)
    right = plain_value(key.answer, kind)
    every = dict.fromkeys([*key.slips, *derived])
    return tuple(slip for slip in every if plain_value(slip, kind) != right)[:_MOST_WRONG]


def _number_slips(key: AnswerKey) -> list[str]:
    """A step left out, a lost carry, a wrong digit, a factor of ten."""
    text = key.answer.strip().replace(",", "")
    value = float(text) if "." in text else int(text)
    dice = Dice(f"slips\0{key.question}")
    given = [n.replace(",", "") for n in _NUMBER.findall(key.question)][-3:]
    amounts = [float(n) if "." in n else int(n) for n in given]
    power = 10 ** dice.below(max(1, len(text) - 1))
    guesses = [*(value - n for n in amounts), *(value + n for n in amounts)]
    guesses += [value - power, value + power, value + 1, value * 10, value - 1, value * 2]
    return [f"{round(guess, 4):g}" if isinstance(guess, float) else str(guess) for guess in guesses]


def _other_letters(key: AnswerKey) -> list[str]:
    """The other options, in an order of the problem's own."""
    shown = re.findall(r"(?:^|\n|\()([A-J])[).:]", key.question)
    letters = sorted(set(shown) or set("ABCD"))
    dice = Dice(f"letters\0{key.question}")
    return sorted((x for x in letters if x != key.answer), key=lambda _: dice.uniform())


def _other_words(key: AnswerKey) -> list[str]:
    """Other names or long words of the question, in an order of the problem's own."""
    words = re.findall(r"\b[A-Z]\w+(?: [A-Z]\w+)*", key.question) or key.question.split()
    answer = key.answer.casefold()
    others = dict.fromkeys(w for w in words if w.casefold() not in answer)
    dice = Dice(f"words\0{key.question}")
    ranked = sorted(others, key=lambda _: dice.uniform())
    return [*ranked[:_MOST_WRONG], "unknown"]


def _stating(answer: str) -> str:
    """The program of someone who has read or remembered the answer."""
    number = answer.strip().replace(",", "")
    value = number if _NUMBER.fullmatch(answer.strip()) else repr(answer)
    return f"def solution():\n    found = {value}\n    return found\n"


def _pattern(kind: Kind, answers: Sequence[str]) -> re.Pattern[str]:
    if kind is Kind.NUMBER:
        return re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?![\w])")
    if kind is Kind.LETTER:
        return re.compile(r"\b[A-J]\b")
    known = sorted((re.escape(a) for a in answers if a.strip()), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(known)})(?!\w)", re.IGNORECASE)


def _fragments(question: str) -> tuple[str, ...]:
    """Sentences of a question, cut to what one quotes."""
    pieces = (" ".join(s.split())[:90].rstrip() for s in _SENTENCE.findall(question))
    quotable = dict.fromkeys(p.replace('"', "") for p in pieces if len(p) > 12)
    return tuple(quotable) or ("the question",)


# --- Programs that went wrong ------------------------------------------------------------------

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


def _mutants(program: str) -> list[str]:
    """The program with one operator, comparison or number changed, the last places first."""
    try:
        count = sum(_changeable(node) for node in ast.walk(ast.parse(program)))
    except (SyntaxError, ValueError, RecursionError):
        return []
    mutants = []
    for place in range(count - 1, max(-1, count - 5), -1):
        tree = ast.parse(program)
        node = [node for node in ast.walk(tree) if _changeable(node)][place]
        _change(node)
        mutants.append(ast.unparse(tree) + "\n")
    return [text for text in dict.fromkeys(mutants) if text != program]


def _changeable(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        return type(node.op) in _SWAPS
    if isinstance(node, ast.Compare):
        return type(node.ops[0]) in _SWAPS
    return isinstance(node, ast.Constant) and type(node.value) is int


def _change(node: ast.AST) -> None:
    if isinstance(node, ast.BinOp):
        swapped = _SWAPS[type(node.op)]()
        assert isinstance(swapped, ast.operator)
        node.op = swapped
    elif isinstance(node, ast.Compare):
        other = _SWAPS[type(node.ops[0])]()
        assert isinstance(other, ast.cmpop)
        node.ops = [other, *node.ops[1:]]
    elif isinstance(node, ast.Constant):
        assert isinstance(node.value, int)
        node.value = node.value + 1


def _crashing(program: str) -> str:
    """The program with a slip of the pen in its last line, so that it stops when run."""
    lines = program.rstrip().splitlines()
    indent = lines[-1][: len(lines[-1]) - len(lines[-1].lstrip())] if lines else "    "
    return "\n".join([*lines[:-1], f"{indent}return {_TYPO}"]) + "\n"
