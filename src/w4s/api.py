"""The commands as functions, for scripts and notebooks.

In: the settings of a command, by name, as its options have them; editors and type checkers know
them from the records of `w4s.config`. Out: what the command found, as a record. What a command
does, its function does, and no more: the same run folder, the same limits, the same seal.

    import w4s

    found = w4s.run(w4s.search(task="toy_ledger", run=Path("runs/first"), turns=2))
    print(found.best.workflow.code)

The functions are asynchronous, so that a program may wait for several; `run` is for scripts that
do one thing after the other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from w4s.commands.collecting import Collection, collect_in_folder
from w4s.commands.display import logged
from w4s.commands.learning import Made, make_dataset, train_in_folder
from w4s.commands.measuring import measure_one
from w4s.commands.searching import Found, search_in_folder
from w4s.commands.sitting import run_sitting
from w4s.commands.testing import measure_sealed
from w4s.config import CollectConfig, EvaluateConfig, SearchConfig, TestConfig
from w4s.errors import BudgetExceeded
from w4s.reports.run import Tested
from w4s.settings import Record
from w4s.training.settings import DatasetConfig, TrainConfig
from w4s.types import Evaluation

if TYPE_CHECKING:
    from w4s.training.trainer import Trained

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def _settings_of(
    record: Callable[P, R],
) -> Callable[[Callable[[R], Awaitable[T]]], Callable[P, Coroutine[Any, Any, T]]]:
    """Decorate what takes a record of settings, so that it takes the settings by name."""
    assert isinstance(record, type)
    assert issubclass(record, Record)
    resolve: Callable[[dict[str, object]], Any] = record.resolve

    def decorate(work: Callable[[R], Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        @wraps(work)
        async def call(*none: P.args, **settings: P.kwargs) -> T:
            return await work(resolve(settings))

        return call

    return decorate


@_settings_of(SearchConfig)
async def search(config: SearchConfig) -> Found:
    """Search for a workflow that beats the baselines; goes on where the folder ends.

    A limit such as `max_usd` ends it in good order, and `Found.early` says so. Raises what else
    ended it: ConfigError before anything is spent, Interrupted, ProviderDown, StoreError. What
    was found until then lies in the folder, and the same call goes on from there.
    """
    found = await search_in_folder(config)
    if found.early is not None and not isinstance(found.early, BudgetExceeded):
        raise found.early
    return found


@_settings_of(EvaluateConfig)
async def evaluate(config: EvaluateConfig) -> Evaluation:
    """Measure one workflow on the validation problems of a task; the test set stays closed.

    Raises what kept it from being measured whole; the same call then goes on, and pays for
    nothing twice.
    """
    return await measure_one(config)


@_settings_of(TestConfig)
async def test(config: TestConfig) -> list[Tested]:
    """Measure the best workflow of a run, or another one, on its sealed test, once.

    A workflow that was tested before gets its recorded result. With `baselines`, the example
    workflows come first, the asked-for workflow last.
    """
    return await measure_sealed(config)


@_settings_of(CollectConfig)
async def collect(config: CollectConfig) -> Collection:
    """Play episodes on training problems, to learn from; goes on where the folder ends.

    A limit such as `max_usd` ends it in good order: fewer episodes than `Collection.planned` are
    there then. Raises what else ended it; episodes that were finished are kept.
    """
    gathered = await collect_in_folder(config)
    if gathered.early is not None and not isinstance(gathered.early, BudgetExceeded):
        raise gathered.early
    return gathered.collection


@_settings_of(DatasetConfig)
async def dataset(config: DatasetConfig) -> Made:
    """Write the weighted examples of collections into a folder, with a data card."""
    return make_dataset(config)


@_settings_of(TrainConfig)
async def train(config: TrainConfig) -> Trained:
    """Train a meta-agent on a data set, or go on with a training in its folder.

    Runs in a thread, so that the program may do other things meanwhile; needs the extra `train`.
    Steps are in `train.jsonl`, and in the logger `w4s`. Raises Interrupted after Ctrl-C, when the
    step under way has been kept.
    """
    return await train_in_folder(config)


def run(work: Coroutine[Any, Any, T], *, progress: bool = False) -> T:
    """Run one of these functions, or a coroutine of yours that awaits several, to its end.

    Ctrl-C ends a run in good order: calls under way come to their end and are kept, then
    Interrupted is raised; a second Ctrl-C stops at once, with KeyboardInterrupt. With `progress`,
    the terminal shows what the commands show; without it, lines go to the logger `w4s`.
    """
    if not progress:
        return run_sitting(work, logged)
    from rich.console import Console

    from w4s.cli.progress import Progress

    return run_sitting(work, partial(Progress, Console(stderr=True)))
