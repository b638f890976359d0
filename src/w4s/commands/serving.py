"""What `w4s serve` opens: the workflow, its model with a budget, the sandbox, the service.

In: the settings. Out: a Service and how it shows itself. Whatever is wrong with the settings shows
here, before anything listens. Replies are not kept: they hold what users ask.
"""

from __future__ import annotations

import ipaddress
import math
import os
import random
import re
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from w4s.answering import wants_entry_point
from w4s.commands.testing import every_problem
from w4s.commands.using import InUse, put_to_use
from w4s.commands.workbench import answer_book, task_of
from w4s.config import Limits, SearchConfig
from w4s.errors import ConfigError
from w4s.executor import Allowance, Executor
from w4s.models.answer_book import AnswerBook
from w4s.models.base import Model
from w4s.models.choices import AllChoices
from w4s.models.metering.budget import Budget
from w4s.models.metering.ledger import Ledger
from w4s.models.metering.metered import Metered
from w4s.models.metering.prices import Price
from w4s.models.specs import Kind, Spec, check_priced, open_model, read_spec, spec_price
from w4s.reports.run import Role
from w4s.sandbox import open_sandbox
from w4s.sandbox.base import Limits as SandboxLimits
from w4s.serving.purse import Renewed
from w4s.serving.server import Front
from w4s.serving.service import Capacity, Service
from w4s.serving.settings import ServeConfig

MORE_CHILDREN = 16
"""Places in the sandbox beyond the requests worked on, for what has just ended."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A service that is ready to listen."""

    service: Service
    front: Front
    used: InUse
    ledger: Ledger


@asynccontextmanager
async def opened_service(
    config: ServeConfig, environ: Mapping[str, str] = os.environ
) -> AsyncIterator[Opened]:
    """Raises ConfigError for whatever cannot work."""
    used = put_to_use(config)
    front = Front(
        model=config.name or _name(config.workflow),
        reading=config.question,
        writes_code=wants_entry_point(used.workflow),
        key=_client_key(config, environ),
    )
    spec = read_spec(used.settings.executor)
    check_priced(config.prices, [spec])
    needed = config.max_usd is not None or config.request_usd is not None
    price = spec_price(spec, {**used.settings.prices, **config.prices}, needed=needed)
    book = _book(config, used) if spec.kind is Kind.SIMULATED else None
    model = open_model(
        spec, environ=environ, answer_book=book, key_env=used.settings.executor_key_env
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(model.aclose)
        account = config.account or Path(stack.enter_context(_folder())) / "calls.sqlite"
        ledger = stack.enter_context(closing(Ledger(account)))
        budget = Budget(Limits(max_usd=config.max_usd), ledger)
        sandbox = await open_sandbox(
            config.sandbox or used.settings.sandbox,
            used.settings.sandbox_profile,
            resources.files("w4s").joinpath("agent.py").read_text("utf-8"),
            concurrency=config.concurrency + MORE_CHILDREN,
        )
        stack.push_async_callback(sandbox.aclose)
        settings = used.settings
        executor = Executor(
            Renewed(lambda: _metered(model, spec, budget, price)),
            sandbox,
            settings.seed,
            Allowance(requests=settings.solver_calls, max_tokens=settings.executor_tokens),
        )
        service = Service(used.workflow, executor, _limits(settings), _capacity(config), price)
        yield Opened(service, front, used, ledger)


def _metered(model: Model, spec: Spec, budget: Budget, price: Price) -> Model:
    rng = random.Random(0)  # spreads the waits, nothing else
    metered = Metered(model, role=Role.EXECUTOR.value, budget=budget, price=price, rng=rng)
    return AllChoices(metered) if spec.remote else metered


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="w4s-serve-")


def _limits(settings: SearchConfig) -> SandboxLimits:
    seconds = settings.solver_seconds
    return SandboxLimits(seconds=seconds, cpu_seconds=math.ceil(seconds))


def _capacity(config: ServeConfig) -> Capacity:
    return Capacity(config.concurrency, config.queue, config.request_seconds, config.request_usd)


def _name(workflow: str) -> str:
    """A model's name out of a path: `runs/gsm_hard` is `w4s-gsm_hard`."""
    stem = Path(workflow).resolve().name.removesuffix(".py")
    return "w4s-" + (re.sub(r"[^\w.-]+", "-", stem) or "workflow")


def _client_key(config: ServeConfig, environ: Mapping[str, str]) -> str | None:
    if config.client_key_env is not None:
        key = environ.get(config.client_key_env, "").strip()
        if not key:
            raise ConfigError(
                f"the environment variable {config.client_key_env} is empty; clients' keys are"
                " compared with it"
            )
        return key
    if not _is_loopback(config.host) and not config.without_key:
        raise ConfigError(
            f"{config.host} can be reached from other machines: name the variable with a key for"
            " clients (--client-key-env NAME), or type --without-key"
        )
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _book(config: ServeConfig, used: InUse) -> AnswerBook:
    """What the simulated executor needs to know."""
    if config.task is None and not used.has_run:
        raise ConfigError("the simulated executor answers for a task: name it with --task")
    settings = used.settings
    if config.task is not None:
        settings = SearchConfig(task=config.task, run=settings.run)
    task = task_of(settings)
    return answer_book(task, every_problem(task))
