"""Read the body of a chat-completions answer.

In: its text and the request. Out: a Reply. ValueError says that the body is cut or malformed;
nothing is made up in place of what is missing, except tokens where a server counts none.
"""

from __future__ import annotations

import json
from typing import Any, TypeGuard

from w4s.models.base import Choice, Reply, Request
from w4s.models.sampler import count_prompt_tokens, count_tokens
from w4s.types import Usage


class ErrorInstead(Exception):
    """A status of 200 with an error in the body, as routers send it."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def read_reply(text: str, request: Request) -> Reply:
    """The reply, with at least one choice and at most `Request.n`.

    Raises ValueError for a body that is no answer, ErrorInstead for one that holds an error.
    """
    data = _object(text)
    raw = data.get("choices")
    if not isinstance(raw, list) or not raw:
        if isinstance(data.get("error"), dict):
            raise ErrorInstead(_status(data["error"]), text)
        raise ValueError("it has no choices")
    in_order = sorted((_dict(choice, "choice") for choice in raw), key=_index)
    choices = tuple(_choice(choice) for choice in in_order[: request.n])
    return Reply(choices, _usage(data, request, choices), _ids(data.get("prompt_token_ids")))


def _object(text: str) -> dict[str, Any]:
    try:
        return _dict(json.loads(text), "body")
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _choice(raw: dict[str, Any]) -> Choice:
    finish = raw.get("finish_reason") or "stop"
    if finish == "error":
        raise ValueError("a choice ended in an error")
    message = _dict(raw.get("message"), "message")
    content = message.get("content")
    if content is None:
        content = message.get("refusal") or ""
        if not content and finish == "stop":
            # A model that was not stopped and yet said nothing: something got lost on the way.
            raise ValueError("a choice has no content")
    if isinstance(content, list):
        content = "".join(str(_dict(part, "part").get("text", "")) for part in content)
    if not isinstance(content, str):
        raise ValueError("a choice's content is no text")
    reason = finish if finish in ("length", "content_filter") else "stop"
    return Choice(_encodable(content), reason, _ids(raw.get("token_ids")))


def _usage(data: dict[str, Any], request: Request, choices: tuple[Choice, ...]) -> Usage:
    raw = data.get("usage")
    if isinstance(raw, dict):
        prompt, completion = raw.get("prompt_tokens"), raw.get("completion_tokens")
        if _is_count(prompt) and _is_count(completion):
            return Usage(calls=1, prompt_tokens=prompt, completion_tokens=completion)
    return Usage(
        calls=1,
        prompt_tokens=count_prompt_tokens(request.messages),
        completion_tokens=sum(count_tokens(c.text) for c in choices),
    )


def _is_count(value: Any) -> TypeGuard[int]:
    """A number of tokens that one may believe, and the ledger can hold."""
    return isinstance(value, int) and 0 <= value < 10**12


def _status(error: dict[str, Any]) -> int:
    code = error.get("code")
    return code if isinstance(code, int) and 400 <= code < 600 else 500


def _index(choice: dict[str, Any]) -> int:
    index = choice.get("index")
    return index if isinstance(index, int) else 0


def _dict(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"its {what} is no JSON object")
    return value


def _ids(value: Any) -> tuple[int, ...] | None:
    if isinstance(value, list) and all(isinstance(i, int) for i in value):
        return tuple(value)
    return None


def _encodable(text: str) -> str:
    """Without the half characters that JSON can carry and UTF-8 cannot."""
    return text if text.isascii() else text.encode(errors="replace").decode()
