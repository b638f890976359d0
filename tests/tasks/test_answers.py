"""Reading answers: what is understood, and that no text whatever raises."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from w4s.tasks.answers import near, plain, read_boxed, read_letter, read_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", "42"),
        ("The total is 1,234,567.50 dollars.", "1234567.50"),
        ("12,34,567", "1234567"),
        ("the primes 3, 5 and 7", "7"),
        ("3,14,15", "15"),
        ("$18", "18"),
        ("-$9,867,630", "-9867630"),
        ("$-5", "-5"),
        ("\N{MINUS SIGN}5", "-5"),
        ("x = - 7", "-7"),
        ("10 - 7", "7"),
        ("10-7", "7"),
        ("\n- 7 apples", "7"),
        ("25%", "25"),
        ("3/4", "0.75"),
        ("2 3/4 cups", "2.75"),
        ("3/4/2024", "2024"),
        ("3/0", "0"),
        (r"\frac{3}{4}", "0.75"),
        (r"2\frac12", "2.5"),
        (r"so \boxed{\frac{-3}{4}}, in 5 steps", "-0.75"),
        (r"\boxed{x} after 12", "12"),
        ("1{,}234", "1234"),
        ("1.5e-3.", "0.0015"),
        (r"2 \times 10^{3}", "2000"),
        ("the answer is 5.", "5"),
        (".5", "0.5"),
        ("\N{BENGALI DIGIT TWO}\N{BENGALI DIGIT FIVE}", "25"),
        ("\N{ARABIC-INDIC DIGIT THREE}\N{ARABIC DECIMAL SEPARATOR}5", "3.5"),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, number: str) -> None:
    assert read_number(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "no number", "NaN and inf", "\N{SUPERSCRIPT TWO}", "1/x"[2:]])
def test_no_number(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (r"first \boxed{1}, then \boxed{\frac{a}{b^{2}}}.", r"\frac{a}{b^{2}}"),
        (r"\boxed 5$", "5"),
        (r"\fbox{x}", "x"),
        (r"\boxed{never closed", None),
        ("none", None),
    ],
)
def test_boxes(text: str, content: str | None) -> None:
    assert read_boxed(text) == content


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("the answer is (C), not B", "C"),
        ("The answer is B. No, the answer is D.", "B"),
        ("Answer: A or Answer: B\nAnswer: C", "B"),
        ("Between A and J I take J", "J"),
        ("BAD", None),
        ("k", None),
    ],
)
def test_letters_in_upstreams_order(text: str, letter: str | None) -> None:
    assert read_letter(text) == letter


def test_letters_outside_the_options_do_not_count() -> None:
    assert read_letter("E", "ABCD") is None


@given(st.text(max_size=300) | st.text("0123456789.,-/$%{}\\boxedfracAB eE^x\n", max_size=200))
def test_no_text_raises(text: str) -> None:
    number = read_number(text)
    assert number is None or number.is_finite()
    read_boxed(text)
    read_letter(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, max_value=10**12, min_value=0))
def test_a_number_reads_back_as_itself(number: Decimal) -> None:
    for written in (plain(number), f"{number:,}", f"It costs ${number:,}.", f"-{number}"):
        read = read_number(written)
        assert read is not None
        assert abs(read) == number


@pytest.mark.parametrize("piece", ["9", "1,11", "-", "1 ", r"\boxed{", "{", r"\frac{", "A answer:"])
def test_time_is_linear_in_the_text(piece: str) -> None:
    """A quadratic pattern would need hours for these."""
    text = piece * (400_000 // len(piece))
    start = time.process_time()
    number = read_number(text)
    read_letter(text)
    near(number or Decimal(0), Decimal("1.5"), Decimal("0.1"))
    assert time.process_time() - start < 5


def test_near() -> None:
    assert near(Decimal("1.05"), Decimal(1), Decimal("0.1"))
    assert not near(Decimal("1.11"), Decimal(1), Decimal("0.1"))
    assert near(Decimal("1.0"), Decimal(1))
    assert not near(Decimal("1.0000000001"), Decimal(1))
    assert not near(Decimal("9" * 500), Decimal(1), Decimal("0.1"))
