"""Several modules of the package as the text of one, with nothing that is not needed.

In: the name of a module whose definitions are all wanted. Out: these, and from other modules of
the package whatever they use, definition by definition, as they stand there; the imports of the
standard library in front. So an exported file runs the code that a search runs, and no second
version of it has to be kept equal.

Two definitions of the same name get along: the later one is renamed. What cannot be renamed
safely is refused when the file is made, never found out when it is used.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise

PACKAGE = "w4s"


@dataclass(frozen=True, slots=True)
class Name:
    """A definition at the top of a module, or something imported from outside the package."""

    module: str
    """Empty for what comes from outside."""
    name: str
    """The name; for what comes from outside, the import that brings it."""

    @property
    def imported(self) -> bool:
        return not self.module

    @property
    def plain(self) -> str:
        """What it is called where nothing else has that name."""
        return re.split(r" as | import |^import ", self.name)[-1].partition(".")[0]


@dataclass(slots=True)
class _Module:
    """One module, read but not run."""

    name: str
    lines: list[str]
    summary: str
    """First line of its docstring."""
    statements: dict[str, ast.stmt] = field(default_factory=dict)
    """The statement that defines a name."""
    own: dict[str, Name] = field(default_factory=dict)
    """Names that come from other modules of the package."""
    rooms: dict[str, str] = field(default_factory=dict)
    """Names that are modules of the package."""
    foreign: dict[str, str] = field(default_factory=dict)
    """Names that come from elsewhere, each with the import that brings it."""
    ends: dict[int, int] = field(default_factory=dict)
    """Last line of the docstring below a constant, by the line where the constant begins."""


@dataclass(frozen=True, slots=True)
class Code:
    """The text of a bundle, in its two parts."""

    imports: str
    definitions: str


@cache
def bundle(root: str, *, leave_out: frozenset[str] = frozenset()) -> Code:
    """Everything that the module `root` defines, and what that needs.

    `leave_out` names definitions of the root that the caller writes itself. Raises ValueError for
    names that cannot be told apart in one file."""
    return _Bundle(root, leave_out).code()


class _Bundle:
    def __init__(self, root: str, leave_out: frozenset[str]) -> None:
        self._modules: dict[str, _Module] = {}
        self._needed: dict[Name, None] = {}
        self._leave_out = {Name(root, name) for name in leave_out}
        for name in self._module(root).statements:
            self._need(Name(root, name))
        self._order: list[str] = []
        self._put(root)
        self._written = self._write_names()

    def code(self) -> Code:
        parts = []
        for name in self._order:
            module = self._modules[name]
            pieces = [self._piece(module, statement) for statement in self._statements(module)]
            if pieces:
                parts.append("\n\n\n".join([f"# === {name}\n# {module.summary}", *pieces]))
        return Code("\n".join(self._imports()), "\n\n\n".join(parts))

    # --- what is needed ---

    def _module(self, name: str) -> _Module:
        if name not in self._modules:
            self._modules[name] = _read(name)
        return self._modules[name]

    def _need(self, wanted: Name) -> None:
        if wanted in self._needed or wanted in self._leave_out:
            return
        if wanted.imported:
            self._needed[wanted] = None
            return
        module = self._module(wanted.module)
        statement = module.statements[wanted.name]
        for name in _defined(statement):
            self._needed[Name(wanted.module, name)] = None
        for _, used in self._uses(module, statement):
            self._need(used)

    def _uses(self, module: _Module, statement: ast.stmt) -> Iterator[tuple[ast.expr, Name]]:
        """Where a statement speaks of definitions of the package, and of which."""
        for node in ast.walk(statement):
            match node:
                case ast.Attribute(value=ast.Name(id=room), attr=name) if room in module.rooms:
                    yield node, Name(module.rooms[room], name)
                case ast.Name(id=name) if name in module.own:
                    yield node, module.own[name]
                case ast.Name(id=name) if name in module.statements:
                    yield node, Name(module.name, name)
                case ast.Name(id=name) if name in module.foreign:
                    yield node, Name("", module.foreign[name])

    def _statements(self, module: _Module) -> list[ast.stmt]:
        chosen = {
            id(s): s for n, s in module.statements.items() if Name(module.name, n) in self._needed
        }
        return sorted(chosen.values(), key=lambda statement: statement.lineno)

    def _put(self, name: str) -> None:
        """A module's place is behind those that it takes something from."""
        if name in self._order:
            return
        module = self._modules[name]
        for statement in self._statements(module):
            for _, used in self._uses(module, statement):
                if used.module not in ("", name):
                    self._put(used.module)
        self._order.append(name)

    # --- what it is called ---

    def _write_names(self) -> dict[Name, str]:
        """Every definition's name in the file."""
        written: dict[Name, str] = {}
        taken = {name.name for name in self._leave_out}
        for module in ("", *self._order):
            for name in (n for n in self._needed if n.module == module):
                text = name.plain
                if text in taken:
                    text += f"_of_{module.rpartition('.')[2] or name.name.split()[1]}"
                    self._check_rename(name)
                if text in taken:
                    raise ValueError(f"two definitions of {text} in one file")
                taken.add(text)
                written[name] = text
        return written

    def _check_rename(self, name: Name) -> None:
        """Renaming is by text, so the name must mean the same wherever it stands."""
        for user in self._modules.values():
            known = name.name if user.name == name.module else None
            others = {**user.own, **{n: Name("", text) for n, text in user.foreign.items()}}
            known = next((alias for alias, own in others.items() if own == name), known)
            for statement in self._statements(user):
                for node in ast.walk(statement):
                    local = node.arg if isinstance(node, ast.arg) else None
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                        local = node.id if node not in _targets(statement) else None
                    if known is not None and local == known:
                        raise ValueError(f"{user.name}: {known} is local too; cannot rename it")

    # --- the text ---

    def _imports(self) -> list[str]:
        """One line for each module, as a formatter would have them."""
        plain, froms = [], dict[str, list[str]]()
        for name in (n for n in self._needed if n.imported):
            brought = name.name if name.plain == self._written[name] else self._as(name)
            if match := re.fullmatch(r"from (\S+) import (.+)", brought):
                froms.setdefault(match[1], []).append(match[2])
            else:
                plain.append(brought)
        lines = [f"from {m} import {', '.join(sorted(n))}" for m, n in sorted(froms.items())]
        return sorted(plain) + lines

    def _as(self, name: Name) -> str:
        return f"{name.name.partition(' as ')[0]} as {self._written[name]}"

    def _piece(self, module: _Module, statement: ast.stmt) -> str:
        first, last = _extent(module, statement)
        lines = [line.encode() for line in module.lines[first - 1 : last]]
        edits = [(node, self._written[used]) for node, used in self._all_uses(module, statement)]
        for node, text in sorted(edits, key=lambda e: (e[0].lineno, e[0].col_offset), reverse=True):
            line = lines[node.lineno - first]
            if line[node.col_offset : node.end_col_offset].decode() != ast.unparse(node):
                # Python before 3.12 does not know where in an f-string a name stands.
                raise ValueError(f"{module.name}: cannot rename {ast.unparse(node)} in an f-string")
            lines[node.lineno - first] = (
                line[: node.col_offset] + text.encode() + line[node.end_col_offset :]
            )
        piece = b"\n".join(lines).decode()
        for name in _defined(statement):
            written = self._written.get(Name(module.name, name), name)
            if written != name and not _targets(statement):
                piece = re.sub(
                    rf"^((?:class|def|async def) ){name}\b", rf"\g<1>{written}", piece, flags=re.M
                )
        return piece

    def _all_uses(self, module: _Module, statement: ast.stmt) -> list[tuple[ast.expr, Name]]:
        """Those whose text changes."""
        return [
            (node, used)
            for node, used in self._uses(module, statement)
            if used in self._written
            and (isinstance(node, ast.Attribute) or self._written[used] != node.id)  # type: ignore[attr-defined]
        ]


