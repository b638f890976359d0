"""`w4s serve`: a workflow behind an OpenAI-compatible address, until Ctrl-C."""

from __future__ import annotations

import asyncio
import sys

from w4s.commands.serving import Opened, opened_service
from w4s.errors import ConfigError
from w4s.serving.server import Server, serve_until_stopped
from w4s.serving.settings import ServeConfig


def serve(config: ServeConfig) -> None:
    """Serve, and say at the end what was answered and what it cost."""
    asyncio.run(_serve(config))


async def _serve(config: ServeConfig) -> None:
    async with opened_service(config) as opened:
        server = Server(opened.service, opened.front)
        try:
            await serve_until_stopped(
                opened.service,
                server,
                config.host,
                config.port,
                drain_seconds=config.drain_seconds,
                started=lambda: _announce(server, opened),
                say=lambda text: print(text, file=sys.stderr, flush=True),
            )
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {config.host}:{config.port}: {error.strerror or error};"
                " choose another with --port"
            ) from None
        _conclude(opened)


def _announce(server: Server, opened: Opened) -> None:
    used = opened.used
    print(
        f"serving {used.workflow.name or used.workflow.digest} ({used.origin}) as"
        f" {opened.front.model} at {server.url} (Ctrl-C ends it; {server.address}/health counts)",
        flush=True,
    )


def _conclude(opened: Opened) -> None:
    counts, spent = opened.service.counts, opened.ledger.total
    at_worst = f" (up to ${spent.usd_unknown:.4f} more)" if spent.usd_unknown else ""
    print(
        f"{counts.answered} answered, {counts.failed} failed, {counts.refused} refused,"
        f" {counts.abandoned} abandoned; {spent.calls} model calls, ${spent.usd:.4f}{at_worst}",
        flush=True,
    )
