"""Ranges stay ranges, whatever is done with them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from w4s.estimates.span import Span, total

numbers = st.floats(0, 1e6, allow_subnormal=False)
spans = st.tuples(numbers, numbers, numbers).map(lambda ends: Span(*sorted(ends)))


@given(spans, spans)
def test_sums_and_products_keep_their_order(a: Span, b: Span) -> None:
    for span in (a + b, a * b, a * 3.0):
        assert span.low <= span.likely * (1 + 1e-9)
        assert span.likely <= span.high * (1 + 1e-9)


@given(spans, spans)
def test_a_product_is_no_wider_than_all_errors_at_once(a: Span, b: Span) -> None:
    product = a * b
    assert product.low >= a.low * b.low * (1 - 1e-9)
    assert product.high <= a.high * b.high * (1 + 1e-9)


def test_what_is_known_exactly_stays_exact() -> None:
    assert Span.exactly(3) * Span.exactly(4) == Span.exactly(12)
    assert total([Span.exactly(1), Span.exactly(2)]) == Span.exactly(3)
    assert (Span.about(10, 2) * Span.exactly(3)).ordered.holds(59)
    assert not (Span.about(10, 2) * Span.exactly(3)).holds(61)


def test_errors_that_are_independent_seldom_add_up() -> None:
    product = Span.about(1.0, 2.0) * Span.about(1.0, 2.0)
    assert 2.0 < product.high < 4.0
    assert 0.25 < product.low < 0.5
