"""Run one piece of untrusted text and describe what came of it.

In: an order of the host (source, action, arguments or cases). Out: a message, `{"done": value}`
or `{"failed": {...}}`. Everything that may run the program's own code (`__str__`, iteration
over a result) happens here, inside the child and under its limits.
"""

from __future__ import annotations

import _ast as ast
import binascii
import linecache
import marshal
import random
import sys
import types
from collections.abc import Callable
from typing import Any

from w4s.sandbox.inside.channel import Stopped
from w4s.sandbox.values import TooDeep, TooLarge, decode, encode, text_of

FILE = "<program>"
MODULE = "program"
TRACEBACK_FRAMES = 12
TRACEBACK_CHARS = 4_000
MESSAGE_CHARS = 2_000

NOT_COMPILED = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)
"""What `compile` raises for texts that are no Python, or too much of it."""


class NoEntry(Exception):
    """The source lacks what the action needs."""


class Program:
    """One source text: compiled once, run as often as asked, each time in a fresh module."""

    def __init__(self, source: str, action: str, code: str | None = None) -> None:
        self.source = source
        self._last: types.CodeType | None = None
        self._last_name = ""
        self._calls_solution = False
        linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
        if action == "value":
            self._split()
        else:
            body = _unpacked(code) if code is not None else None
            self._body = body or compile(source, FILE, "exec", dont_inherit=True)

    def packed(self) -> str:
        """The compiled text, for another child of the same source."""
        return binascii.b2a_base64(marshal.dumps(self._body), newline=False).decode("ascii")

    def _split(self) -> None:
        """Separate the last line's expression from the rest."""
        tree = parsed(self.source)
        last = tree.body[-1] if tree.body else None
        if isinstance(last, ast.Expr):
            tree.body.pop()
            self._last = compile(ast.Expression(last.value), FILE, "eval", dont_inherit=True)
            call = last.value
            self._calls_solution = (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id == "solution"
            )
        elif isinstance(last, ast.Assign | ast.AnnAssign | ast.AugAssign):
            target = last.targets[-1] if isinstance(last, ast.Assign) else last.target
            self._last_name = target.id if isinstance(target, ast.Name) else ""
        self._body = compile(tree, FILE, "exec", dont_inherit=True)

    def load(self, seed: str) -> dict[str, Any]:
        """Run the module body in a new module; its namespace."""
        module = types.ModuleType(MODULE)
        sys.modules[MODULE] = module
        random.seed(seed)
        exec(self._body, module.__dict__)
        return module.__dict__

    def value(self, namespace: dict[str, Any]) -> object:
        """Action VALUE: of `solution()`, else of the last line."""
        value = eval(self._last, namespace) if self._last is not None else None
        solution = namespace.get("solution")
        if callable(solution) and not self._calls_solution:
            return solution()
        if self._last is not None:
            return value
        if self._last_name in namespace:
            return namespace[self._last_name]
        raise NoEntry("no function solution(), and the last line has no value")


def _unpacked(code: str) -> types.CodeType | None:
    """None for anything but code: it comes from a child."""
    try:
        body = marshal.loads(binascii.a2b_base64(code))
    except (ValueError, EOFError, TypeError):
        return None
    return body if isinstance(body, types.CodeType) else None


