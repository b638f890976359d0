"""Python text to its syntax tree, without a word on the terminal.

In: source text of a data set or a model. Out: a tree, or SyntaxError. Nothing is executed.
"""

from __future__ import annotations

import ast
import warnings


def parsed(source: str) -> ast.Module:
    """The tree of a module. Raises SyntaxError for everything that is none.

    The compiler's warnings (an invalid escape in somebody's string) are not our reader's affair.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(str(error)) from error
