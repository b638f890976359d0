"""Read an answer out of a text: a number, the content of a LaTeX box, a letter.

In: any text at all, however long or odd. Out: what was found, or None; nothing here raises.
Scorers decide what to do with it. All patterns take time linear in the text, so a ten-megabyte
answer cannot hold up the host.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal

_EXACT = Context(prec=60, Emax=99_999, Emin=-99_999, traps=[])
"""Arithmetic that gives NaN or infinity where others would raise, whatever the caller has set."""

_TYPOGRAPHY = str.maketrans(
    {
        "\N{MINUS SIGN}": "-",
        "\N{SMALL HYPHEN-MINUS}": "-",
        "\N{FULLWIDTH HYPHEN-MINUS}": "-",
        "\N{NON-BREAKING HYPHEN}": "-",
        "\N{EN DASH}": "-",
        "\N{FIGURE DASH}": "-",
        "\N{FULLWIDTH COMMA}": ",",
        "\N{ARABIC THOUSANDS SEPARATOR}": ",",
        "\N{ARABIC DECIMAL SEPARATOR}": ".",
        "\N{FULLWIDTH FULL STOP}": ".",
        "\N{FRACTION SLASH}": "/",
        "\N{NO-BREAK SPACE}": " ",
        "\N{NARROW NO-BREAK SPACE}": " ",
        "\N{THIN SPACE}": " ",
        "\N{LEFT-TO-RIGHT MARK}": None,
        "\N{RIGHT-TO-LEFT MARK}": None,
        "\N{ARABIC LETTER MARK}": None,
    }
)

_LATEX_SPACING = re.compile(r"(?<=\d)(?:\{,\}|\\,|\\!,?|\\ )(?=\d)")
_LATEX_FRACTION = re.compile(
    r"\\[dtc]?frac\s{0,4}(?:\{\s{0,4}(-?\d{1,40})\s{0,4}\}|(\d))"
    r"\s{0,4}(?:\{\s{0,4}(-?\d{1,40})\s{0,4}\}|(\d))"
)

_NUMBER = re.compile(
    r"""
    (?P<sign>-\ ?)?
    (?P<currency>(?:\\?\$|[€£¥₹฿₽])\ ?)?
    (?P<inner>-)?
    (?:(?P<whole>\d{1,20})\ (?=\d{1,20}/\d))?       # of the mixed number 2 3/4
    (?P<digits>\d++(?:,\d++)*+(?:\.\d++)?|(?<!\d)\.\d++)
    (?:
        [eE](?P<exponent>[+-]?\d{1,3})(?!\d)
      | \ ?(?:\u00d7|\\times|\\cdot|\*|x)\ ?10\ ?(?:\^|\*\*)\ ?\{?(?P<power>[+-]?\d{1,3})\}?(?!\d)
      | \ ?/\ ?(?P<denominator>\d++(?:\.\d++)?)(?!\ ?/\ ?\d)
    )?+
    """,
    re.VERBOSE,
)

_BOX = re.compile(r"\\(?:boxed|fbox)\s{0,4}(?:(?P<brace>\{)|(?P<bare>[^\s{}$]{1,100}))")


def read_number(text: str) -> Decimal | None:
    """The number that a text ends up with: the one in its last box, else its last one.

    Understands thousands commas, currency and percent signs (the sign is dropped), the minus
    signs of typesetters, digits of every script, scientific notation, plain and LaTeX fractions.
    """
    boxed = read_boxed(text)
    if boxed is not None:
        number = _last_number(boxed)
        if number is not None:
            return number
    return _last_number(text)


def read_first_number(text: str) -> Decimal | None:
    """The first number of a text, with the same understanding; boxes mean nothing here."""
    text = _respelt(text)
    first = _NUMBER.search(text)
    return _value(text, first) if first is not None else None


def read_boxed(text: str) -> str | None:
    r"""What stands in the last `\boxed{…}` (or `\fbox{…}`), braces inside it included.

    None when there is no box, or when the last one is never closed.
    """
    last = None
    for last in _BOX.finditer(text):  # noqa: B007 - only the last one is wanted
        pass
    if last is None:
        return None
    if last["brace"] is None:
        return last["bare"]
    depth = 1
    for brace in re.finditer(r"[{}]", text[last.end() :]):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return text[last.end() : last.end() + brace.start()].strip()
    return None


def read_letter(text: str, letters: str = "ABCDEFGHIJ") -> str | None:
    """The letter of the option that a text chooses, in MMLU-Pro's order of places to look.

    First `answer is (X)`, the first one; then `answer: X`, the last in its line; then the last
    capital that stands alone. MMLU-Pro draws a random letter when nothing is found; here that is
    None.
    """
    options = f"[{re.escape(letters)}]"
    stated = re.search(rf"answer is \(?({options})\)?", text)
    if stated:
        return stated[1]
    colon = re.search(rf"[aA]nswer:\s*({options})", text)
    if colon:
        line = text[colon.start() :].partition("\n")[0]
        return _last(re.findall(rf"[aA]nswer:\s*({options})", line)) or colon[1]
    return _last(re.findall(rf"\b{options}\b", text))


def near(number: Decimal, target: Decimal, tolerance: Decimal = Decimal(0)) -> bool:
    """Whether two numbers are equal, or at most `tolerance` apart."""
    if number == target:
        return True
    return bool(tolerance) and _EXACT.abs(_EXACT.subtract(number, target)) <= tolerance


def plain(number: Decimal) -> str:
    """A number as people write it: no exponent, no trailing zeros."""
    if not number.is_finite() or abs(number.adjusted()) > 60:
        return str(number)
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _last(found: list[str]) -> str | None:
    return found[-1] if found else None


def _last_number(text: str) -> Decimal | None:
    text = _respelt(text)
    last = None
    for last in _NUMBER.finditer(text):  # noqa: B007 - only the last match is wanted
        pass
    return _value(text, last) if last is not None else None


def _respelt(text: str) -> str:
    """Signs, separators and LaTeX fractions in the one spelling that `_NUMBER` knows."""
    text = text.translate(_TYPOGRAPHY)
    if "\\" in text or "{" in text:
        text = _LATEX_SPACING.sub("", text)
        text = _LATEX_FRACTION.sub(_plain_fraction, text)
    return text


def _plain_fraction(match: re.Match[str]) -> str:
    above, below = match[1] or match[2], match[3] or match[4]
    # \frac right behind a digit is the mixed number 2\frac{3}{4}.
    behind_digit = match.start() > 0 and match.string[match.start() - 1].isdigit()
    return f"{' ' if behind_digit else ''}{above}/{below}"


def _value(text: str, match: re.Match[str]) -> Decimal | None:
    number = Decimal(_ungroup(match["digits"]))
    if match["denominator"]:
        number = _divided(text, match, number)
    exponent = match["exponent"] or match["power"]
    if exponent:
        number = _EXACT.scaleb(number, Decimal(exponent))
    if _negative(text, match):
        number = number.copy_negate()
    return number if number.is_finite() else None


def _divided(text: str, match: re.Match[str], above: Decimal) -> Decimal:
    below = Decimal(match["denominator"])
    in_date = text[match.start() - 1 : match.start()] == "/" and match.start() > 0
    if in_date or not below:
        return below  # 3/4/2024 and 3/0 are no fractions: take what comes last
    number = _EXACT.divide(above, below)
    if match["whole"] and above < below:
        number = _EXACT.add(Decimal(match["whole"]), number)
    return number


def _negative(text: str, match: re.Match[str]) -> bool:
    """A minus is a sign unless it stands between two terms, in a word, or before a list item."""
    if match["inner"]:
        return True
    sign = match["sign"]
    if sign is None:
        return False
    before = text[: match.start()]
    if sign == "-":
        return not (before[-1:].isalnum() or before[-1:] in (")", "]", "}", "%", "-"))
    return before.rstrip(" ")[-1:] in ("", "=", ":", "(", "≈")


def _ungroup(digits: str) -> str:
    """`1,234,567` without its commas; of a list such as `3,14,15`, the last member."""
    whole, point, decimals = digits.partition(".")
    if "," not in whole:
        return digits
    groups = whole.split(",")
    number = "".join(groups) if _grouped(groups) else groups[-1]
    return number + point + decimals


def _grouped(groups: list[str]) -> bool:
    """Thousands (1,234,567) or the Indian way (12,34,567)."""
    if not 1 <= len(groups[0]) <= 3 or len(groups[-1]) != 3:
        return False
    inner = {len(group) for group in groups[1:-1]}
    return inner <= {3} or (inner == {2} and len(groups[0]) <= 2)
