"""What a failed HTTP exchange means for a retry.

In: a status with its headers and body, or the exception of a connection. Out: the ProviderError
that says it. Nothing is sent here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from w4s.errors import AccessDenied, Overloaded, ProviderError, Rejected, ServerFault

_MOST_WORDS = 300
"""Characters of a server's message that are repeated to the user."""
_SPENT_UP = ("insufficient_quota", "billing_hard_limit_reached", "insufficient balance")
_NO_ACCESS = frozenset({401, 402, 403, 404, 405})
_PASSING = frozenset({408, 409, 421, 423, 425})
_WORK_MAY_BE_DONE = frozenset({408, 502, 504, 524})
"""Statuses of a gateway that lost the server behind it."""
_REFUSED = frozenset({400, 422})


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a server answered instead of a reply."""

    status: int
    text: str
    """The body, or as much of it as one would read."""
    message: str = ""
    """Its message, where the body has one."""
    param: str = ""
    """The parameter it blames."""
    code: str = ""
    retry_after: float | None = None
    """Seconds it asks to wait."""

    @property
    def may_be_of_a_feature(self) -> bool:
        return self.status in _REFUSED


def read_refusal(status: int, headers: Mapping[str, str], text: str) -> Refusal:
    """Read an answer whose status says failure; servers word the body as they like."""
    message, param, code = _read_body(text)
    return Refusal(
        status, text[:10_000], message[:_MOST_WORDS], param, code, read_retry_after(headers)
    )


def status_error(refusal: Refusal, where: str) -> ProviderError:
    """The error that a refusal means; `where` names the endpoint to the user."""
    status = refusal.status
    words = f"{where} answered {status}: {refusal.message or 'no reason given'}"
    text = refusal.text.lower()
    if status == 429:
        if refusal.code in _SPENT_UP or any(mark in text for mark in _SPENT_UP):
            return AccessDenied(f"{words} (the account's quota is used up)", status=status)
        if "request too large" in text:
            return Rejected(words)
        return Overloaded(words, refusal.retry_after)
    if status >= 500 or status in _PASSING:
        return ServerFault(words, refusal.retry_after, unknown=status in _WORK_MAY_BE_DONE)
    if status in _NO_ACCESS:
        return AccessDenied(words + _ADVICE.get(status, ""), status=status)
    if status < 400:
        return AccessDenied(f"{words} (is this the base URL of an API?)", status=status)
    return Rejected(words)


_ADVICE = {
    401: " (is the key right, and in the variable that --key-env or --executor-key-env names?)",
    404: " (is the model's name right? base URLs mostly end in /v1)",
    405: " (base URLs mostly end in /v1)",
}


def connection_error(error: BaseException, where: str, timeout_seconds: float) -> ServerFault:
    """The error that a broken or silent connection means."""
    causes = list(_causes(error))
    reason = str(causes[-1]) or type(causes[-1]).__name__
    if any(isinstance(cause, _NEVER_SENT) for cause in causes):
        return ServerFault(f"no connection to {where}: {reason}")
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return ServerFault(f"no answer from {where} in {timeout_seconds:g} seconds", unknown=True)
    return ServerFault(f"the connection to {where} broke: {reason}", unknown=True)


_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for, in either of its forms; None without a usable one."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _seconds_until(date: str) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return math.nan
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime.now(UTC)).total_seconds()


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from, and so on to the first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _read_body(text: str) -> tuple[str, str, str]:
    """Message, blamed parameter and code."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return " ".join(text.split()), "", ""
    if isinstance(data, list) and data:
        data = data[0]  # Gemini wraps its errors in a list
    if not isinstance(data, dict):
        return str(data), "", ""
    error = data.get("error", data)
    if not isinstance(error, dict):
        return str(error), "", ""
    detail = error.get("detail")
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        return _first_detail(detail[0])
    message = error.get("message") or detail or error.get("object") or ""
    return str(message), str(error.get("param") or ""), str(error.get("code") or "")


def _first_detail(detail: Mapping[str, Any]) -> tuple[str, str, str]:
    """A complaint in the form of FastAPI: where in the body, and what."""
    place = detail.get("loc")
    param = str(place[-1]) if isinstance(place, list) and place else ""
    return f"{param}: {detail.get('msg', '')}", param, ""
