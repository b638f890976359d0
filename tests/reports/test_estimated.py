"""Quantities as text."""

from __future__ import annotations

import pytest

from w4s.estimates.span import Span
from w4s.reports.estimated import quantity_text, span_text


@pytest.mark.parametrize(
    ("quantity", "value", "text"),
    [
        ("calls", 9_512, "9,500"),
        ("tokens", 1_640_000, "1.6 M"),
        ("tokens", 1.26e9, "1.3 G"),
        ("dollars", 4_380, "$4,400"),
        ("dollars", 0.0217, "$0.022"),
        ("seconds", 5.31, "5.3 s"),
        ("seconds", 600, "10 min"),
        ("seconds", 60_000, "16.7 h"),
        ("seconds", 3_700_000, "1,030 h"),
    ],
)
def test_two_figures_in_the_unit_of_the_quantity(quantity: str, value: float, text: str) -> None:
    assert quantity_text(quantity, value) == text


def test_what_is_known_exactly_has_no_range() -> None:
    assert span_text("calls", Span.exactly(120)) == "120"
    assert span_text("calls", Span(100, 120, 240)) == "120 (100 to 240)"
