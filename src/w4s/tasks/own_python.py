"""The user's own task, from a small Python file.

In: a file that says in a few names what the task is. Out: a Task. The file is the user's own and
runs in this process, like any module. Names it may define:

    DESCRIPTION   what the meta-agent reads: the kind of question, how an answer must look
    DATA          a CSV or JSONL file, named relative to this file
    rows()        instead of DATA: returns dicts
    QUESTION, ANSWER, ID, SPLIT, ORIGIN    names of columns (see `own.Options`)
    SCORER        `exact`, `number`, `choice` or `contains`
    score(answer, target)                  instead of SCORER: a number from 0 to 1
    NAME          the name of the task; without it, that of the file
    task(seed, sizes)                      instead of all that: returns a whole `base.Task`
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from w4s.errors import ConfigError
from w4s.settings import nearest
from w4s.tasks.base import Sizes, Task
from w4s.tasks.own import Options, own_task
from w4s.tasks.own_rows import Row, read_rows
from w4s.tasks.scorers import UserFunction

_COLUMNS = ("QUESTION", "ANSWER", "ID", "SPLIT", "ORIGIN")
_TEXTS = ("DESCRIPTION", "DATA", *_COLUMNS, "SCORER", "NAME")
_FUNCTIONS = {"rows": "()", "score": "(answer, target)", "task": "(seed, sizes)"}
"""What a file may define, with its arguments; None is as good as not defined."""

NEW_TASK_TEMPLATE = '''\
"""My task. Check it with `w4s tasks --check {file}`, then `w4s search {file}`."""

# For the meta-agent: the kind of question, what makes it hard, how an answer must look.
DESCRIPTION = """\\
Answer questions about my subject. The answer is a plain number without units."""

# The data: a CSV or JSONL file beside this one, with at least three rows; thirty validation
# rows and a hundred test rows make a result that means something.
DATA = "questions.csv"
QUESTION = "question"  # the column of the question
ANSWER = "answer"  # the column of the gold answer
# SPLIT = "split"  # a column that says training, validation, public or test; else dealt by seed
# ORIGIN = "source"  # a column that is equal in rows that must not part between sets

# How an answer is judged: exact, number, choice (a letter) or contains …
SCORER = "number"

# … or by a function of your own, which takes the place of SCORER:
# def score(answer, target):
#     return float(answer.strip().lower() == target.lower())
'''
"""What `w4s tasks --new FILE` writes, with the name of the file filled in."""


def load_python_task(path: Path, seed: int = 0, sizes: Sizes | None = None) -> Task:
    """The task that a Python file defines; ConfigError for everything that is wrong with it."""
    module, sha256 = _run(path)
    texts, functions = _defined(path, module)
    if "task" in functions:
        return _whole_task(path, functions["task"], seed, sizes)
    rows, data_sha256, source = _rows(path, texts.get("DATA"), functions.get("rows"))
    return own_task(
        texts.get("NAME", path.stem),
        rows,
        _options(path, texts, functions.get("score")),
        source=source,
        sha256=hashlib.sha256(f"{sha256} {data_sha256}".encode()).hexdigest(),
        seed=seed,
        sizes=sizes,
    )


def load_function(spec: str, folder: Path) -> UserFunction:
    """The function that `FILE.py:NAME` names, FILE relative to `folder`."""
    file, _, name = spec.rpartition(":")
    module, _ = _run(folder / file)
    function = getattr(module, name, None)
    if not callable(function):
        raise ConfigError(f"{file} defines no function {name!r}")
    return _user_function(function)


def _run(path: Path) -> tuple[ModuleType, str]:
    """The module of a file, run afresh, and the checksum of its text."""
    try:
        text = path.read_text(encoding="utf-8")
        code = compile(text, str(path), "exec")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"{path.name}: {error}") from error
    module = ModuleType(f"w4s_own_{path.stem}")
    module.__file__ = str(path)
    # Dataclasses and pickling look a module up by its name.
    sys.modules[module.__name__] = module
    with _users_code(path):
        exec(code, module.__dict__)
    return module, hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _users_code(path: Path) -> Iterator[None]:
    """Turn what the code of the file raises into a ConfigError with its line."""
    try:
        yield
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{path.name}{_line(error, path)}: {_brief(error)}") from error


def _defined(
    path: Path, module: ModuleType
) -> tuple[dict[str, str], dict[str, Callable[..., Any]]]:
    """The settings and the functions of a file, each found to be what it must be."""
    defined = {name: value for name, value in vars(module).items() if value is not None}
    texts = {name: defined[name] for name in _TEXTS if name in defined}
    functions = {name: defined[name] for name in _FUNCTIONS if name in defined}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise ConfigError(f"{path.name}: {name} must be a text, not {value!r:.40}")
    for name, value in functions.items():
        if not callable(value):
            raise ConfigError(f"{path.name}: {name} must be a function {_FUNCTIONS[name]}")
    for name, value in defined.items():
        if name.isupper() and name not in texts and isinstance(value, str):
            _no_typing_error(path, name, [text for text in _TEXTS if text not in texts])
    return texts, functions


def _no_typing_error(path: Path, name: str, unset: list[str]) -> None:
    """A file may have constants of its own, unless they look like a setting that it lacks."""
    meant = nearest(name, unset, cutoff=0.8)
    if meant:
        raise ConfigError(f"{path.name}: unknown setting {name!r}{meant}")


def _whole_task(path: Path, make: Callable[..., Any], seed: int, sizes: Sizes | None) -> Task:
    with _users_code(path):
        made = make(seed=seed, sizes=sizes)
    if not isinstance(made, Task):
        raise ConfigError(
            f"{path.name}: task() must return a w4s.tasks.base.Task, not {made!r:.40}"
        )
    return made


def _rows(
    path: Path, named: str | None, make: Callable[..., Any] | None
) -> tuple[list[Row], str, str]:
    """Rows, their checksum, and the name of their source."""
    if make is None:
        if named is None:
            raise ConfigError(f'{path.name} needs DATA = "FILE.csv" or a function rows()')
        found, sha256 = read_rows(path.parent / named)
        return found, sha256, named
    with _users_code(path):
        made = make()
        if not isinstance(made, Iterable):
            raise ConfigError(f"{path.name}: rows() must return a list of dicts, not {made!r:.40}")
        rows = [_row(path, number, value) for number, value in enumerate(made, start=1)]
    if not rows:
        raise ConfigError(f"{path.name}: rows() returned no rows")
    text = repr([sorted(row.values.items()) for row in rows])
    return rows, hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(), path.name


def _row(path: Path, number: int, value: object) -> Row:
    where = f"{path.name} row {number}"
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: rows() must return dicts, not {value!r:.40}")
    return Row(where, number, dict(value))


def _options(path: Path, texts: Mapping[str, str], score: Callable[..., Any] | None) -> Options:
    if not texts.get("DESCRIPTION", "").strip():
        raise ConfigError(f"{path.name} needs DESCRIPTION, a text for the meta-agent")
    return Options(
        **{name.lower(): texts[name] for name in _COLUMNS if name in texts},
        scorer=score or texts.get("SCORER", "exact"),
        description=texts["DESCRIPTION"],
    )


def _user_function(function: Callable[..., Any]) -> UserFunction:
    return function


def _line(error: BaseException, path: Path) -> str:
    """` line 7`: the last line of the user's file that an exception passed through."""
    found = ""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            found = f" line {trace.tb_lineno}"
        trace = trace.tb_next
    return found


def _brief(error: BaseException) -> str:
    said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if isinstance(error, SystemExit):
        return f'{said} (put what the script does under if __name__ == "__main__":)'
    return said