def _read(name: str) -> _Module:
    text = _file(name).read_text("utf-8")
    tree = ast.parse(text)
    summary = (ast.get_docstring(tree) or "").partition("\n")[0]
    module = _Module(name, text.splitlines(), summary)
    for statement, below in pairwise(tree.body):
        if _targets(statement) and isinstance(below, ast.Expr):
            module.ends[statement.lineno] = below.end_lineno or below.lineno
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            _read_import(module, statement)
        for defined in _defined(statement):
            module.statements[defined] = statement
    return module


def _read_import(module: _Module, statement: ast.Import | ast.ImportFrom) -> None:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            bound = alias.asname or alias.name.partition(".")[0]
            module.foreign[bound] = f"import {ast.unparse(alias)}"
        return
    source = statement.module or ""
    for alias in statement.names:
        bound = alias.asname or alias.name
        if source == "__future__":
            continue
        if source.partition(".")[0] != PACKAGE:
            module.foreign[bound] = f"from {source} import {ast.unparse(alias)}"
        elif _is_module(f"{source}.{alias.name}"):
            module.rooms[bound] = f"{source}.{alias.name}"
        else:
            module.own[bound] = Name(source, alias.name)


def _is_module(name: str) -> bool:
    return _file(name).is_file()


def _file(module: str) -> Traversable:
    *folders, last = module.split(".")[1:]
    return resources.files(PACKAGE).joinpath(*folders, f"{last}.py")


def _defined(statement: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module defines."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
    return [target.id for target in _targets(statement)]


def _targets(statement: ast.stmt) -> list[ast.Name]:
    match statement:
        case ast.Assign(targets=targets):
            nodes = [node for target in targets for node in ast.walk(target)]
        case ast.AnnAssign(target=target):
            nodes = [target]
        case _:
            return []
    return [n for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def _extent(module: _Module, statement: ast.stmt) -> tuple[int, int]:
    """First and last line, with the decorators and comments above and the docstring below."""
    first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))])
    while first > 1 and module.lines[first - 2].startswith("#"):
        if module.lines[first - 2].startswith("# ---"):
            break
        first -= 1
    return first, module.ends.get(statement.lineno, statement.end_lineno or statement.lineno)
