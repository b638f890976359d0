"""What the server says: answers, whole or in chunks, in the protocol's own shapes.

In: an Answer. Out: JSON for the body, or server-sent events. No network here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from w4s.serving.service import Answer
from w4s.types import Usage

CHUNK_CHARACTERS = 400
"""Length of a piece of a streamed answer. The answer is complete before its first piece goes out,
so small pieces would only cost time."""
STILL_WORKING = b": the workflow is at work\n\n"
"""A comment in the stream, so that nobody on the way takes the line for dead."""
END_OF_STREAM = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Heading:
    """What all bodies of one answer begin with."""

    id: str
    model: str
    created: int
    """Seconds since 1970."""


def completion(heading: Heading, answer: Answer) -> dict[str, Any]:
    """The whole answer."""
    message = {"role": "assistant", "content": answer.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        **_begin(heading, "chat.completion"),
        "choices": [choice],
        "usage": usage_body(answer.usage),
    }


def events(heading: Heading, answer: Answer, *, include_usage: bool) -> Iterator[bytes]:
    """The answer as server-sent events, `[DONE]` included."""
    begin = _begin(heading, "chat.completion.chunk")
    text = answer.text
    pieces = [text[i : i + CHUNK_CHARACTERS] for i in range(0, len(text), CHUNK_CHARACTERS)]
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "content": ""},
        *({"content": piece} for piece in pieces),
    ]
    for delta in deltas:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        yield event({**begin, "choices": [choice]})
    last = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    yield event({**begin, "choices": [last]})
    if include_usage:
        yield event({**begin, "choices": [], "usage": usage_body(answer.usage)})
    yield END_OF_STREAM


def event(body: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def usage_body(usage: Usage) -> dict[str, Any]:
    """Tokens over all inner calls; `calls` and `usd` are our addition to the protocol."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "calls": usage.calls,
        "usd": usage.usd,
    }


def _begin(heading: Heading, kind: str) -> dict[str, Any]:
    return {
        "id": heading.id,
        "object": kind,
        "created": heading.created,
        "model": heading.model,
        "system_fingerprint": None,
    }
