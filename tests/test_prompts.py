"""Templates and the code that fills them cannot drift apart."""

import pytest

from w4s.prompts import render


def test_a_template_is_filled() -> None:
    assert "KeyError: 'x'" in render("repair", error="KeyError: 'x'")


@pytest.mark.parametrize("values", [{}, {"error": "x", "line": 3}, {"line": 3}])
def test_missing_and_unused_values_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=r"missing \[.*\], unused \[.*\]"):
        render("repair", **values)


def test_the_interface_line_is_the_published_one() -> None:
    assert "def solver(agent, task: str) -> dict:" in render("system", code_interface=False)
    assert "def solver(agent, task: str, entry_point: str)" in render("system", code_interface=True)
