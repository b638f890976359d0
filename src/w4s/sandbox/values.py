"""Python values as typed JSON, so that nothing is ever pickled or evaluated.

In: any Python value, even a hostile one. Out: JSON in which tuples, sets, complex numbers,
bytes, non-finite floats, decimals, fractions, dates and dictionaries with other keys than
strings keep their type behind a `$` tag. Everything else becomes its text. `encode` runs in
the child, under the child's limits; `decode` trusts nothing and raises ValueError.

Used on both sides of the wall: standard library only.
"""

from __future__ import annotations

import base64
import datetime
import math
import sys
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

MAX_DEPTH = 100
TEXT_CHARS = 2_000
"""How much is kept of the text of a value that has no JSON form."""
BIG_INT_BITS = 13_000
"""Beyond this, decimal text is slow to read (and Python refuses over 4,300 digits)."""
DECIMAL_EXPONENT = 10_000
"""Larger exponents would let a few bytes stand for gigabytes once converted to int."""


class TooLarge(Exception):
    """The value takes more room than allowed."""


class TooDeep(Exception):
    """The value is nested too deeply, or contains itself."""


def text_of(value: object, limit: int = TEXT_CHARS) -> str:
    """`str(value)`, cut to `limit`; a placeholder when that raises. Runs the value's own code."""
    try:
        text = str(value)
        text = text if type(text) is str else str.__str__(text)
    except Exception:
        return f"<{type(value).__name__[:100]} whose text cannot be made>"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def encode(
    value: object,
    *,
    limit: int = 1 << 60,
    opaque: Callable[[object], Any] = text_of,
) -> Any:
    """The typed JSON of `value`.

    Raises TooLarge beyond about `limit` characters, TooDeep beyond 100 levels. `opaque` makes
    the JSON of a value that has no form of its own; by default its text.
    """
    return _Encoder(limit, opaque).encode(value, MAX_DEPTH)


