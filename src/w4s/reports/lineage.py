"""Which workflow each candidate of a search was made from.

In: a Run. Out: for every candidate the digest of its parent, where the method has such a thing:
W4S asks to improve the workflow that advanced last, AFlow picks a parent for each candidate. ADAS
shows its whole archive and random search shows nothing, so theirs have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from w4s.reports.run import Run
from w4s.types import Proposal, Turn, Workflow


def parents(run: Run, turn: Turn) -> tuple[str | None, ...]:
    """The digests of the parents of a turn's candidates: those that ran, then the dropped ones."""
    proposals = [*(attempt.proposal for attempt in turn.attempts), *turn.dropped]
    match run.config.method:
        case "w4s":
            return (turn.state.last.workflow.digest,) * len(proposals)
        case "aflow":
            known = _known_before(run, turn)
            return tuple(_expanded(proposal, known) for proposal in proposals)
        case _:
            return (None,) * len(proposals)


def _known_before(run: Run, turn: Turn) -> Sequence[Workflow]:
    earlier = [t for t in run.turns if t.state.turn < turn.state.turn]
    found = [attempt.workflow for t in earlier for attempt in t.attempts]
    return [*(entry.workflow for entry in turn.state.examples), *found]


def _expanded(proposal: Proposal, known: Iterable[Workflow]) -> str | None:
    """The workflow that the prompt asks to change: the only one whose code it holds. A workflow
    whose code is part of another's is the shorter match."""
    asked = "\n".join(message.content for message in proposal.prompt)
    held = [w for w in known if w.code.strip() and w.code.strip() in asked]
    return max(held, key=lambda w: len(w.code)).digest if held else None
