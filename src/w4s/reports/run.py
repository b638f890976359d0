"""What lies in a run folder, by name and type.

In: a folder. Out: a Run, read without holding the folder, so a run under way can be looked at.
The commands write the same files through `w4s.store`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from w4s.codec import decode, encode
from w4s.config import SearchConfig
from w4s.errors import StoreError
from w4s.estimates.record import Estimate
from w4s.methods.choosing import Finalist
from w4s.models.metering.ledger import Totals
from w4s.store import read_journal, read_settings
from w4s.types import JSON, Evaluation, Problem, State, Turn

T = TypeVar("T")

BEGIN = "begin.json"
"""The first State: the examples, measured."""
PUBLIC = "public.json"
"""The public problems, for reports; the private ones and the sealed ones are in no file."""
TURNS = "turns.jsonl"
TESTS = "tests.jsonl"
SPENT = "spent.jsonl"
PRICES = "prices.jsonl"
"""What tokens cost at the time of the run."""
ESTIMATES = "estimates.jsonl"
"""What the run was expected to take."""
CANARIES = "sandbox.json"
"""How the walls of the sandbox were proven, when it was last opened."""
FINAL = "final.json"
"""The finalists and which of them was chosen, where the search measured them again."""
BEST = "best_workflow.py"
SEARCH_ACCOUNT = "search_calls.sqlite"
"""The ledger of the search; tests have their own, so that limits hold for each."""
TEST_ACCOUNT = "test_calls.sqlite"
FINISHED = "finished before the last turn"
"""The stretch in `SPENT` that says so, of a method that saw nothing rise any more."""


class Role(StrEnum):
    """What a model is paid for; the ledger keeps one account for each."""

    EXECUTOR = "executor"
    META_AGENT = "meta_agent"


@dataclass(frozen=True, slots=True)
class Spent:
    """One stretch of work: the time it took, and all that had been spent at its end."""

    stretch: str
    """`examples`, `turn 3`, `test direct`."""
    seconds: float
    """Wall time of this stretch; what a kill cut off of it is missing here."""
    totals: dict[str, Totals]
    """By role, over all stretches of the search, or all tests, so far; killed ones included."""
    elapsed: float = 0.0
    """Wall time, likewise over all stretches so far, killed ones included."""

    @property
    def is_test(self) -> bool:
        """True for a test on the sealed set, False for a part of the search."""
        return self.stretch.startswith("test ")


@dataclass(frozen=True, slots=True)
class PriceUsed:
    """What a model's tokens cost from some moment of the run on. Prices change, and what was paid
    does not."""

    role: Role
    model: str
    """As it was typed."""
    prompt: float | None
    """Dollars per million tokens; None where no price was known, and none was counted."""
    completion: float | None
    source: str
    """`free`, `given`, `table of 2026-07-02` or `unknown`."""
    since: str
    """ISO 8601, UTC."""


@dataclass(frozen=True, slots=True)
class PublicProblem:
    """A problem that feedback may quote."""

    id: str
    question: str


@dataclass(frozen=True, slots=True)
class PublicProblems:
    """All of them, in their order."""

    problems: tuple[PublicProblem, ...]


@dataclass(frozen=True, slots=True)
class Tested:
    """One workflow on the sealed test, measured once."""

    evaluation: Evaluation
    origin: str
    """`found` (by this run), `baseline` or `file`."""
    sealed: str
    """Digest of the test set's problems."""
    seconds: float
    """Wall time."""
    at: str = ""
    """When the sealed set was read: ISO 8601, UTC."""


@dataclass(frozen=True, slots=True)
class Final:
    """The end of a search that measured its best again."""

    finalists: tuple[Finalist, ...]
    chosen: str
    """Digest of the workflow that the search hands over."""

    @property
    def winner(self) -> Finalist:
        return next(f for f in self.finalists if f.workflow.digest == self.chosen)


@dataclass(frozen=True, slots=True)
class Run:
    """One run folder, read."""

    path: Path
    config: SearchConfig
    facts: Mapping[str, JSON]
    begin: State | None
    """None while the examples have not been measured."""
    turns: tuple[Turn, ...]
    tests: tuple[Tested, ...]
    spent: tuple[Spent, ...]
    final: Final | None = None
    prices: tuple[PriceUsed, ...] = ()
    """The oldest first; several of one role where the price was changed on the way."""
    canaries: Mapping[str, JSON] | None = None
    """What the sandbox withstood when it was last opened; None where it never was."""
    estimates: tuple[Estimate, ...] = ()
    """The oldest first; of several with one title the last counts."""
    public: tuple[PublicProblem, ...] = ()
    """None in folders of versions that did not keep them."""


def read_run(path: Path) -> Run:
    """Everything in the folder. ConfigError when it holds no run, StoreError when it is broken."""
    settings = read_settings(path)
    facts = settings.pop("facts", {})
    return Run(
        path,
        SearchConfig.resolve(settings, {"run": path}),
        facts if isinstance(facts, Mapping) else {},
        read_begin(path),
        read_journal(path / TURNS, Turn),
        read_journal(path / TESTS, Tested),
        read_journal(path / SPENT, Spent),
        read_final(path),
        read_journal(path / PRICES, PriceUsed),
        _read_canaries(path / CANARIES),
        read_journal(path / ESTIMATES, Estimate),
        _read_public(path / PUBLIC),
    )


def read_begin(path: Path) -> State | None:
    """The first state, None when the examples have not been measured yet."""
    return _read_record(path / BEGIN, State)


def read_final(path: Path) -> Final | None:
    """The end of the search, None when there is none yet or nothing was measured again."""
    return _read_record(path / FINAL, Final)


def begin_text(state: State) -> str:
    """The first state as the file holds it."""
    return encode(state).decode() + "\n"


def final_text(final: Final) -> str:
    """The end of the search as the file holds it."""
    return encode(final).decode() + "\n"


def public_text(problems: Sequence[Problem]) -> str:
    """The public problems as the file holds them, without their answers."""
    kept = tuple(PublicProblem(problem.id, problem.question) for problem in problems)
    return encode(PublicProblems(kept)).decode() + "\n"


def _read_public(file: Path) -> tuple[PublicProblem, ...]:
    kept = _read_record(file, PublicProblems)
    return kept.problems if kept is not None else ()


def _read_canaries(file: Path) -> Mapping[str, JSON] | None:
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {file}: {error}") from None
    return record if isinstance(record, dict) else None


def _read_record(file: Path, type: type[T]) -> T | None:
    if not file.exists():
        return None
    try:
        return decode(type, file.read_bytes())
    except OSError as error:
        raise StoreError(f"cannot read {file}: {error.strerror}") from None
    except StoreError as error:
        raise StoreError(f"{file}: {error}") from None