class _Encoder:
    def __init__(self, limit: int, opaque: Callable[[object], Any]) -> None:
        self._room = limit
        self._opaque = opaque

    def _take(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise TooLarge

    def encode(self, value: object, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            self._take(len(value) + 2)  # type: ignore[arg-type]
            return value
        if value is None or kind is bool:
            self._take(5)
            return value
        if depth <= 0:
            raise TooDeep
        if isinstance(value, int):
            return self._int(int.__int__(value))
        if isinstance(value, float):
            return self._float(float.__float__(value))
        if isinstance(value, str):
            return self.encode(str.__str__(value), depth)
        return self._container(value, depth)

    def _int(self, value: int) -> Any:
        bits = value.bit_length()
        self._take(bits // 3 + 2)
        return value if bits <= BIG_INT_BITS else {"$int": hex(value)}

    def _float(self, value: float) -> Any:
        self._take(8)
        return value if math.isfinite(value) else {"$float": repr(value)}

    def _container(self, value: object, depth: int) -> Any:
        self._take(2)
        if isinstance(value, dict):
            return self._dict(value, depth - 1)
        if isinstance(value, list | deque):
            return self._items(type(value).__mro__, value, depth)
        if isinstance(value, tuple):
            return {"$tuple": self._each(tuple.__iter__(value), depth)}
        if isinstance(value, frozenset):
            return {"$frozenset": self._each(frozenset.__iter__(value), depth)}
        if isinstance(value, set):
            return {"$set": self._each(set.__iter__(value), depth)}
        return self._scalar(value, depth)

    def _items(self, mro: tuple[type, ...], value: Any, depth: int) -> list[Any]:
        iterate = list.__iter__ if list in mro else deque.__iter__
        return self._each(iterate(value), depth)

    def _each(self, values: Any, depth: int) -> list[Any]:
        result = []
        for item in values:
            self._take(1)
            result.append(self.encode(item, depth - 1))
        return result

    def _dict(self, value: dict[Any, Any], depth: int) -> Any:
        pairs = list(dict.items(value))
        plain = all(type(key) is str for key, _ in pairs)
        if plain and not (len(pairs) == 1 and pairs[0][0].startswith("$")):
            return {self.encode(k, depth): self.encode(v, depth) for k, v in pairs}
        return {"$dict": [[self.encode(k, depth), self.encode(v, depth)] for k, v in pairs]}

    def _scalar(self, value: object, depth: int) -> Any:
        if isinstance(value, bytes | bytearray | memoryview):
            raw = bytes(value)
            self._take(len(raw) * 4 // 3)
            return {"$bytes": base64.b64encode(raw).decode()}
        if isinstance(value, complex):
            return {"$complex": [self._float(value.real), self._float(value.imag)]}
        if isinstance(value, Decimal):
            return self._text("$decimal", Decimal.__str__(value))
        if isinstance(value, Fraction):
            return {"$fraction": [self._int(value.numerator), self._int(value.denominator)]}
        for tag, cls in _DATES.items():
            if type(value) is cls:
                return self._text(tag, value.isoformat())  # type: ignore[attr-defined]
        if type(value) is datetime.timedelta:
            return {"$timedelta": [value.days, value.seconds, value.microseconds]}
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, numpy.generic | numpy.ndarray):
            return self._numpy(value, depth)
        return self._other(value)

    def _text(self, tag: str, text: str) -> dict[str, str]:
        self._take(len(text))
        return {tag: text}

    def _numpy(self, value: Any, depth: int) -> Any:
        self._take(int(value.nbytes))
        plain = value.tolist()
        return self._other(value) if type(plain) is type(value) else self.encode(plain, depth - 1)

    def _other(self, value: object) -> Any:
        form = self._opaque(value)
        self._take(len(form) if isinstance(form, str) else 20)
        return form


_DATES: dict[str, Any] = {
    "$datetime": datetime.datetime,
    "$date": datetime.date,
    "$time": datetime.time,
}


def decode(value: Any, tags: dict[str, Callable[[Any], object]] | None = None) -> Any:
    """The Python value of typed JSON. Raises ValueError for anything malformed.

    `tags` adds or replaces the meaning of tags.
    """
    try:
        return _decode(value, {**_TAGS, **(tags or {})}, MAX_DEPTH)
    except ValueError:
        raise
    except (TypeError, ArithmeticError, AttributeError, RecursionError) as error:
        raise ValueError(f"malformed typed value: {error}") from None


def _decode(value: Any, tags: dict[str, Callable[[Any], object]], depth: int) -> Any:
    if depth < 0:
        raise ValueError("typed value nested too deeply")
    if isinstance(value, list | tuple):
        return [_decode(item, tags, depth - 1) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, content),) = value.items()
        if tag.startswith("$"):
            if tag not in tags:
                raise ValueError(f"unknown tag {tag[:20]!r}")
            if tag in _NESTED:
                content = _decode(content, tags, depth - 1)
            return tags[tag](content)
    return {key: _decode(item, tags, depth - 1) for key, item in value.items()}


def _int(text: str) -> int:
    return int(text, 16)


def _float(text: str) -> float:
    if text not in ("nan", "inf", "-inf"):
        raise ValueError("malformed non-finite float")
    return float(text)


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and abs(exponent) > DECIMAL_EXPONENT:
        raise ValueError("decimal exponent out of range")
    return value


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


_NESTED = frozenset(("$tuple", "$set", "$frozenset", "$dict", "$complex", "$fraction"))
"""Tags whose content is typed JSON itself."""

_TAGS: dict[str, Callable[[Any], object]] = {
    "$tuple": tuple,
    "$set": set,
    "$frozenset": frozenset,
    "$dict": dict,
    "$int": _int,
    "$float": _float,
    "$bytes": _bytes,
    "$complex": lambda parts: complex(*parts),
    "$decimal": _decimal,
    "$fraction": lambda parts: Fraction(*parts),
    "$datetime": datetime.datetime.fromisoformat,
    "$date": datetime.date.fromisoformat,
    "$time": datetime.time.fromisoformat,
    "$timedelta": lambda parts: datetime.timedelta(*parts),
}


def plain(value: object, depth: int = MAX_DEPTH) -> Any:
    """`value` as ordinary JSON without tags: tuples and sets as lists, the rest as text.

    What a program passes to the host as arguments of a call.
    """
    if depth <= 0:
        raise TooDeep
    form = encode(value) if not isinstance(value, dict | list | tuple | set | frozenset) else value
    if isinstance(form, dict) and form is value:
        return {text_of(k): plain(v, depth - 1) for k, v in form.items()}
    if form is value and not (form is None or isinstance(form, str | int | float)):
        return [plain(item, depth - 1) for item in form]  # type: ignore[attr-defined]
    return text_of(value) if isinstance(form, dict) else form
