"""Typed JSON: what goes in comes out, hostile values included."""

from __future__ import annotations

import contextlib
import datetime
import json
import math
from collections import Counter, OrderedDict, deque, namedtuple
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w4s.sandbox.values import TooDeep, TooLarge, decode, encode, plain

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | st.fractions()
    | st.decimals(allow_nan=False, min_value=-1e6, max_value=1e6)
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.timedeltas()
)
hashable = scalars | st.tuples(scalars, scalars) | st.frozensets(scalars, max_size=3)
anything = st.recursive(
    hashable | st.sets(scalars, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(scalars, inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(deadline=None, max_examples=50)
@given(anything)
def test_values_survive_the_journey(value: object) -> None:
    text = json.dumps(encode(value), allow_nan=False)
    back = decode(json.loads(text))
    assert back == value
    assert type(back) is type(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(), inner)
        | st.dictionaries(
            st.sampled_from(["$tuple", "$set", "$dict", "$int", "$float", "$bytes", "$complex"])
            | st.sampled_from(["$fraction", "$decimal", "$date", "$time", "$timedelta", "$x"]),
            inner,
            max_size=1,
        )
    ),
)


@settings(deadline=None, max_examples=50)
@given(json_values)
def test_decoding_anything_gives_a_value_or_a_value_error(value: Any) -> None:
    with contextlib.suppress(ValueError):
        decode(value)


class Colour(IntEnum):
    RED = 1


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "back"),
    [
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (deque([1, 2]), [1, 2]),
        (Point(1, 2), (1, 2)),
        (Colour.RED, 1),
        ({"$tuple": [1]}, {"$tuple": [1]}),
        (range(3), "range(0, 3)"),
        (bytearray(b"x"), b"x"),
    ],
)
def test_relatives_of_plain_types(value: object, back: object) -> None:
    assert decode(encode(value)) == back


def test_numpy_becomes_plain() -> None:
    numpy = pytest.importorskip("numpy")
    assert encode({"a": numpy.float64(1.5), "b": numpy.arange(3), "c": numpy.bool_(True)}) == {
        "a": 1.5,
        "b": [0, 1, 2],
        "c": True,
    }


def test_not_a_number_keeps_its_kind() -> None:
    assert encode(math.nan) == {"$float": "nan"}
    assert math.isnan(decode({"$float": "nan"}))


def test_limits_of_size_and_depth() -> None:
    nested: list[Any] = []
    for _ in range(200):
        nested = [nested]
    with pytest.raises(TooDeep):
        encode(nested)
    with pytest.raises(TooLarge):
        encode(["x" * 100] * 100, limit=1000)
    with pytest.raises(ValueError, match="deep"):
        decode(nested)


def test_a_small_text_cannot_stand_for_a_huge_number() -> None:
    with pytest.raises(ValueError, match="exponent"):
        decode({"$decimal": "1e999999999"})


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError


def test_a_value_without_text() -> None:
    assert encode(Hostile()) == "<Hostile whose text cannot be made>"


def test_plain_has_no_tags() -> None:
    value = {"a": (1, {2}), 3: Decimal("1.5"), "d": datetime.date(2024, 1, 2)}
    assert plain(value) == {"a": [1, [2]], "3": "1.5", "d": "2024-01-02"}
    assert plain(Fraction(1, 2)) == "1/2"
