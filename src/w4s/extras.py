"""What needs more than the core dependencies says so in one line.

In: the import of something optional. Out: a ConfigError that names the extra to install.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from w4s.errors import ConfigError


@contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """Around the imports of an optional part: ConfigError where one of them is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "w4s":
            raise
        raise ConfigError(
            f"{what} needs {missing}, which is not installed: pip install 'w4s[{extra}]'"
        ) from None
