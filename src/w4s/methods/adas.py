"""ADAS: meta-agent search over an archive of all designs.

The method of "Automated Design of Agentic Systems" (Hu, Lu, Clune; arXiv 2408.08435), written
anew behind this package's interface. Each generation the meta-agent sees the whole archive, each
design with a bootstrap interval as its fitness, drafts a new one, reflects on it twice, and
repairs it when it fails. Everything that runs joins the archive. docs/fidelity.md says where this
differs from the released code.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np

from w4s.environment import Environment
from w4s.errors import Rejected
from w4s.meta_agent import MetaAgent
from w4s.prompts import render
from w4s.reports.stats import resampled_means
from w4s.rollout import try_all
from w4s.tasks.base import Interface
from w4s.types import Attempt, Entry, Message, Proposal, State, Turn
from w4s.waiting import settled
from w4s.workflow import analysis_of

_THOUGHT_CHARACTERS = 1500


@dataclass(frozen=True, slots=True)
class Design:
    """One entry of the archive."""

    name: str
    thought: str
    code: str
    fitness: str
    """Accuracy with its bootstrap interval, in words."""


async def adas(
    env: Environment,
    agent: MetaAgent,
    begin: State,
    *,
    turns: int,
    samples: int,
    done: Sequence[Turn] = (),
) -> AsyncIterator[Turn]:
    """Yield generations; each tries `samples` designs made from the same archive."""
    problems = len(env.problems.private) * env.trials
    archive = [_seed_design(entry, problems) for entry in begin.examples]
    state = begin
    for turn in done:
        archive += [_design(attempt) for attempt in turn.attempts]
        state = env.advance(state, turn)
    for _ in range(len(done), turns):
        proposals = await _propose(agent, env, archive, state.turn, samples)
        turn = await try_all(env, state, proposals)
        yield turn
        archive += [_design(attempt) for attempt in turn.attempts]
        state = env.advance(state, turn)


def fitness(scores: Sequence[float]) -> str:
    """A design's fitness: the median of its bootstrapped means, and their 95 % interval."""
    if not scores:
        return "not measured"
    means = 100 * resampled_means(scores)
    low, middle, high = np.quantile(means, [0.025, 0.5, 0.975])
    return f"median {middle:.1f} %, 95 % bootstrap interval {low:.1f} % to {high:.1f} %"


async def _propose(
    agent: MetaAgent, env: Environment, archive: Sequence[Design], turn: int, samples: int
) -> list[Proposal]:
    """Drafts from one prompt, each reflected on twice and then run on one public problem."""
    prompt = _prompt(agent, archive)
    try:
        drafts = await agent.draft(prompt, turn, n=samples)
    except Rejected as refusal:  # the archive may have outgrown the model's context
        return [Proposal(prompt, "", None, f"the provider rejected the prompt: {refusal}")]
    reflected = await settled(
        _reflected(agent, env, prompt, draft, turn, sample) for sample, draft in enumerate(drafts)
    )
    return [proposal for proposals in reflected for proposal in proposals]


async def _reflected(
    agent: MetaAgent,
    env: Environment,
    prompt: tuple[Message, ...],
    draft: str,
    turn: int,
    sample: int,
) -> list[Proposal]:
    review = (*prompt, Message("assistant", draft), Message("user", render("adas_review")))
    try:
        [revised] = await agent.draft(review, turn, sample=sample)
        polish = (*review, Message("assistant", revised), Message("user", render("adas_polish")))
        return await agent.sample(polish, 1, turn, env.check, first=sample)
    except Rejected as refusal:
        return [Proposal(prompt, draft, None, f"the provider rejected the prompt: {refusal}")]


def _prompt(agent: MetaAgent, archive: Sequence[Design]) -> tuple[Message, ...]:
    code_interface = agent.brief.interface is Interface.CODE
    return (
        Message("system", render("system", code_interface=code_interface)),
        Message("user", render("adas", brief=agent.brief, archive=archive)),
    )


def _seed_design(entry: Entry, problems: int) -> Design:
    """A design to start from. An entry keeps its mean alone, which is all that the bootstrap of
    right-or-wrong scores needs; for partial scores the interval is rather too wide."""
    right = round(entry.accuracy * problems)
    scores = [1.0] * right + [0.0] * (problems - right)
    return Design(entry.workflow.name, "", entry.workflow.code, fitness(scores))


def _design(attempt: Attempt) -> Design:
    scores = [outcome.value for outcome in attempt.evaluation.scored]
    thought = analysis_of(attempt.proposal.reply)[:_THOUGHT_CHARACTERS]
    return Design(attempt.workflow.name, thought, attempt.workflow.code, fitness(scores))
