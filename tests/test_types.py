"""The records that everything shares."""

from dataclasses import astuple, fields

from w4s.types import Usage


def test_usages_add_up_in_every_field() -> None:
    one = Usage(*range(1, len(fields(Usage)) + 1))
    assert astuple(one + one) == tuple(2 * value for value in astuple(one))
