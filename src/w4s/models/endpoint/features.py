"""What a server can do, learned from what it refuses.

In: a Request and what is known of the server; later, where it refuses, its words. Out: the body
to send, and the same knowledge less the refused feature. Servers word refusals in many ways; a
refusal counts when it names something that the body really contained, so that every lesson
takes something away and learning comes to an end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

from w4s.models.base import Request
from w4s.types import Message

OPENAI_HOST = "api.openai.com"


class SystemRole(StrEnum):
    """How a server wants instructions."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    """It knows neither: they open the user's message."""


_ROLES = tuple(SystemRole)
"""In the order in which they are tried."""


@dataclass(frozen=True, slots=True)
class Features:
    """What may be sent to a server."""

    n: bool = True
    json_mode: bool = True
    seed: bool = True
    temperature: bool = True
    """Reasoning models refuse it."""
    top_p: bool = True
    token_ids: bool = False
    """Ask for the tokens' ids, which vLLM tells."""
    length_limits: tuple[str, ...] = ("max_tokens", "max_completion_tokens")
    """Names of the limit on a response's tokens that it may know; the first is sent."""
    system_role: SystemRole = SystemRole.SYSTEM


def features_of(host: str) -> Features:
    """What is assumed of a server before it has said anything: the best."""
    if host == OPENAI_HOST:
        # Elsewhere the old name first: a server that silently ignores the limit costs money.
        return Features(length_limits=("max_completion_tokens", "max_tokens"))
    return Features()


def body(model: str, request: Request, features: Features) -> dict[str, Any]:
    """The JSON of a chat-completions request.

    Temperature and top_p are always said: what a server takes by default differs.
    """
    sent: dict[str, Any] = {
        "model": model,
        "messages": _messages(request.messages, features.system_role),
    }
    if features.temperature:
        sent["temperature"] = request.temperature
    if features.top_p:
        sent["top_p"] = request.top_p
    if features.length_limits:
        sent[features.length_limits[0]] = request.max_tokens
    if features.seed:
        sent["seed"] = request.seed
    if features.n and request.n > 1:
        sent["n"] = request.n
    if features.json_mode and request.json_mode and _says_json(request.messages):
        sent["response_format"] = {"type": "json_object"}
    if features.token_ids:
        sent["return_token_ids"] = True
    return sent


def lesson(
    features: Features, sent: Mapping[str, Any], refusal: str, param: str
) -> Features | None:
    """What is left after the server refused a body; None when it refused no feature.

    `refusal` is its message, `param` the parameter it blames, if it says one.
    """
    text = refusal.lower()
    if _TOO_LONG.search(text):
        return None  # it names the limit, and would name any other
    unsupported = bool(_UNSUPPORTED.search(text))
    for name, pattern in _NAMES.items():
        blamed = param == name
        if name not in sent or not (blamed or pattern.search(text)):
            continue
        # To blame one of these is enough: our values for them are always legal.
        if unsupported or (blamed and name in _ALWAYS_LEGAL):
            return _without(features, name)
    if unsupported and (_ROLE.search(text) or param.startswith("messages")):
        return _next_role(features, sent)
    return None


_UNSUPPORTED = re.compile(
    r"unsupported|support|unrecogni[sz]ed|unknown|unexpected|not (?:permitted|allowed|available"
    r"|implemented|enabled|a valid)|extra (?:fields|inputs)|cannot both|deprecated|only (?:1|one)"
    r"|must be (?:1\b|one\b|at most 1\b|less than or equal to 1\b)|invalid (?:parameter|role)"
)
_TOO_LONG = re.compile(
    r"context (?:length|window|size)|maximum context|too (?:large|long|many tokens)"
    r"|reduce (?:the|your) (?:length|prompt|input)|supports at most \d|exceeds? the"
)
_ROLE = re.compile(r"(?:system|developer).{0,30}role|role.{0,60}(?:system|developer)")
_NAMES = {
    "response_format": re.compile(r"response_format|json[_ ](?:object|mode)"),
    "return_token_ids": re.compile(r"return_token_ids"),
    "top_p": re.compile(r"top_p"),  # before temperature: some take either, but not both
    "temperature": re.compile(r"temperature"),
    "seed": re.compile(r"\bseed\b"),
    # The parameter that a message recommends stands in it too; only the one sent is refused.
    "max_tokens": re.compile(r"\bmax_tokens\b"),
    "max_completion_tokens": re.compile(r"\bmax_completion_tokens\b"),
    "n": re.compile(r"(?<![\w'\\])[\"'`]?n[\"'`]?(?![\w'])"),
}
_ALWAYS_LEGAL = frozenset({"response_format", "return_token_ids", "seed", "n"})


def _without(features: Features, name: str) -> Features:
    match name:
        case "response_format":
            return replace(features, json_mode=False)
        case "return_token_ids":
            return replace(features, token_ids=False)
        case "max_tokens" | "max_completion_tokens":
            left = tuple(limit for limit in features.length_limits if limit != name)
            return replace(features, length_limits=left)
        case _:
            known: dict[str, bool] = {name: False}
            return replace(features, **known)  # type: ignore[arg-type]


def _next_role(features: Features, sent: Mapping[str, Any]) -> Features | None:
    roles = {message["role"] for message in sent["messages"]}
    for refused, following in pairwise(_ROLES):
        if refused in roles:
            # Never back: another request may have learned more in the meantime.
            learned = max(features.system_role, following, key=_ROLES.index)
            return replace(features, system_role=learned)
    return None


def _says_json(messages: Sequence[Message]) -> bool:
    """OpenAI refuses JSON mode for a prompt that does not speak of JSON."""
    return any("json" in m.content.lower() for m in messages)


def _messages(messages: Sequence[Message], role: SystemRole) -> list[dict[str, str]]:
    if role is not SystemRole.USER:
        return [
            {"role": role.value if m.role == "system" else m.role, "content": _sendable(m.content)}
            for m in messages
        ]
    merged: list[dict[str, str]] = []
    for m in messages:
        speaker = "user" if m.role == "system" else m.role
        content = _sendable(m.content)
        if merged and merged[-1]["role"] == speaker:
            # Servers without a system role tend to insist on alternating speakers too.
            merged[-1]["content"] += "\n\n" + content
        else:
            merged.append({"role": speaker, "content": content})
    return merged


def _sendable(text: str) -> str:
    """Without the half characters that generated programs make and UTF-8 cannot carry."""
    return text if text.isascii() else text.encode(errors="replace").decode()
