"""Candidate code that stays loaded, and the trusted tests that call it from another child.

In the candidate's child: `Loaded` executes operations on the functions and objects of one module.
In the grader's child: `grade` runs test statements in which the candidate's names are stand-ins
that ask the host. Values cross as typed JSON; objects without a JSON form stay where they are
and are named by number. The grader never sees the candidate's text, the candidate never sees a
test, only the arguments of its calls.
"""

from __future__ import annotations

import _ast as ast
import builtins
import importlib
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from w4s.sandbox.inside import program as programs
from w4s.sandbox.inside.channel import Stopped, exception_named
from w4s.sandbox.values import decode, encode

MOST_ITEMS = 100_000
"""Of an iterator that a test consumes."""
_TYPES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (bool, bytes, complex, dict, float, frozenset, int, list, object, set, str, tuple)
}


def _type_name(value: object) -> str | None:
    """The name of a built-in class that may cross."""
    return next((name for name, cls in _TYPES.items() if cls is value), None)


class Loaded:
    """One module of candidate code, with the objects that tests have been given."""

    def __init__(self, program: programs.Program, seed: str) -> None:
        self._namespace = program.load(seed)
        self._objects: list[object] = []

    def apply(self, order: dict[str, Any]) -> Any:
        """One operation; the typed JSON of what it gives."""
        arguments = [self._decode(value) for value in order["arguments"]]
        keywords = {name: self._decode(value) for name, value in order["keywords"].items()}
        target = self._target(order["target"])
        match order["operation"]:
            case "call":
                result = target(*arguments, **keywords)
            case "get":
                result = getattr(target, *arguments)
            case "set":
                setattr(target, *arguments)
                result = None
            case _:
                result = list(itertools.islice(iter(target), MOST_ITEMS))
        return encode(result, limit=order["result_bytes"], opaque=self._keep)

    def _target(self, target: str | int) -> Any:
        if isinstance(target, int):
            return self._objects[target]
        if target not in self._namespace:
            raise programs.NoEntry(f"the code defines no {target}")
        return self._namespace[target]

    def _keep(self, value: object) -> dict[str, Any]:
        if (name := _type_name(value)) is not None:
            return {"$type": name}
        self._objects.append(value)
        return {"$object": len(self._objects) - 1}

    def _decode(self, value: Any) -> Any:
        return decode(value, {"$type": _TYPES.__getitem__, "$object": self._objects.__getitem__})


# --- the grader's side ---------------------------------------------------------------------


class StandIn:
    """A function or object of the candidate, as the tests see it."""

    __slots__ = ("_far_call", "_far_target")

    def __init__(self, call: Callable[..., Any], target: str | int) -> None:
        object.__setattr__(self, "_far_call", call)
        object.__setattr__(self, "_far_target", target)

    def _ask(self, operation: str, *arguments: object, **keywords: object) -> Any:
        reply = self._far_call(
            "apply",
            target=self._far_target,
            operation=operation,
            arguments=[_encode(value) for value in arguments],
            keywords={name: _encode(value) for name, value in keywords.items()},
        )
        if "raised" in reply:
            raise exception_named(*reply["raised"])
        return decode(
            reply["value"],
            {"$type": _TYPES.__getitem__, "$object": lambda n: StandIn(self._far_call, int(n))},
        )

    def __call__(self, *arguments: object, **keywords: object) -> Any:
        return self._ask("call", *arguments, **keywords)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._ask("get", name)

    def __setattr__(self, name: str, value: object) -> None:
        self._ask("set", name, value)

    def __iter__(self) -> Any:
        return iter(self._ask("items"))


def _encode(value: object) -> Any:
    return encode(value, opaque=_name)


def _name(value: object) -> dict[str, Any]:
    if isinstance(value, StandIn):
        return {"$object": value._far_target}
    if (name := _type_name(value)) is not None:
        return {"$type": name}
    raise TypeError(f"a test cannot pass a {type(value).__name__} to the candidate")


def grade(order: dict[str, Any], call: Callable[..., Any]) -> list[dict[str, Any] | None]:
    """Run the set-up, then each statement; per statement what went wrong, or None."""
    names = order["names"]
    namespace: dict[str, Any] = {"__name__": "tests"}
    for name in _free_names([order["source"], *order["cases"]]):
        if name in sys.stdlib_module_names:
            namespace[name] = importlib.import_module(name)
        else:
            namespace[name] = StandIn(call, name)
    exec(compile(order["source"], programs.FILE, "exec", dont_inherit=True), namespace)
    namespace.update({name: StandIn(call, name) for name in names})
    return [_verdict(text, namespace) for text in order["cases"]]


def _verdict(text: str, namespace: dict[str, Any]) -> dict[str, Any] | None:
    try:
        exec(compile(text, "<test>", "exec", dont_inherit=True), namespace)
    except Stopped:
        raise
    except BaseException as error:
        return programs.brief(error)
    return None


def _free_names(texts: Iterable[str]) -> list[str]:
    """Names that the tests use and nobody on this side defines."""
    read: dict[str, None] = {}
    made = set(dir(builtins))
    for text in texts:
        for node in _walk(programs.parsed(text)):
            match node:
                case ast.Name(id=name, ctx=ast.Load()):
                    read[name] = None
                case ast.Name(id=name):
                    made.add(name)
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    made.add(name)
                case ast.arg(arg=name):
                    made.add(name)
                case ast.alias(name=name, asname=other):
                    made.add(other or name.split(".")[0])
                case ast.ExceptHandler(name=str(name)):
                    made.add(name)
    return [name for name in read if name not in made]


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it; `ast.walk`, without the module that every fork would pay for."""
    yield node
    for name in node._fields:
        value = getattr(node, name, None)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                yield from _walk(item)
