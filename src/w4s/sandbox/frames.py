"""Messages on a byte stream: four bytes of length, then one JSON object in UTF-8.

In: bytes from somebody who may be hostile. Out: dictionaries that are safe to hand on: no NaN,
no infinity, no lone surrogate, no frame over the limit. Anything else is a BadFrame.

Used on both sides of the wall: standard library only.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterator
from typing import Any

HEADER = struct.Struct(">I")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class BadFrame(Exception):
    """The bytes are no proper message."""


def pack(message: dict[str, Any]) -> bytes:
    """One frame. Lone surrogates become `?`; raises ValueError for NaN and infinities."""
    body = _ENCODER.encode(message).encode("utf-8", "replace")
    return HEADER.pack(len(body)) + body


class FrameReader:
    """Cuts a stream into messages, whatever the size of the pieces it arrives in."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The messages that `data` completes, one by one: what stood before a bad frame counts.

        Raises BadFrame; the stream is then useless.
        """
        buffer = self._buffer
        if not buffer and len(data) > HEADER.size:  # mostly a piece is just one message
            (size,) = HEADER.unpack_from(data)
            if size == len(data) - HEADER.size and size <= self._limit:
                yield parse(data[HEADER.size :])
                return
        buffer += data
        while len(buffer) >= HEADER.size:
            (size,) = HEADER.unpack_from(buffer)
            if size > self._limit:
                raise BadFrame(f"a message of {size} bytes (at most {self._limit})")
            end = HEADER.size + size
            if len(buffer) < end:
                return
            body = bytes(buffer[HEADER.size : end])
            del buffer[:end]
            yield parse(body)


def parse(body: bytes) -> dict[str, Any]:
    """The message in one frame's body."""
    try:
        text = body.decode("utf-8")
        message, end = _DECODER.raw_decode(text)
        if end != len(text):
            raise BadFrame("more than one JSON object")
        if not isinstance(message, dict):
            raise BadFrame("a message that is no JSON object")
        return _without_surrogates(message) if _SURROGATE.search(body) else message
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"a message that is no JSON: {str(error)[:200]}") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number out of range")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant)


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    return value
