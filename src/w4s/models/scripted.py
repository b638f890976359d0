"""A model that says what it was told to: replies from a list, a file or a function.

In: the replies. Out: a Model. It is for tests, demonstrations and replayed sessions. A list is
given out in the order of the calls, so only a caller that asks one thing after another gets the
same replies every time; a function of the request is free of that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from w4s.errors import ConfigError, Rejected
from w4s.models.base import Choice, Reply, Request
from w4s.models.sampler import count_prompt_tokens, count_tokens
from w4s.types import Usage


class Scripted:
    """Replies from a list, one for each response asked for, or from a function.

    The function is called once for each response, with a request for that one alone. At the end
    of a list `complete` raises Rejected.
    """

    def __init__(
        self, replies: Sequence[str] | Callable[[Request], str], *, name: str = "scripted"
    ) -> None:
        self._name = name
        self._replies = replies
        self._given = 0

    @property
    def name(self) -> str:
        return self._name

    async def complete(self, request: Request) -> Reply:
        texts = [
            self._next(replace(request, n=1, first_choice=request.first_choice + k))
            for k in range(request.n)
        ]
        usage = Usage(
            calls=1,
            prompt_tokens=count_prompt_tokens(request.messages),
            completion_tokens=sum(count_tokens(text) for text in texts),
        )
        return Reply(tuple(Choice(text) for text in texts), usage)

    async def aclose(self) -> None:
        """Nothing is held."""

    def _next(self, request: Request) -> str:
        if callable(self._replies):
            return self._replies(request)
        if self._given == len(self._replies):
            raise Rejected(f"{self._name} has {self._given} replies, and all have been given")
        self._given += 1
        return self._replies[self._given - 1]


def read_script(path: Path) -> list[str]:
    """The replies in a file: one JSON list of strings, or one JSON string a line.

    Raises ConfigError that names the file and the line.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the script {path}: {error}") from error
    replies = _read_list(path, text) if text.lstrip().startswith("[") else _read_lines(path, text)
    if not replies:
        raise ConfigError(f"{path} holds no replies")
    return replies


def _read_list(path: Path, text: str) -> list[str]:
    try:
        replies = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{path} is no JSON: {error}") from error
    for number, reply in enumerate(replies, 1):
        if not isinstance(reply, str):
            raise ConfigError(f"{path}: reply {number} is not a string")
    return list(replies)


def _read_lines(path: Path, text: str) -> list[str]:
    replies = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            reply = json.loads(line)
        except ValueError as error:
            raise ConfigError(f"{path}, line {number}: no JSON string: {error}") from error
        if not isinstance(reply, str):
            raise ConfigError(f"{path}, line {number}: not a JSON string")
        replies.append(reply)
    return replies
