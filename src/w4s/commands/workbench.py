"""Everything a search, a test or a collection works with, opened together and closed together.

In: the settings and the task. Out: a Workbench: the run folder, the models with their budget and
cache, the sandbox, the evaluator, the display. Whatever is wrong with the settings shows here,
before the folder is touched and before anything is spent.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import resources
from importlib.metadata import version
from pathlib import Path

from w4s.commands.display import Display
from w4s.commands.sitting import current_sitting
from w4s.commands.stopping import Stop, StoppableBudget
from w4s.config import Limits, SearchConfig, Setup
from w4s.errors import ConfigError
from w4s.evaluation import Evaluator, Observer
from w4s.executor import Allowance, Executor
from w4s.meta_agent import Form, MetaAgent
from w4s.models.answer_book import AnswerBook, AnswerKey
from w4s.models.base import Model
from w4s.models.checkpoints import weights_digest
from w4s.models.metering.budget import Budget
from w4s.models.metering.ledger import Ledger
from w4s.models.metering.prices import Price
from w4s.models.specs import (
    Kind,
    Spec,
    open_model,
    quote,
    read_spec,
    spec_price,
    wrap_model,
)
from w4s.reports.run import CANARIES, PRICES, SPENT, PriceUsed, Role, Spent
from w4s.runner import Runner
from w4s.sandbox import open_sandbox
from w4s.sandbox.base import Limits as SandboxLimits
from w4s.store import Journal, RunFolder
from w4s.tasks.base import Brief, Sizes, Task
from w4s.tasks.registry import load_task
from w4s.tracking.feed import Feed
from w4s.types import JSON, Problem, Workflow

REPLIES = "replies.sqlite"
"""The cache of both models, for search and tests."""


@dataclass(frozen=True, slots=True)
class Workbench:
    """What a command works with."""

    task: Task
    """The task, or the first of several."""
    folder: RunFolder
    evaluator: Evaluator
    models: dict[Role, Model]
    account: Account
    display: Display
    stop: Stop
    feed: Feed

    def evaluator_of(self, task: Task, observer: Observer) -> Evaluator:
        """One for another task, with the same models, sandbox and limits."""
        runner = replace(self.evaluator.runner, scorer=task.scorer)
        return self.evaluator.beside(runner, observer)


class Account:
    """Keeps what each stretch of work took, in the run folder."""

    def __init__(self, ledger: Ledger, journal: Journal[Spent]) -> None:
        self._ledger = ledger
        self._journal = journal
        self._start = time.monotonic()

    def keep(self, stretch: str) -> None:
        """A stretch ends here, and the next one begins."""
        now = time.monotonic()
        ledger = self._ledger
        self._journal.append(Spent(stretch, now - self._start, dict(ledger.totals), ledger.seconds))
        self._start = now


@dataclass(frozen=True, slots=True)
class Opened:
    """A model that has been opened, and what it takes to wrap it."""

    spec: Spec
    model: Model
    price: Price


def task_of(config: SearchConfig) -> Task:
    """The task of a run, with its sizes and split."""
    sizes = Sizes(private=config.private, public=config.public, test=config.test)
    return load_task(config.task, sizes=sizes, split=config.split)


def open_models(
    config: Setup,
    limits: Limits,
    roles: Sequence[Role],
    book: Callable[[], AnswerBook],
    *,
    token_ids: bool = False,
) -> dict[Role, Opened]:
    """Read the specs, find keys and prices. ConfigError for whatever is missing. `book` is asked
    for if a model is simulated. With `token_ids` the meta-agent's server is asked for them, to
    train on what was really sampled."""
    named = {
        Role.EXECUTOR: (config.executor, limits.executor_key_env, "--executor-key-env"),
        Role.META_AGENT: (config.meta_agent, limits.key_env, "--key-env"),
    }
    opened = {}
    for role in roles:
        text, key_env, key_flag = named[role]
        spec = read_spec(text)
        price = spec_price(spec, config.prices, needed=limits.max_usd is not None)
        model = open_model(
            spec,
            environ=os.environ,
            answer_book=book() if spec.kind is Kind.SIMULATED else None,
            key_env=key_env,
            key_flag=key_flag,
            token_ids=token_ids and role is Role.META_AGENT,
        )
        opened[role] = Opened(spec, model, price)
    return opened


def form_of(config: Setup) -> Form:
    """How the meta-agent of these settings is shown a state."""
    return Form.COMPACT if read_spec(config.meta_agent).kind is Kind.SMALL else Form.FULL


def meta_agent_of(config: Setup, model: Model, brief: Brief, seed: int) -> MetaAgent:
    """The meta-agent of these settings, at its task."""
    return MetaAgent(
        model,
        brief,
        seed,
        config.temperature,
        max_tokens=config.reply_tokens,
        form=form_of(config),
    )


def answer_book(task: Task, problems: Sequence[Problem]) -> AnswerBook:
    """What a simulated executor needs to know of these problems."""
    return AnswerBook(answer_keys(task, problems))


def answer_keys(task: Task, problems: Sequence[Problem]) -> list[AnswerKey]:
    """The same, one by one."""
    keys = (task.answer_keys(problem) for problem in problems)
    return [key for key in keys if key is not None]


@asynccontextmanager
async def open_workbench(
    config: Setup,
    limits: Limits,
    task: Task,
    models: dict[Role, Opened],
    folder: RunFolder,
    *,
    facts: Mapping[str, JSON],
    account: str,
    problems: int,
    track: Sequence[str] = (),
) -> AsyncIterator[Workbench]:
    """Open all that stands around a session; `account` names the file of its ledger.

    `facts` bind the folder together with the settings (`RunFolder.settle`), once the walls stand:
    a machine that cannot hold them leaves no folder behind that insists on them. `problems` is how
    many one measurement has, for what is shown of it, and `track` where its numbers go besides."""
    sitting = current_sitting()
    stop = sitting.stop
    async with AsyncExitStack() as stack:
        prelude = resources.files("w4s").joinpath("agent.py").read_text("utf-8")
        sandbox = await open_sandbox(
            config.sandbox, config.sandbox_profile, prelude, config.isolation
        )
        stack.push_async_callback(sandbox.aclose)
        folder.settle(config, facts)
        ledger = stack.enter_context(closing(Ledger(folder.path / account)))
        budget = StoppableBudget(limits, ledger, stop)
        wrapped = {
            role: _wrapped(folder, role, o, budget, config.seed) for role, o in models.items()
        }
        for model in wrapped.values():
            stack.push_async_callback(model.aclose)
        _keep_prices(folder, config, models)
        folder.write(CANARIES, json.dumps(sandbox.canaries(), indent=2) + "\n")
        spent = stack.enter_context(closing(folder.journal(SPENT, Spent)))
        # Before the display, whose clock tells the pace: some trackers take seconds to open.
        feed = Feed(track, folder.path, config.settings(), lambda line: display.say(line))
        stack.enter_context(closing(feed))
        display = stack.enter_context(sitting.show(lambda: ledger.total, problems))
        stack.enter_context(stop.heeded(display.say))
        executor = Executor(wrapped[Role.EXECUTOR], sandbox, config.seed, _allowance(config))
        runner = Runner(executor, task.scorer, _solver_limits(config))
        yield Workbench(
            task,
            folder,
            Evaluator(runner, config.unscored_limit, limits.concurrency, display),
            wrapped,
            Account(ledger, spent),
            display,
            stop,
            feed,
        )


def facts_of(
    task: Task, examples: Sequence[Workflow], weights: Mapping[str, JSON]
) -> dict[str, JSON]:
    """What the settings led to; a run goes on only where they lead to the same. `weights` are
    those of `weights_of`."""
    return {
        "w4s": version("w4s"),
        "private": len(task.search.private),
        "public": len(task.search.public),
        "test": task.sealed.size,
        "problems": problems_digest((*task.search.private, *task.search.public)),
        "variant": json.dumps(task.variant, sort_keys=True),
        "examples": ", ".join(f"{w.name} {w.digest}" for w in examples),
        **weights,
    }


def weights_of(config: Setup, recorded: Mapping[str, JSON] | None = None) -> dict[str, JSON]:
    """Facts too: the identity of each checkpoint among the models, since one that was trained again
    under its old name is another model. ConfigError for one that is not there; but where only
    results are looked at, what the `recorded` facts of the run say of it stands."""
    named = {"weights": config.meta_agent, "executor_weights": config.executor}
    digests = {fact: _weights(model, (recorded or {}).get(fact)) for fact, model in named.items()}
    return {fact: digest for fact, digest in digests.items() if digest is not None}


def problems_digest(problems: Sequence[Problem]) -> str:
    """Identity of a set of problems with their gold answers, 16 hexadecimal digits."""
    parts = [[p.id, p.question, p.target, p.entry_point, p.public_tests] for p in problems]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _weights(model: str, recorded: JSON) -> JSON:
    """None of a model that is no checkpoint."""
    try:
        checkpoint = read_spec(model).checkpoint
    except ConfigError:
        if recorded is None:
            raise
        return recorded
    if checkpoint is None:
        return None
    # A folder that went with all around it looks like a name on the hub.
    gone = not Path(checkpoint).is_dir()
    return recorded if gone and recorded is not None else weights_digest(checkpoint)


def _wrapped(folder: RunFolder, role: Role, opened: Opened, budget: Budget, seed: int) -> Model:
    return wrap_model(
        opened.model,
        opened.spec,
        role=role.value,
        budget=budget,
        price=opened.price,
        rng=random.Random(f"{role} {seed}"),
        replies=folder.path / REPLIES,
    )


def _keep_prices(folder: RunFolder, config: Setup, models: dict[Role, Opened]) -> None:
    """Write down what tokens cost now, where that is news."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    named = {Role.EXECUTOR: config.executor, Role.META_AGENT: config.meta_agent}
    with closing(folder.journal(PRICES, PriceUsed)) as journal:
        last = {kept.role: replace(kept, since=now) for kept in journal.records()}
        for role, opened in models.items():
            known = quote(opened.spec, config.prices)
            price = known.price
            used = PriceUsed(
                role,
                named[role],
                price.prompt if price else None,
                price.completion if price else None,
                known.source,
                now,
            )
            if last.get(role) != used:
                journal.append(used)


def _allowance(config: Setup) -> Allowance:
    return Allowance(requests=config.solver_calls, max_tokens=config.executor_tokens)


def _solver_limits(config: Setup) -> SandboxLimits:
    return SandboxLimits(
        seconds=config.solver_seconds, cpu_seconds=math.ceil(config.solver_seconds)
    )
