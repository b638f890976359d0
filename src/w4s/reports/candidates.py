"""The candidates of a search, each with where it came from and what came of it.

In: a Run. Out: Candidates, the examples first. What may be told of a problem is decided here,
once: of a public one the answers, of a private one its outcome alone, under a number, because
answers and error texts may quote it.
"""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from w4s.reports.lineage import parents
from w4s.reports.run import Run
from w4s.reports.summary import Accuracy, accuracy_of, accuracy_of_mean
from w4s.types import Attempt, Entry, Evaluation, Outcome, Proposal, Status, Turn, Usage
from w4s.workflow import analysis_of

SAME = 1e-9
"""Scores closer than this are equal."""
DIFF_LINES = 4000
"""Longer programs are not compared line by line: the time grows with the square."""


class Standing(StrEnum):
    """What became of a candidate."""

    EXAMPLE = "example"
    """A workflow that the search starts from."""
    ADVANCED = "advanced"
    """The best of its turn: the search went on from it."""
    MEASURED = "measured"
    """Ran, and another one of its turn was better."""
    OUTRUN = "outrun"
    """Stopped by the race: it could no longer win."""
    FAILED = "failed"
    """Answered no problem at all."""
    DROPPED = "dropped"
    """Never ran, repairs included."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One candidate on one public problem."""

    score: float | None
    """None where it is unscored."""
    text: str
    """The answer, or the error."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One workflow of the search, or a proposal that never became one."""

    id: str
    """`t2c3`: turn 2, candidate 3; `e1` for the first example."""
    name: str
    turn: int
    """1 for the first, 0 for the examples."""
    standing: Standing
    digest: str
    code: str
    """Empty where a dropped proposal held no workflow."""
    analysis: str
    """The meta-agent's words before the code."""
    parent: str
    """Id of the candidate it was made from; empty where the method names none."""
    compared: str
    """Id of the candidate that `diff` starts from: the parent, else the best before this turn."""
    diff: str
    """Unified."""
    accuracy: Accuracy | None
    """On the private validation problems; None where it was not measured."""
    change: float | None
    """Accuracy minus that of `compared`."""
    reward: float | None
    errors: tuple[tuple[str, int], ...]
    """Kind and number of the validations that ended in an error, the most frequent first."""
    repairs: tuple[str, ...]
    """The errors that it was repaired after, oldest first."""
    dropped: str
    """Why it was dropped."""
    feedback: str
    """What the meta-agent was told of it."""
    usage: Usage
    """Of its validations."""
    scores: tuple[float | None, ...]
    """By private problem, in the order of their numbers; the mean of the trials, None where
    there is none."""
    answers: tuple[Answered, ...]
    """By public problem, in their order."""


def short_name(candidate: Candidate) -> str:
    """`3.2` for the second of the third turn; others keep their name."""
    name = candidate.name.removeprefix("turn ")
    return name.replace(", sample ", ".").replace(", candidate ", ".")


@dataclass(frozen=True, slots=True)
class Duel:
    """One candidate against another, by the numbers of the private problems."""

    won: tuple[int, ...]
    """The second scores more."""
    lost: tuple[int, ...]
    right: int
    """Right in both, at least by half."""
    wrong: int


def duel(first: Candidate, second: Candidate) -> Duel:
    """What was won and lost on the way from the first to the second."""
    pairs = [
        (number, before, after)
        for number, (before, after) in enumerate(zip(first.scores, second.scores, strict=False), 1)
        if before is not None and after is not None
    ]
    won = tuple(number for number, before, after in pairs if after > before + SAME)
    lost = tuple(number for number, before, after in pairs if after < before - SAME)
    right = sum(abs(after - before) <= SAME and after > 0.5 for _, before, after in pairs)
    return Duel(won, lost, right, len(pairs) - len(won) - len(lost) - right)


def candidates_of(run: Run) -> Iterable[Candidate]:
    if run.begin is None:
        return
    latest: dict[str, Candidate] = {}
    for number, entry in enumerate(run.begin.examples, 1):
        example = _example(number, entry, run)
        latest[example.digest] = example
        yield example
    problems = _numbered(run)
    for turn in run.turns:
        made = list(_of_turn(run, turn, latest, problems))
        yield from made
        for candidate in sorted(made, key=lambda c: c.standing is Standing.ADVANCED):
            latest[candidate.digest] = candidate


def _example(number: int, entry: Entry, run: Run) -> Candidate:
    count = run.facts.get("private", 0)
    accuracy = accuracy_of_mean(entry.accuracy, count if isinstance(count, int) else 0)
    return Candidate(
        id=f"e{number}",
        name=entry.workflow.name,
        turn=0,
        standing=Standing.EXAMPLE,
        digest=entry.workflow.digest,
        code=entry.workflow.code,
        analysis="",
        parent="",
        compared="",
        diff="",
        accuracy=accuracy,
        change=None,
        reward=None,
        errors=(),
        repairs=(),
        dropped="",
        feedback=entry.feedback,
        usage=Usage(),
        scores=(),
        answers=(),
    )


