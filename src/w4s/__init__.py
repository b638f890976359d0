"""Weak-for-Strong: a small model learns to write workflows for a strong one.

The functions below are what the commands do. They are loaded when they are first used, so that
`import w4s` takes no time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from w4s.api import collect, dataset, evaluate, run, search, test, train
    from w4s.tasks.registry import load_task

__version__ = "0.1.0"

__all__ = ["collect", "dataset", "evaluate", "load_task", "run", "search", "test", "train"]


if not TYPE_CHECKING:  # a checker would take it that every name is there

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        module = "w4s.tasks.registry" if name == "load_task" else "w4s.api"
        return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
