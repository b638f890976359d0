"""What the simulated executor needs to know of a problem: AnswerKeys for every kind of task.

In: a problem's question and answer, and a program where there is one. Out: an AnswerKey with
demands estimated from the text (how many steps, how heavy one step is) and plausible wrong
answers. The estimates are rough and said to be so: they shape a simulation, no figure of a real
model depends on them.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from itertools import islice

from w4s.models.answer_book import AnswerKey, Skill
from w4s.tasks.answers import plain, read_number
from w4s.tasks.parsing import parsed

_NUMERAL = re.compile(r"\d[\d,]*(?:\.\d+)?")


def numeric_key(
    question: str,
    answer: str,
    program: str | None = None,
    steps: int | None = None,
    strain: float = 0.0,
) -> AnswerKey:
    """A problem of arithmetic.

    `program` defines `solution()`. Steps default to the operations of the program, else to the
    numbers in the question less one. `strain` adds to the load that long numbers bring.
    """
    numerals = _numerals(question)
    if steps is None:
        steps = operations(program) if program else max(1, len(numerals) - 1)
    return AnswerKey(
        question=question,
        answer=answer,
        skill=Skill.ARITHMETIC,
        steps=max(1, steps),
        load=min(1.0, round(digit_load([*numerals, answer]) + strain, 3)),
        program=program,
        slips=number_slips(answer, numerals),
        broken=tuple(variants(program)) if program else (),
    )


def choice_key(question: str, letter: str, options: Sequence[str], load: float) -> AnswerKey:
    """A multiple-choice problem; the options beside the right one tempt first."""
    letters = "ABCDEFGHIJ"[: len(options)]
    place = letters.find(letter)
    others = sorted((x for x in letters if x != letter), key=lambda x: _draw(question, x))
    near_first = sorted(others, key=lambda x: abs(letters.find(x) - place) > 1)
    return AnswerKey(
        question=question,
        answer=letter,
        skill=Skill.KNOWLEDGE,
        steps=1 + min(3, len(question) // 400),
        load=load,
        slips=tuple(near_first[:4]),
    )


def reading_key(question: str, passage: str, answer: str, numeric: bool) -> AnswerKey:
    """A question on a passage: load grows with its length and with the facts to tell apart."""
    numerals = _numerals(passage)
    slips = number_slips(answer, numerals) if numeric else _name_slips(passage, answer)
    return AnswerKey(
        question=question,
        answer=answer,
        skill=Skill.READING,
        steps=2 if numeric else 1,
        load=round(min(1.0, len(passage) / 4000 + len(numerals) / 80), 3),
        slips=slips,
    )


def code_key(question: str, solution: str, load: float) -> AnswerKey:
    """A programming problem; `solution` is the whole reference source."""
    return AnswerKey(
        question=question,
        answer=solution,
        skill=Skill.CODE,
        steps=max(1, min(12, statements(solution) // 2)),
        load=load,
        broken=tuple(variants(solution)),
    )


def text_key(question: str, answer: str) -> AnswerKey:
    """A problem of which nothing is known but its answer."""
    if read_number(answer) is not None:
        return numeric_key(question, answer)
    return AnswerKey(
        question=question,
        answer=answer,
        skill=Skill.KNOWLEDGE,
        load=0.3,
        slips=_name_slips(question, answer),
    )


def program_of(lines: Sequence[str]) -> str:
    """A program whose `solution()` computes the lines in turn and returns the last value."""
    steps = [f"    step_{i} = {line}" for i, line in enumerate(lines, start=1)]
    return "\n".join(["def solution():", *steps, f"    return step_{len(lines)}"])


def value_of(expression: str) -> float | None:
    """The value of plain arithmetic on numerals; None for anything else."""
    try:
        body = parsed(expression.strip()).body
        return _computed(body[0].value) if isinstance(body[0], ast.Expr) else None
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, IndexError):
        return None


def _computed(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(str(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_computed(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        return _ARITHMETIC[type(node.op)](_computed(node.left), _computed(node.right))
    raise ValueError("not plain arithmetic")


_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def digit_load(numerals: Sequence[str]) -> float:
    """0 for numbers of one or two digits, rising to 1 for ten digits and more."""
    longest = max((sum(c.isdigit() for c in n) for n in numerals), default=1)
    return round(min(1.0, max(0.0, (longest - 2) / 8)), 3)


def operations(program: str) -> int:
    """How many arithmetic operations a program writes down; at least 1."""
    try:
        tree = parsed(program)
    except SyntaxError:
        return 1
    return max(1, sum(isinstance(node, ast.BinOp | ast.AugAssign) for node in ast.walk(tree)))


def number_slips(answer: str, numerals: Sequence[str]) -> tuple[str, ...]:
    """Wrong numbers that a hurried solver arrives at: a term forgotten or counted twice, a wrong
    sign, a factor of two or ten, one off."""
    right = read_number(answer)
    if right is None:
        return ()
    given = [n for n in (read_number(text) for text in numerals[-3:]) if n]
    guesses = [*(right - n for n in given), *(right + n for n in given), right * 2, right / 2]
    guesses += [right + 1, right - 1, right * 10, -right]
    slips = dict.fromkeys(plain(_rounded(g)) for g in guesses if g != right)
    return tuple(slips)[:6]


def variants(program: str, limit: int = 4) -> Iterator[str]:
    """Wrong versions of a program: one operator, comparison, constant or built-in changed in each.

    The changes nearest to the result come first. Nothing is run here, so a variant may now and
    then compute the same. A program that offers no such place returns None instead of its result.
    """
    try:
        tree = parsed(program)
    except SyntaxError:
        return
    lines = program.splitlines(keepends=True)
    nodes = sorted(ast.walk(tree), key=lambda node: -int(getattr(node, "lineno", 0)))
    changes = ((node, _changed(node)) for node in nodes)
    texts = (_replaced(lines, node, new) for node, new in changes if new is not None)
    made = list(islice((text for text in texts if text is not None), limit))
    if not made:
        results = (n.value for n in nodes if isinstance(n, ast.Return) and n.value is not None)
        texts = (_replaced(lines, result, ast.Constant(None)) for result in results)
        made = list(islice((text for text in texts if text is not None), 1))
    yield from made


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


_NAME_SWAPS = {
    "max": "min",
    "min": "max",
    "any": "all",
    "all": "any",
    "sorted": "list",
    "set": "list",
    "sum": "len",
    "zip": "list",
}


def _changed(node: ast.AST) -> ast.expr | None:
    """A copy of the expression with one thing wrong, None where nothing can be changed."""
    if isinstance(node, ast.BinOp) and type(node.op) in _SWAPS:
        swapped = _SWAPS[type(node.op)]()
        assert isinstance(swapped, ast.operator)
        return ast.BinOp(node.left, swapped, node.right)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _SWAPS:
        other = _SWAPS[type(node.ops[0])]()
        assert isinstance(other, ast.cmpop)
        return ast.Compare(node.left, [other], node.comparators)
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return ast.Constant(node.value + 1)
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        return ast.Constant(not node.value)
    if isinstance(node, ast.Name) and node.id in _NAME_SWAPS:
        return ast.Name(_NAME_SWAPS[node.id])
    return None


def _replaced(lines: Sequence[str], node: ast.AST, new: ast.expr) -> str | None:
    """The program with `new` in the place of `node`, so that the rest keeps its wording."""
    if not isinstance(node, ast.expr) or node.end_lineno != node.lineno:
        return None
    line = lines[node.lineno - 1].encode()
    text = ast.unparse(new)
    if not isinstance(new, ast.Constant | ast.Name):
        text = f"({text})"
    changed = line[: node.col_offset] + text.encode() + line[node.end_col_offset or 0 :]
    return "".join([*lines[: node.lineno - 1], changed.decode(), *lines[node.lineno :]])


def _numerals(text: str) -> list[str]:
    return [match[0].rstrip(",") for match in _NUMERAL.finditer(text)]


def statements(source: str) -> int:
    """How many statements a program has."""
    try:
        return sum(isinstance(node, ast.stmt) for node in ast.walk(parsed(source)))
    except SyntaxError:
        return 2


def _rounded(number: Decimal) -> Decimal:
    """To four decimals; a number with more digits than decimals are computed with, as it is."""
    try:
        return round(number, 4)
    except InvalidOperation:
        return number


def _name_slips(passage: str, answer: str) -> tuple[str, ...]:
    """Other names in the passage, those that begin like the answer's neighbours first."""
    names = re.findall(r"\b[A-Z][\w-]+(?: [A-Z][\w-]+)*", passage)
    low = answer.casefold()
    others = dict.fromkeys(n for n in names if n.casefold() not in low and low not in n.casefold())
    return tuple(list(others)[-4:])


def _draw(question: str, letter: str) -> int:
    """An order of the letters that depends on the question alone."""
    return sum(question.encode()) * (ord(letter) * 37 % 101) % 97
