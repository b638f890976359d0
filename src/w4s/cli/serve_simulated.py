"""`w4s serve-simulated`: the simulated executor behind an OpenAI-compatible address.

In: tasks whose answers it is to know, how slow and how faulty it shall be. Out: a server, until
Ctrl-C. Its replies are those of the executor `simulated` in process, request by request.
"""

from __future__ import annotations

import asyncio
import os

from w4s.commands.testing import every_problem
from w4s.config import ServeSimulatedConfig
from w4s.errors import ConfigError
from w4s.models.answer_book import AnswerBook, AnswerKey
from w4s.models.faults import Faults, Feature, Latency
from w4s.models.simulated import SimulatedExecutor
from w4s.models.simulated_server import SimulatedServer, serve_forever
from w4s.settings import nearest
from w4s.tasks.base import Sizes
from w4s.tasks.registry import load_task
from w4s.tasks.toy import toy_families


def serve(config: ServeSimulatedConfig) -> None:
    """Serve until Ctrl-C, then say what was asked."""
    names = config.tasks or toy_families()
    book = AnswerBook([key for name in names for key in _keys(name, config)])
    sampler = (
        SimulatedExecutor(book, profile=config.profile)
        if config.profile
        else SimulatedExecutor(book)
    )
    try:
        server = asyncio.run(
            serve_forever(
                sampler,
                host=config.host,
                port=config.port,
                latency=Latency(config.latency_ms, config.ms_per_token),
                faults=_faults(config),
                reject=_features(config.lacks),
                api_key=_key(config.key_env),
                started=_announce,
            )
        )
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {config.host}:{config.port}: {error.strerror or error};"
            " choose another with --port"
        ) from None
    stats = server.stats()
    print(f"{stats['calls']} requests, {stats['answered']} answered", flush=True)


def _announce(server: SimulatedServer) -> None:
    print(f"serving at {server.url} (Ctrl-C ends it; {server.address}/stats counts)", flush=True)


def _keys(name: str, config: ServeSimulatedConfig) -> list[AnswerKey]:
    sizes = Sizes(private=config.private, public=config.public, test=config.test)
    task = load_task(name, sizes=sizes, split=config.split)
    keys = (task.answer_keys(problem) for problem in every_problem(task))
    return [key for key in keys if key is not None]


def _faults(config: ServeSimulatedConfig) -> Faults:
    try:
        return Faults(
            overloaded=config.rate_429,
            server_error=config.rate_500,
            dropped=config.rate_dropped,
            cut_body=config.rate_cut,
            malformed=config.rate_malformed,
            retry_after_seconds=config.retry_after,
            seed=config.fault_seed,
        )
    except ValueError as error:
        raise ConfigError(f"{error}: lower one of the --rate-… options") from None


def _key(variable: str | None) -> str | None:
    """What clients must send; None where they need nothing."""
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ConfigError(f"the environment variable {variable} holds no key")
    return key


def _features(names: tuple[str, ...]) -> frozenset[Feature]:
    known = [feature.value for feature in Feature]
    for name in names:
        if name not in known:
            raise ConfigError(
                f"unknown feature {name!r}{nearest(name, known)} (features: {', '.join(known)})"
            )
    return frozenset(Feature(name) for name in names)
