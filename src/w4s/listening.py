"""A web application at an address, for as long as a block lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Listening:
    """Where an application is reached."""

    address: str
    """Scheme, host and port."""
    site: web.TCPSite
    """Stopped, it takes no new connections."""


@asynccontextmanager
async def listening(
    application: web.Application,
    host: str,
    port: int,
    *,
    shutdown_seconds: float = 0.5,
    cancel_abandoned: bool = True,
) -> AsyncIterator[Listening]:
    """Listen inside the block; port 0 takes any free one. Raises OSError when it is taken.

    `cancel_abandoned`: a request whose client has gone away is worked on no longer.
    """
    runner = web.AppRunner(
        application,
        access_log=None,
        handler_cancellation=cancel_abandoned,
        shutdown_timeout=shutdown_seconds,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=4096)
        await site.start()
        in_url = f"[{host}]" if ":" in host else host
        yield Listening(f"http://{in_url}:{runner.addresses[0][1]}", site)
    finally:
        await runner.cleanup()
