"""Published tests of coding problems, taken apart into single tests, public and hidden.

In: HumanEval's `check` functions and docstring examples, MBPP's asserts. Out: `CodeTests`. A
public test is one that a workflow may see and run; a hidden one decides the score and makes no
call that a public one makes. Only text is handled here; nothing is run.
"""

from __future__ import annotations

import ast
import doctest
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from w4s.tasks.parsing import parsed

WRONG_EXAMPLES = frozenset({"assert median([-10, 4, 6, 1000, 10, 20]) == 15.0"})
"""Docstring examples that upstream's own solution fails (HumanEval/47)."""


@dataclass(frozen=True, slots=True)
class CodeTests:
    """The tests of one problem."""

    public: tuple[str, ...]
    """Statements for a module that defines the function."""
    published: tuple[str, ...]
    """All of upstream's tests, each able to stand alone after `prelude`."""
    hidden: tuple[int, ...]
    """Which of `published` decide the score."""
    prelude: str
    """Imports and helpers that the published tests need."""


def of_check_function(test: str, prompt: str, entry_point: str) -> CodeTests:
    """HumanEval: the asserts and loops of `check(candidate)`, each with the imports and
    assignments before it.

    Public are the examples of the docstring that Python can read; where there is none, the first
    test, unless it is the only one. Hidden is every published test with a call that no public
    test makes; where that leaves none, nothing is public.
    """
    tests = list(_single_tests(_function(test, "check").body))
    calling = [t for t in tests if _calls(parsed(t), "candidate")]
    public = list(_examples(prompt, entry_point))
    if not public and len(calling) > 1:
        public = [_renamed(calling[0], "candidate", entry_point)]
    shown = set(chain.from_iterable(_calls(parsed(p), entry_point) for p in public))
    hidden = [
        i
        for i, t in enumerate(tests)
        if t in calling and not _calls(parsed(t), "candidate") <= shown
    ]
    if not hidden:
        public, hidden = [], [i for i, t in enumerate(tests) if t in calling]
    return CodeTests(
        public=tuple(public),
        published=tuple(_renamed(t, "candidate", entry_point) for t in tests),
        hidden=tuple(hidden),
        prelude=helpers(prompt, entry_point),
    )


def of_asserts(asserts: Sequence[str], imports: Sequence[str], entry_point: str) -> CodeTests:
    """MBPP: the first assert is public, the others are hidden unless they repeat its call.

    Where a function that returns None would pass all that is left, the next assert is public in
    its place; where no assert can be spared, none is public.
    """
    calls = [_calls(parsed(test), entry_point) for test in asserts]
    for shown, known in zip(asserts, calls, strict=True):
        hidden = [i for i, made in enumerate(calls) if not made <= known]
        if not all(_suits_none(asserts[i]) for i in hidden):
            public = ("\n".join([*imports, shown]),)
            return CodeTests(public, tuple(asserts), tuple(hidden), "\n".join(imports))
    return CodeTests((), tuple(asserts), tuple(range(len(asserts))), "\n".join(imports))


def _suits_none(test: str) -> bool:
    """Whether an assert holds for a function that returns None."""
    statement = parsed(test).body[0]
    asked = statement.test if isinstance(statement, ast.Assert) else None
    if isinstance(asked, ast.Compare):
        wanted = asked.comparators[0]
        return isinstance(wanted, ast.Constant) and wanted.value is None
    return isinstance(asked, ast.UnaryOp) and isinstance(asked.op, ast.Not)


def helpers(prompt: str, entry_point: str) -> str:
    """What a HumanEval prompt defines beside the function that is asked for."""
    module = parsed(prompt)
    kept = [node for node in module.body if getattr(node, "name", None) != entry_point]
    return "\n".join(ast.unparse(node) for node in kept)


def called_function(test: str, code: str) -> str | None:
    """The first function that a test calls and the code defines."""
    defined = {node.name for node in parsed(code).body if isinstance(node, ast.FunctionDef)}
    names = [
        node.func.id
        for node in ast.walk(parsed(test))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    return next((name for name in names if name in defined), None)


def makes_objects(tests: Sequence[str], code: str) -> bool:
    """Whether a test makes an object of a class that the code defines."""
    classes = {node.name for node in parsed(code).body if isinstance(node, ast.ClassDef)}
    return bool(classes) and any(
        isinstance(node, ast.Name) and node.id in classes
        for test in tests
        for node in ast.walk(parsed(test))
    )


def signature(code: str, entry_point: str) -> str:
    """`def name(arguments):` of a function of the code."""
    function = _function(code, entry_point)
    return f"def {entry_point}({ast.unparse(function.args)}):"


def _function(code: str, name: str) -> ast.FunctionDef:
    for node in parsed(code).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    raise ValueError(f"no function {name!r}")


def _single_tests(body: Sequence[ast.stmt]) -> Iterator[str]:
    before: list[str] = []
    for statement in body:
        text = ast.unparse(statement)
        if isinstance(statement, ast.Assert | ast.For):
            yield "\n".join([*before, text])
        elif not isinstance(statement, ast.Expr):
            before.append(text)


def _examples(prompt: str, entry_point: str) -> Iterator[str]:
    """The docstring's examples as asserts, where call and result are plain Python."""
    docstring = ast.get_docstring(_function(prompt, entry_point)) or ""
    try:
        examples = doctest.DocTestParser().get_examples(docstring)
    except ValueError:
        return
    for example in examples:
        try:
            call = _expression(example.source)
            ast.literal_eval(example.want.strip())
        except (SyntaxError, ValueError):
            continue
        text = f"assert {ast.unparse(call)} == {example.want.strip()}"
        if _calls(call, entry_point) and text not in WRONG_EXAMPLES:
            yield text


def _expression(source: str) -> ast.expr:
    body = parsed(source.strip()).body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise SyntaxError("no expression")
    return body[0].value


def _calls(tree: ast.AST, name: str) -> set[str]:
    """The arguments of every call of a function, as text that is equal for equal arguments."""
    return {
        ast.dump(ast.Tuple([*node.args, *(k.value for k in node.keywords)]))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    }


class _Rename(ast.NodeTransformer):
    def __init__(self, old: str, new: str) -> None:
        self._old = old
        self._new = new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._new, node.ctx) if node.id == self._old else node


def _renamed(code: str, old: str, new: str) -> str:
    return ast.unparse(ast.fix_missing_locations(_Rename(old, new).visit(parsed(code))))
