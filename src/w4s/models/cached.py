"""A wrapper that keeps every reply on disk and never asks for the same one twice.

In: any Model and the path of a sqlite file. Out: the same replies. The key holds all that makes
a call this very call: the model, the messages, every sampling parameter and the identity. Each
reply is on disk before `complete` returns it, so a killed run pays for nothing again. A reply
from disk costs nothing, and its usage says so: `cached=1`, no calls, no tokens, no dollars.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from w4s.errors import StoreError
from w4s.models.base import Choice, Model, Reply, Request
from w4s.models.database import Database
from w4s.types import Usage

_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (key BLOB PRIMARY KEY, reply TEXT NOT NULL) WITHOUT ROWID;
"""


class Cached:
    """A Model whose replies are kept.

    Equal requests under way at the same time share one call. Failures are not kept. Several
    models may share a file. `complete` raises StoreError when the file cannot be used.
    """

    def __init__(
        self, model: Model, path: Path, *, on_hit: Callable[[], None] = lambda: None
    ) -> None:
        """`on_hit` is called once for every request answered without a call."""
        self._model = model
        self._database = Database(path, _SCHEMA)
        self._on_hit = on_hit
        self._under_way: dict[bytes, asyncio.Future[Reply]] = {}

    @property
    def name(self) -> str:
        return self._model.name

    async def complete(self, request: Request) -> Reply:
        key = request_key(self.name, request)
        while (first := self._under_way.get(key)) is not None:
            await asyncio.wait((first,))  # unlike awaiting it, leaves it alone when we are stopped
            if not first.cancelled():
                reply = first.result()
                return self._hit(reply)
        stored = self._database.rows("SELECT reply FROM replies WHERE key = ?", (key,))
        if stored:
            return self._hit(self._read(stored[0][0]))
        return await self._ask(key, request)

    async def aclose(self) -> None:
        try:
            await self._model.aclose()
        finally:
            self._database.close()

    async def _ask(self, key: bytes, request: Request) -> Reply:
        under_way: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._under_way[key] = under_way
        try:
            reply = await self._model.complete(request)
            self._database.execute(
                "INSERT OR REPLACE INTO replies (key, reply) VALUES (?, ?)", (key, _write(reply))
            )
            under_way.set_result(reply)
        except asyncio.CancelledError:
            under_way.cancel()  # one of those who wait takes over
            raise
        except BaseException as error:
            under_way.set_exception(error)
            under_way.exception()  # whether anyone waits for it or not, it is dealt with
            raise
        finally:
            del self._under_way[key]
        return reply

    def _hit(self, reply: Reply) -> Reply:
        self._on_hit()
        return replace(reply, usage=_from_disk(reply.usage))

    def _read(self, text: Any) -> Reply:
        try:
            data = json.loads(text)
            paid = Usage(
                prompt_tokens=data["prompt_tokens"],
                completion_tokens=data["completion_tokens"],
                usd=data.get("usd", 0.0),
            )
            return Reply(
                tuple(Choice(text, finish, _ids(ids)) for text, finish, ids in data["choices"]),
                paid,
                _ids(data["prompt_ids"]),
            )
        except (ValueError, TypeError, KeyError) as error:
            raise StoreError(
                f"{self._database.path} holds a reply that cannot be read ({error!r});"
                " move the file away and give the same command again"
            ) from error


def request_key(model: str, request: Request) -> bytes:
    """32 bytes that name this call of this model, and no other."""
    parts = [
        model,
        [(m.role, m.content) for m in request.messages],
        request.temperature,
        request.top_p,
        request.max_tokens,
        request.n,
        request.first_choice,
        request.json_mode,
        request.identity.digest,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def _write(reply: Reply) -> str:
    return json.dumps(
        {
            "choices": [(c.text, c.finish_reason, c.token_ids) for c in reply.choices],
            "prompt_ids": reply.prompt_ids,
            "prompt_tokens": reply.usage.prompt_tokens,
            "completion_tokens": reply.usage.completion_tokens,
            "usd": reply.usage.usd,
        }
    )


def _from_disk(paid: Usage) -> Usage:
    """Of a hit: nothing is paid now, and what was paid then is told."""
    return Usage(
        cached=1, saved_tokens=paid.prompt_tokens + paid.completion_tokens, saved_usd=paid.usd
    )


def _ids(ids: list[int] | None) -> tuple[int, ...] | None:
    return None if ids is None else tuple(ids)
