"""What is said of a benchmark apart from its rows, and the step from there to a Task.

In: an About, four sets, a scorer. Out: a Task. The listing of the tasks needs only the Abouts,
so it opens no data file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from w4s.models.answer_book import AnswerKey
from w4s.tasks.base import Interface, Scorer, Sealed, SearchSet, Sizes, Task
from w4s.tasks.scorers import natural
from w4s.tasks.splits import Sets
from w4s.types import Problem

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class About:
    """A benchmark in words."""

    name: str
    family: str
    description: str
    """For the meta-agent."""
    metric: str
    rule: str
    """How an answer is judged, and whose rule that is."""
    sets: str
    """Where the sets come from."""
    licence: str
    source: str
    files: tuple[str, ...]
    """Data files it needs, as named in W4S_DATA."""
    rows: int
    """Rows that upstream states, over all its files."""
    sizes: Sizes
    """Problems in the sets of the default split, unless asked otherwise; a test holds it."""
    interface: Interface = Interface.ANSWER
    confidential: bool = False
    """Whether its authors ask that no problem be shown in public."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """From what the sets of a task were drawn; becomes `Task.variant`."""

    split: str
    seed: int
    sizes: Sizes | None
    sha256: tuple[str, ...]
    """Checksums of the data files."""


def assemble(
    about: About,
    sets: Sets,
    scorer: Scorer,
    keys: Callable[[Problem], AnswerKey | None],
    drawn_from: Drawn,
    answer: Callable[[Problem], str] | None = None,
) -> Task:
    """The Task; `answer` writes a right answer to a problem, by default the target as text."""
    example = sets.public[0]
    return Task(
        name=about.name,
        family=about.family,
        description=about.description,
        example=example,
        example_answer=answer(example) if answer else natural(example.target),
        metric=about.metric,
        scorer=scorer,
        search=SearchSet(sets.private, sets.public),
        training=sets.training,
        sealed=Sealed(lambda: sets.test, len(sets.test)),
        interface=about.interface,
        licence=about.licence,
        source=about.source,
        rule=about.rule,
        division=about.sets,
        confidential=about.confidential,
        answer_keys=keys,
        variant={
            "split": drawn_from.split,
            "seed": drawn_from.seed,
            "sizes": asdict(drawn_from.sizes) if drawn_from.sizes else None,
            "sha256": list(drawn_from.sha256),
        },
    )


def keyed(
    problems: Sequence[Problem], rows: Sequence[Row], key: Callable[[Problem, Row], AnswerKey]
) -> Callable[[Problem], AnswerKey | None]:
    """Answer keys made when they are asked for, from the row behind each problem."""
    behind = {problem.id: row for problem, row in zip(problems, rows, strict=True)}

    def find(problem: Problem) -> AnswerKey | None:
        row = behind.get(problem.id)
        return None if row is None else key(problem, row)

    return find
