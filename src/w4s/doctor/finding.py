"""What one look at the machine came to.

In: nothing. Out: the record that all looks return. Only what fails stands in the way of a search;
a note says what is missing for something that not everybody needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a finding means for the user."""

    OK = "ok"
    NOTE = "note"
    """Works without, but worth knowing."""
    FAILS = "fails"
    """Something that is needed does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One look at one thing."""

    room: str
    """What it belongs to: `machine`, `sandbox`, `executor`, `data`, …"""
    what: str
    verdict: Verdict
    found: str
    """What there is, in a few words."""
    fix: str = ""
    """What to type, or to do, where something is missing."""


def is_ready(findings: Iterable[Finding]) -> bool:
    """True when nothing fails."""
    return all(finding.verdict is not Verdict.FAILS for finding in findings)
