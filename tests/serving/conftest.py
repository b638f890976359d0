"""One event loop and one sandbox for all tests of a file."""

from served import house

__all__ = ["house"]
