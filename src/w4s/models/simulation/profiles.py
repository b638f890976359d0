"""Who is simulated: abilities and habits of an executor.

In: a name. Out: a Profile. All quantities on the ability scale are probits: 0.1 is about four
points of accuracy near one half. `docs/simulator.md` says which published figures they answer to.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from w4s.errors import ConfigError
from w4s.models.answer_book import Skill


@dataclass(frozen=True, slots=True)
class Curve:
    """How success on problems of one skill depends on their demands."""

    ability: float
    hold: float
    """Lost per unit of log(steps) when every step must be held in mind."""
    relief: float
    """Share of `hold` that written reasoning takes away."""
    strain: float
    """Lost per unit of load."""
    gain: float
    """Won by written reasoning whatever the problem."""
    spread: float
    """Standard deviation of what makes single problems easier or harder than they look."""
    lure_low: float
    lure_high: float
    """Between these lies, problem by problem, the share of wrong answers that are one and the
    same: with a strong lure voting settles on it."""


@dataclass(frozen=True, slots=True)
class Programming:
    """Success when a program is asked for and something else will run it."""

    ability: float
    hold: float
    strain: float
    transcription: float
    """Lost when the program's data must first be found in a passage or remembered."""
    crash: float
    """Share of programs with a slip that stops them when they run."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One simulated model."""

    name: str
    curves: Mapping[Skill, Curve]
    programming: Programming
    habit: float
    """Effort of free text that nobody asked to be long or short."""
    verbosity: float
    """Length of what it writes, 1 for ordinary."""
    self_trust: float
    """Weight of its own fresh view against an earlier answer that it is shown."""
    discernment: float
    """How much likelier a shown answer is taken up for being right; log odds."""
    malformed: float
    """Share of JSON replies that are cut, lack a key or are no JSON."""
    decorated: float
    """Share of answers with a unit, a sentence or markup around them."""
    individuality: float = 0.6
    """Share of the problems' residual difficulty that is this model's own."""


_STANDARD_CURVES = {
    Skill.ARITHMETIC: Curve(1.10, 1.20, 0.72, 4.1, 0.29, 1.20, 0.25, 0.75),
    Skill.READING: Curve(1.77, 0.48, 0.30, 2.2, 0.14, 2.00, 0.40, 0.90),
    Skill.KNOWLEDGE: Curve(1.80, 0.73, 0.70, 2.1, 0.13, 2.20, 0.45, 0.95),
    Skill.CODE: Curve(1.90, 0.47, 0.05, 1.1, 0.13, 1.30, 0.20, 0.70),
}
_STANDARD = Profile(
    name="standard",
    curves=_STANDARD_CURVES,
    programming=Programming(1.90, 0.37, 1.25, 0.60, 0.05),
    habit=0.8,
    verbosity=1.0,
    self_trust=1.0,
    discernment=0.3,
    malformed=0.015,
    decorated=0.05,
)


def _shifted(changes: Mapping[Skill, float]) -> dict[Skill, Curve]:
    """The standard curves with other abilities."""
    return {
        skill: Curve(
            curve.ability + changes.get(skill, 0.0),
            curve.hold,
            curve.relief,
            curve.strain,
            curve.gain,
            curve.spread,
            curve.lure_low,
            curve.lure_high,
        )
        for skill, curve in _STANDARD_CURVES.items()
    }


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        _STANDARD,
        Profile(
            name="terse",
            curves=_shifted({Skill.ARITHMETIC: 0.15, Skill.KNOWLEDGE: 0.25, Skill.CODE: -0.2}),
            programming=Programming(1.60, 0.40, 1.25, 0.65, 0.10),
            habit=0.25,
            verbosity=0.5,
            self_trust=0.7,
            discernment=0.2,
            malformed=0.008,
            decorated=0.02,
        ),
        Profile(
            name="coder",
            curves=_shifted({Skill.CODE: 0.5, Skill.READING: -0.5, Skill.KNOWLEDGE: -0.4}),
            programming=Programming(2.25, 0.32, 1.0, 0.75, 0.02),
            habit=0.5,
            verbosity=0.8,
            self_trust=1.1,
            discernment=0.3,
            malformed=0.01,
            decorated=0.04,
        ),
        Profile(
            name="reader",
            curves=_shifted(
                {
                    Skill.READING: 0.6,
                    Skill.KNOWLEDGE: 0.4,
                    Skill.ARITHMETIC: -0.25,
                    Skill.CODE: -0.5,
                }
            ),
            programming=Programming(1.25, 0.46, 1.4, 0.5, 0.14),
            habit=0.9,
            verbosity=1.3,
            self_trust=0.9,
            discernment=0.45,
            malformed=0.03,
            decorated=0.10,
        ),
    )
}


def profile_of(name: str) -> Profile:
    """The profile of that name; ConfigError for other names."""
    if name not in PROFILES:
        near = difflib.get_close_matches(name, PROFILES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(
            f"unknown profile of the simulated executor {name!r}{hint} "
            f"(there are {', '.join(PROFILES)})"
        )
    return PROFILES[name]
