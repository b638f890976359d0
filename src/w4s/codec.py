"""Records to JSON and back, without loss.

In: a frozen dataclass of `w4s.types` (or any other made of plain fields, enums, tuples and
records). Out: one line of JSON, and the same record again. What does not fit is a StoreError
that names the field. Pydantic does the work; this module only sets how strict it is.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from w4s.errors import StoreError

T = TypeVar("T")

_EXACT = ConfigDict(extra="forbid", strict=True, ser_json_inf_nan="constants")
"""No unknown fields, no guessing ("5" is no number), NaN stays NaN."""


def encode(record: Any) -> bytes:
    """One line of JSON, without a line end.

    Half a surrogate pair, which a model's reply may hold and UTF-8 cannot, becomes "?".
    """
    adapter = _adapter(cast("Any", type(record)))
    try:
        return adapter.dump_json((record,))[1:-1]
    except PydanticSerializationError:
        plain = adapter.dump_python((record,))[0]
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def decode(type: type[T], data: bytes | str) -> T:
    """The record that `encode` made `data` from. Fields with a default may be missing."""
    line = data.encode() if isinstance(data, str) else data
    adapter = _adapter(cast("Any", type))
    try:
        record: T = adapter.validate_json(b"[" + line + b"]")[0]
    except ValidationError as error:
        raise StoreError(f"no valid {type.__name__}: {_first(error)}") from None
    return record


@cache
def _adapter(type: Any) -> TypeAdapter[tuple[Any]]:
    # A dataclass takes its settings only from what stands around it, hence the tuple.
    return TypeAdapter(tuple[type], config=_EXACT)


def _first(error: ValidationError) -> str:
    """The first of the faults: where it is and what it is, on one line."""
    fault = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in fault["loc"][1:])
    return f"{where}: {fault['msg']}" if where else fault["msg"]
