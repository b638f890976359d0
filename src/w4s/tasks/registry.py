"""Tasks by name.

In: the name of a toy task or a benchmark, or the path of the user's own file. Out: a Task, the
same for the same name, seed, sizes and split on every machine. A name that is nobody's is a
ConfigError with the nearest one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from w4s.errors import ConfigError
from w4s.settings import nearest
from w4s.tasks import data
from w4s.tasks.about import About
from w4s.tasks.base import Sizes, Task
from w4s.tasks.choice import GPQA, MMLU_PRO, load_gpqa, load_mmlu_pro
from w4s.tasks.coding import HUMANEVAL, MBPP, load_humaneval, load_mbpp
from w4s.tasks.competition import MATH, load_math
from w4s.tasks.gsm_hard import GSM_HARD, load_gsm_hard
from w4s.tasks.mathematics import (
    GSM8K,
    GSM_PLUS,
    MGSM,
    SVAMP,
    load_gsm8k,
    load_gsm_plus,
    load_mgsm,
    load_svamp,
)
from w4s.tasks.own import Options, load_own_file
from w4s.tasks.own_python import load_function, load_python_task
from w4s.tasks.own_rows import SUFFIXES
from w4s.tasks.reading import DROP, load_drop
from w4s.tasks.toy import PREFIX, load_toy, toy_families
from w4s.tasks.toy_rules import described


class Split(StrEnum):
    """Which sets a benchmark uses."""

    DEFAULT = "default"
    """Disjoint by origin across all benchmarks."""
    PAPER = "paper"
    """As published, overlaps and all."""


class Loader(Protocol):
    """Loads a benchmark."""

    def __call__(self, seed: int, sizes: Sizes | None, split: str) -> Task: ...


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark: what is said of it, and how it is loaded."""

    about: About
    load: Loader


BENCHMARKS: Mapping[str, Benchmark] = {
    benchmark.about.name: benchmark
    for benchmark in (
        Benchmark(GSM8K, load_gsm8k),
        Benchmark(GSM_HARD, load_gsm_hard),
        Benchmark(GSM_PLUS, load_gsm_plus),
        Benchmark(SVAMP, load_svamp),
        Benchmark(MGSM, load_mgsm),
        Benchmark(MATH, load_math),
        Benchmark(DROP, load_drop),
        Benchmark(MMLU_PRO, load_mmlu_pro),
        Benchmark(GPQA, load_gpqa),
        Benchmark(HUMANEVAL, load_humaneval),
        Benchmark(MBPP, load_mbpp),
    )
}


_TABLES = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"


def task_names() -> list[str]:
    """Every task that has a name."""
    return [*toy_families(), *BENCHMARKS]


class TaskLine(NamedTuple):
    """One line of the listing of tasks."""

    name: str
    family: str
    metric: str
    sizes: str
    """Private, public, training and test problems."""
    licence: str
    data: str
    """`made here`, `at hand`, or where it comes from when it is first used."""


def task_table() -> list[TaskLine]:
    """Every task that has a name, without loading any data."""
    toys = [_toy_line(load_toy(name, sizes=Sizes(1, 1, 0, 1))) for name in toy_families()]
    return [*toys, *(_benchmark_line(benchmark.about) for benchmark in BENCHMARKS.values())]


def _toy_line(task: Task) -> TaskLine:
    return TaskLine(task.name, task.family, task.metric, "any", "Apache-2.0", "made here")


def _benchmark_line(about: About) -> TaskLine:
    sizes = about.sizes
    return TaskLine(
        about.name,
        about.family,
        about.metric,
        f"{sizes.private} / {sizes.public} / {sizes.training} / {sizes.test}",
        about.licence,
        "at hand" if all(map(data.at_hand, about.files)) else "from the hub, or W4S_DATA",
    )


def load_task(
    name: str,
    *,
    seed: int = 0,
    sizes: Sizes | None = None,
    split: str = Split.DEFAULT,
) -> Task:
    """The task behind a name or a path.

    A path to a CSV or JSONL file may say how to read it: `facts.csv:answer=gold,scorer=number`,
    with the fields of `own.Options` and `description=FILE.md`. A path to a Python file is
    explained in `own_python`. ConfigError for whatever cannot be loaded.
    """
    if split not in list(Split):
        raise ConfigError(f"unknown split {split!r}; there are {', '.join(Split)}")
    path, settings = _own_path(name)
    if path is not None and path.suffix.lower() in SUFFIXES:
        return load_own_file(path, _options(settings), seed, sizes)
    if settings:
        raise ConfigError(f"{name!r}: only a {_TABLES} file takes settings behind the colon")
    if path is not None:
        return load_python_task(path, seed, sizes)
    if name in BENCHMARKS:
        return BENCHMARKS[name].load(seed, sizes, split)
    if name.startswith(PREFIX):
        return described(load_toy(name, seed=seed, sizes=sizes))
    raise ConfigError(_unknown(name))


def _own_path(name: str) -> tuple[Path | None, str]:
    """The path in `PATH` or `PATH:SETTINGS`, and the settings; None where it looks like no path."""
    for suffix in (*SUFFIXES, ".py"):
        # Some programs write SUMS.CSV.
        ends = re.search(f"{re.escape(suffix)}(:|\\Z)", name, re.IGNORECASE)
        if ends:
            return Path(name[: ends.start(1)]), name[ends.end(1) :]
    return None, name.partition(":")[2]


def _options(settings: str) -> Options:
    options = Options()
    for setting in filter(None, settings.split(",")):
        field, _, value = setting.partition("=")
        if field not in Options.__dataclass_fields__ or not value:
            raise ConfigError(
                f"cannot read {setting!r}; write FIELD=VALUE with one of "
                f"{', '.join(Options.__dataclass_fields__)}"
            )
        options = replace(options, **{field: _setting(field, value)})
    return options


def _setting(field: str, value: str) -> Any:
    if field == "scorer" and ".py:" in value.lower():
        return load_function(value, Path())
    if field == "description":
        try:
            return Path(value).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the description file {value} cannot be read: {error}") from error
    return value


def _unknown(name: str) -> str:
    meant = "" if Path(name).suffix else nearest(name.lower().replace("-", "_"), task_names())
    return f"unknown task {name!r}{meant} (w4s tasks lists them; your own is a .py, {_TABLES} file)"