def _of_turn(
    run: Run, turn: Turn, latest: Mapping[str, Candidate], problems: Sequence[str]
) -> Iterable[Candidate]:
    origins = parents(run, turn)
    best = latest.get(turn.state.best.workflow.digest)
    proposals = [*((a.proposal, a) for a in turn.attempts), *((p, None) for p in turn.dropped)]
    for number, ((proposal, attempt), origin) in enumerate(zip(proposals, origins, strict=True), 1):
        parent = latest.get(origin) if origin is not None else None
        yield _candidate(turn, number, proposal, attempt, parent, parent or best, problems)


def _candidate(
    turn: Turn,
    number: int,
    proposal: Proposal,
    attempt: Attempt | None,
    parent: Candidate | None,
    compared: Candidate | None,
    problems: Sequence[str],
) -> Candidate:
    count = turn.state.turn + 1
    workflow = attempt.workflow if attempt else proposal.workflow
    accuracy = accuracy_of(attempt.evaluation) if attempt else None
    before = compared.accuracy if compared else None
    return Candidate(
        id=f"t{count}c{number}",
        name=(workflow.name if workflow else "") or f"turn {count}, candidate {number}",
        turn=count,
        standing=_standing(turn, attempt),
        digest=workflow.digest if workflow else "",
        code=workflow.code if workflow else "",
        analysis=analysis_of(proposal.reply),
        parent=parent.id if parent else "",
        compared=compared.id if compared and workflow else "",
        diff=_diff(compared, workflow.code) if compared and workflow else "",
        accuracy=accuracy,
        change=accuracy.value - before.value if accuracy and before else None,
        reward=attempt.reward if attempt else None,
        errors=_errors(attempt.evaluation) if attempt else (),
        repairs=tuple(repair.error for repair in proposal.repairs),
        dropped=proposal.error if attempt is None else "",
        feedback=attempt.feedback if attempt else "",
        usage=attempt.evaluation.usage if attempt else Usage(),
        scores=_scores(attempt.evaluation, problems) if attempt else (),
        answers=tuple(map(_answered, attempt.public.outcomes)) if attempt else (),
    )


def _standing(turn: Turn, attempt: Attempt | None) -> Standing:
    if attempt is None:
        return Standing.DROPPED
    if attempt is turn.chosen:
        return Standing.ADVANCED
    if not attempt.evaluation.ran:
        return Standing.FAILED
    return Standing.OUTRUN if attempt.evaluation.stopped else Standing.MEASURED


def _diff(before: Candidate, code: str) -> str:
    old, new = before.code.splitlines(), code.splitlines()
    if max(len(old), len(new)) > DIFF_LINES:
        return ""
    return "\n".join(difflib.unified_diff(old, new, before.name, "", lineterm="", n=3))


def _errors(evaluation: Evaluation) -> tuple[tuple[str, int], ...]:
    ended = (o for o in evaluation.outcomes if o.status is not Status.SCORED)
    return tuple(Counter(map(kind_of, ended)).most_common())


def _answered(outcome: Outcome) -> Answered:
    if outcome.status is Status.SCORED:
        return Answered(outcome.counted, outcome.answer)
    return Answered(
        outcome.counted, f"{kind_of(outcome)}: {outcome.trouble}" if outcome.trouble else ""
    )


def kind_of(outcome: Outcome) -> str:
    """`raised: KeyError`, `time limit`. A program names its own exceptions, so a name that is
    more than one word could quote the problem and is left out."""
    status = outcome.status.value.replace("_", " ")
    named = outcome.trouble.type if outcome.trouble and outcome.status is Status.RAISED else ""
    return f"{status}: {named}" if named.isidentifier() and len(named) <= 60 else status


def _numbered(run: Run) -> tuple[str, ...]:
    """The private problems in the order of their numbers: that of the longest evaluation."""
    seen = dict.fromkeys(
        outcome.problem
        for turn in run.turns
        for attempt in sorted(turn.attempts, key=lambda a: -len(a.evaluation.outcomes))
        for outcome in attempt.evaluation.outcomes
    )
    return tuple(seen)


def _scores(evaluation: Evaluation, problems: Sequence[str]) -> tuple[float | None, ...]:
    trials: defaultdict[str, list[float]] = defaultdict(list)
    for outcome in evaluation.scored:
        trials[outcome.problem].append(outcome.value)
    return tuple(fmean(trials[p]) if p in trials else None for p in problems)
