"""All looks, one after another.

In: the settings. Out: Findings, as they come. Nothing is spent unless an endpoint is named.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from w4s.config import DoctorConfig
from w4s.doctor.endpoints import Asked, check_model
from w4s.doctor.finding import Finding
from w4s.doctor.machine import check_machine
from w4s.doctor.supplies import check_data, check_gpu, check_packages
from w4s.doctor.walls import check_walls


async def visit(
    config: DoctorConfig, folder: Path, environ: Mapping[str, str]
) -> AsyncIterator[Finding]:
    """Look at everything. ConfigError for a model spec that is none, before anything is sent."""
    for finding in check_machine(folder):
        yield finding
    for finding in await check_walls():
        yield finding
    for asked in asked_for(config):
        for finding in await check_model(asked, environ):
            yield finding
    for finding in (*check_data(), *check_packages(), *check_gpu()):
        yield finding


def asked_for(config: DoctorConfig) -> list[Asked]:
    """The models that were named."""
    named = (
        ("executor", config.executor, config.executor_key_env),
        ("meta-agent", config.meta_agent, config.key_env),
    )
    return [Asked(room, text, key_env) for room, text, key_env in named if text is not None]
