"""The chat-completions protocol from the server's side: bodies in, bodies out.

In: the bytes of a request. Out: a ChatCall, or an ApiError in the protocol's own shape; and for
the sampled choices, the body of the answer. No network here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from w4s.models.base import Choice
from w4s.models.faults import Feature
from w4s.models.sampler import count_prompt_tokens, count_tokens
from w4s.types import Message

MAX_CHOICES = 128
"""The protocol's own limit of `n`."""
DEFAULT_MAX_TOKENS = 4096
ROLES = frozenset({"system", "developer", "user", "assistant"})


class ApiError(Exception):
    """A request that the API refuses, as it says so."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = error_body(message, type=type, param=param, code=code)


def error_body(
    message: str, *, type: str, param: str | None = None, code: str | None = None
) -> bytes:
    """An error as the API words it."""
    error = {"message": message, "type": type, "param": param, "code": code}
    return json.dumps({"error": error}).encode()


@dataclass(frozen=True, slots=True)
class ChatCall:
    """One well-formed request."""

    model: str
    messages: tuple[Message, ...]
    """A developer message counts as a system message."""
    n: int
    seed: int | None
    temperature: float
    top_p: float
    max_tokens: int
    json_mode: bool


def read_call(raw: bytes, *, rejected: frozenset[Feature] = frozenset()) -> ChatCall:
    """Read and check one request body; raises ApiError."""
    body = read_object(raw)
    if body.get("stream"):
        raise ApiError(
            "This server does not stream; send 'stream': false.",
            param="stream",
            code="unsupported_value",
        )
    _refuse(body, rejected)
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise ApiError("'model' must be a non-empty string.", param="model")
    newer = "max_completion_tokens"
    limit = newer if body.get(newer) is not None else "max_tokens"
    return ChatCall(
        model=model,
        messages=read_messages(body),
        n=read_whole(body, "n", 1, low=1, high=MAX_CHOICES),
        seed=None if body.get("seed") is None else read_whole(body, "seed", 0),
        temperature=_number(body, "temperature", 1.0, low=0.0, high=2.0),
        top_p=_number(body, "top_p", 1.0, low=0.0, high=1.0),
        max_tokens=read_whole(body, limit, DEFAULT_MAX_TOKENS, low=1),
        json_mode=_json_mode(body.get("response_format")),
    )


def answer_body(number: int, call: ChatCall, choices: Sequence[Choice]) -> dict[str, Any]:
    """The answer of the API to one call."""
    prompt_tokens = count_prompt_tokens(call.messages)
    completion_tokens = sum(count_tokens(choice.text) for choice in choices)
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 0,
        "model": call.model,
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", "content": choice.text, "refusal": None},
                "logprobs": None,
                "finish_reason": choice.finish_reason,
            }
            for index, choice in enumerate(choices)
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def _refuse(body: Mapping[str, Any], rejected: frozenset[Feature]) -> None:
    for feature in sorted(rejected):
        parameter = _used(body, feature)
        if parameter is not None:
            raise ApiError(
                f"Unsupported parameter: '{parameter}' is not supported with this model"
                f" ({feature.value}).",
                param=parameter,
                code="unsupported_parameter",
            )


def _used(body: Mapping[str, Any], feature: Feature) -> str | None:
    """Name of the parameter through which a request uses a feature, None when it does not."""
    match feature:
        case Feature.N:
            used = body.get("n") not in (None, 1)
        case Feature.TEMPERATURE | Feature.TOP_P:
            used = body.get(feature.value) not in (None, 1)
        case Feature.JSON_MODE:
            return "response_format" if body.get("response_format") is not None else None
        case Feature.SYSTEM_ROLE | Feature.DEVELOPER_ROLE:
            role = feature.value.removesuffix("_role")
            messages = body.get("messages")
            roles = [m.get("role") for m in messages or () if isinstance(m, dict)]
            return "messages" if role in roles else None
        case _:
            used = body.get(feature.value) is not None
    return feature.value if used else None


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in a request's body; raises ApiError."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ApiError(f"The body is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise ApiError("The body must be a JSON object.")
    return body


def read_messages(body: Mapping[str, Any]) -> tuple[Message, ...]:
    """The conversation of a request; raises ApiError."""
    raw = body.get("messages")
    if not isinstance(raw, list) or not raw:
        raise ApiError("'messages' must be a non-empty list.", param="messages")
    return tuple(_message(index, item) for index, item in enumerate(raw))


def _message(index: int, raw: Any) -> Message:
    where = f"messages[{index}]"
    if not isinstance(raw, dict):
        raise ApiError(f"'{where}' must be an object.", param=where)
    role = raw.get("role")
    if role not in ROLES:
        raise ApiError(
            f"'{where}.role' must be one of {', '.join(sorted(ROLES))}.", param=f"{where}.role"
        )
    return Message("system" if role == "developer" else role, _text(where, raw.get("content")))


def _text(where: str, raw: Any) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, list) and all(
        isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
        for part in raw
    ):
        return "".join(part["text"] for part in raw)
    raise ApiError(
        f"'{where}.content' must be a string or a list of text parts.", param=f"{where}.content"
    )


def read_whole(
    body: Mapping[str, Any],
    name: str,
    default: int,
    low: int | None = None,
    high: int | None = None,
) -> int:
    """A whole number in a request; raises ApiError."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise ApiError(f"'{name}' must be an integer.", param=name)
    _check_range(name, value, low, high)
    return value


def _number(body: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ApiError(f"'{name}' must be a number.", param=name)
    _check_range(name, value, low, high)
    return float(value)


def _check_range(name: str, value: float, low: float | None, high: float | None) -> None:
    # Written so that NaN, which Python's JSON reader lets through, is refused too.
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        raise ApiError(f"'{name}' must lie between {low} and {high}.", param=name)


def _json_mode(raw: Any) -> bool:
    if raw is None:
        return False
    kind = raw.get("type") if isinstance(raw, dict) else None
    if kind not in ("text", "json_object"):
        raise ApiError(
            "'response_format.type' must be 'text' or 'json_object'.", param="response_format"
        )
    return bool(kind == "json_object")
