"""The simulated executor: a statistical model of a strong language model.

In: messages and sampling parameters, and an answer book. Out: a reply. A pure function of the
two: equal calls give equal replies in every process. What it models and what it does not is told
in `docs/simulator.md`; numbers from it speak of methods and machinery, never of a real model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources

from w4s.models.answer_book import AnswerBook
from w4s.models.base import Choice
from w4s.models.sampler import Sampling
from w4s.models.simulation.asking import Ask, read_ask
from w4s.models.simulation.chance import Dice
from w4s.models.simulation.opinion import Draws, opinion_of
from w4s.models.simulation.profiles import PROFILES, Profile, profile_of
from w4s.models.simulation.writing import write, write_without_problem
from w4s.types import Message

__all__ = ["PROFILES", "Profile", "SimulatedExecutor", "simulator_digest"]

_CHARACTERS_A_TOKEN = 4
_INDEPENDENT = 0.8
"""Temperature from which on samples share nothing but the problem."""
_REMEMBERED = 256


class SimulatedExecutor:
    """A Sampler that knows the problems of its book."""

    def __init__(
        self, book: AnswerBook, profile: Profile | str = "standard", cues: bool = True
    ) -> None:
        """With `cues=False` the wording of roles and instructions has no effect at all."""
        self._book = book
        self._profile = profile_of(profile) if isinstance(profile, str) else profile
        self._cues = cues
        self._understood = lru_cache(_REMEMBERED)(self._understand)

    @property
    def name(self) -> str:
        cues = "" if self._cues else ":no-cues"
        return f"simulated:{self._profile.name}{cues}@{simulator_digest()[:8]}+{self._book.digest}"

    def sample(self, messages: Sequence[Message], sampling: Sampling) -> Choice:
        """One reply. At temperature 0 it does not depend on the seed."""
        ask = self._understood(tuple(messages), sampling.json_mode)
        heat = sampling.temperature * (0.5 + 0.5 * sampling.top_p)
        seed = sampling.seed if heat > 0 else "greedy"
        dice = Dice(f"{self._profile.name}\0{seed}\0{ask.digest}")
        text = self._reply(ask, heat, dice, sampling.json_mode)
        most = _CHARACTERS_A_TOKEN * sampling.max_tokens
        return Choice(text) if len(text) <= most else Choice(text[:most], "length")

    def _understand(self, messages: tuple[Message, ...], json_mode: bool) -> Ask:
        return read_ask(messages, json_mode, self._book, self._cues)

    def _reply(self, ask: Ask, heat: float, dice: Dice, json_mode: bool) -> str:
        if ask.repertoire is None:
            return write_without_problem(ask, self._profile, dice, json_mode)
        question = ask.repertoire.key.question
        stage = f"{ask.code}\0{ask.effort}\0{ask.shown}\0{ask.shown_programs}"
        greedy = Dice(f"greedy {self._profile.name}\0{stage}\0{question}")
        share = max(0.0, 1 - heat / _INDEPENDENT)
        draws = Draws(greedy, dice, share)
        opinion = opinion_of(ask, ask.repertoire, self._profile, heat, draws)
        return write(ask, ask.repertoire, opinion, self._profile, dice, json_mode)


@lru_cache(1)
def simulator_digest() -> str:
    """Hash of all that simulated replies depend on beside the book, 16 hexadecimal digits."""
    models = resources.files("w4s.models")
    parts = sorted(models.joinpath("simulation").iterdir(), key=lambda file: file.name)
    files = [models / "simulated.py", models / "answer_book.py", *parts]
    sources = [file.read_bytes() for file in files if file.name.endswith(".py")]
    return hashlib.sha256(b"\0".join(sources)).hexdigest()[:16]