def parsed(source: str) -> ast.Module:
    """Its syntax tree, as `ast.parse` gives it. Raises what `compile` raises."""
    tree = compile(source, FILE, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def run(order: dict[str, Any], program: Program, agent: Callable[[], object]) -> Any:
    """Carry out `order`; the typed JSON of the result. Lets exceptions through."""
    namespace = program.load(order["seed"])
    return encode(_act(order, program, namespace, agent), limit=order["result_bytes"])


def _act(
    order: dict[str, Any],
    program: Program,
    namespace: dict[str, Any],
    agent: Callable[[], object],
) -> object:
    action = order["action"]
    if action == "value":
        return program.value(namespace)
    if action == "statements":
        return [_statement(text, namespace, order["result_bytes"]) for text in order["cases"]]
    entry = namespace.get(order["entry"])
    if not callable(entry):
        raise NoEntry(f"the code defines no function {order['entry']}")
    if action == "calls":
        return [_case(entry, arguments, order["result_bytes"]) for arguments in order["cases"]]
    arguments = {name: decode(value) for name, value in order["arguments"].items()}
    if order["host"]:
        arguments["agent"] = agent()
    return entry(**arguments)


def _case(entry: Callable[..., object], arguments: Any, limit: int) -> dict[str, Any]:
    try:
        return {"value": encode(entry(*decode(arguments)), limit=limit)}
    except Stopped:
        raise
    except BaseException as error:
        return {"error": brief(error)}


def _statement(text: str, namespace: dict[str, Any], limit: int) -> dict[str, Any] | None:
    try:
        exec(compile(text, "<statement>", "exec", dont_inherit=True), namespace)
    except Stopped:
        raise
    except BaseException as error:
        return {"error": brief(error)}
    return None


# --- What went wrong -----------------------------------------------------------------------


def brief(error: BaseException) -> dict[str, Any]:
    """Type, message and line of an error of one case."""
    return {
        "type": _type_name(error),
        "message": text_of(error, MESSAGE_CHARS),
        "line": _line(error),
    }


def failure(error: BaseException) -> dict[str, Any]:
    """How the host learns of an exception that ended the program."""
    ending, name, message, line = _judge(error)
    return {
        "ending": ending,
        "type": name,
        "message": message,
        "line": line,
        "traceback": _traceback(error, name, message),
    }


def _judge(error: BaseException) -> tuple[str, str, str, int | None]:
    line = _line(error)
    match error:
        case Stopped():
            return "time", "TimeLimit", text_of(error), line
        case NoEntry():
            return "no_entry", "NoEntry", str(error), None
        case TooLarge():
            return "output", "OutputLimit", "the result is too large", line
        case TooDeep():
            return "raised", "ValueError", "the result is nested too deeply", line
        case MemoryError():
            return "memory", "MemoryError", "out of memory", line
        case SystemExit():
            return "exited", "SystemExit", f"sys.exit({text_of(error.code, 200)})", line
    return "raised", _type_name(error), text_of(error, MESSAGE_CHARS), line


def not_compiled(error: BaseException) -> dict[str, Any]:
    """How the host learns that the text is no Python."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    message = error.msg if isinstance(error, SyntaxError) else text_of(error)
    name = _type_name(error)
    source = linecache.getline(FILE, line).strip() if line else ""
    return {
        "ending": "syntax_error",
        "type": name if isinstance(error, SyntaxError) else "SyntaxError",
        "message": str(message)[:MESSAGE_CHARS],
        "line": line,
        "traceback": f"  line {line}\n    {source[:200]}\n{name}: {message}"[:TRACEBACK_CHARS],
    }


def _type_name(error: BaseException) -> str:
    return str(type.__dict__["__name__"].__get__(type(error)))[:200]


def _places(error: BaseException) -> list[tuple[int, str]]:
    """Line and function of the program's own frames, outermost first."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == FILE:
            places.append((trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    return places


def _line(error: BaseException) -> int | None:
    places = _places(error)
    return places[-1][0] if places else None


def _traceback(error: BaseException, name: str, message: str) -> str:
    places = _places(error)
    cut = len(places) - TRACEBACK_FRAMES
    lines = [f"  … {cut} more"] if cut > 0 else []
    for number, function in places[-TRACEBACK_FRAMES:]:
        lines.append(f"  line {number}, in {function}")
        lines.append(f"    {linecache.getline(FILE, number).strip()[:200]}")
    return "\n".join([*lines, f"{name}: {message}"])[:TRACEBACK_CHARS]


def line_of_frame(frame: types.FrameType | None) -> int | None:
    """Where the program stands, seen from a signal handler."""
    while frame is not None:
        if frame.f_code.co_filename == FILE:
            return frame.f_lineno
        frame = frame.f_back
    return None
