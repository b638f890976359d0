"""AFlow: tree search over variants of workflows.

The method of "AFlow: Automating Agentic Workflow Generation" (Zhang and others, ICLR 2025, arXiv
2410.10762), written anew behind this package's interface. Each round picks a parent among the
best workflows and the first one, by a mixture of chance and accuracy; the meta-agent changes one
thing about it, with the experience of what was tried on this parent before; the child is
validated and joins the tree. The search ends early when the best no longer rise.
docs/fidelity.md says where this differs from the released code.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from w4s.environment import Environment
from w4s.errors import Rejected
from w4s.meta_agent import MetaAgent
from w4s.prompts import render
from w4s.rollout import try_all
from w4s.tasks.base import Interface
from w4s.types import Attempt, Entry, Message, Proposal, State, Turn
from w4s.waiting import settled
from w4s.workflow import analysis_of

Prompt = tuple[Message, ...]

CANDIDATES = 4
"""Best workflows among which a parent is picked, beside the first one."""
UNIFORM = 0.2
"""Share of the choice that is pure chance (lambda in the paper)."""
SHARPNESS = 0.4
"""How strongly accuracy, in points, weighs in the rest (alpha in the paper)."""
CONVERGED_TOP = 3
CONVERGED_ROUNDS = 5
"""The search ends when the mean of the best three has not risen for five rounds."""
RETRIES = 3
"""How often a workflow that is in the tree already is sampled anew."""
_CHANGE_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Change:
    """One modification of a parent and what came of it."""

    what: str
    before: float
    after: float
    """Accuracies of parent and child."""


@dataclass(slots=True)
class Node:
    """One workflow of the tree."""

    entry: Entry
    tried: list[Change] = field(default_factory=list)
    """The experience: every modification of this workflow."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """A parent and what the meta-agent is asked about it. The prompt also finds the parent of a
    child again, when a search goes on behind stored turns."""

    parent: Node
    prompt: Prompt


async def aflow(
    env: Environment,
    agent: MetaAgent,
    begin: State,
    *,
    turns: int,
    samples: int,
    done: Sequence[Turn] = (),
) -> AsyncIterator[Turn]:
    """Yield rounds; each expands `samples` parents."""
    tree = [Node(entry) for entry in begin.examples]
    history = [_top(tree)]
    state = begin
    for turn in done:
        _grow(tree, _expansions(agent, tree, samples, state.turn), turn.attempts)
        history.append(_top(tree))
        state = env.advance(state, turn)
    for _ in range(len(done), turns):
        if converged(history):
            return
        expansions = _expansions(agent, tree, samples, state.turn)
        proposals = await _propose(agent, env, tree, expansions, state.turn)
        turn = await try_all(env, state, proposals)
        yield turn
        _grow(tree, expansions, turn.attempts)
        history.append(_top(tree))
        state = env.advance(state, turn)


def mixed_probabilities(accuracies: Sequence[float]) -> NDArray[np.float64]:
    """The paper's soft mixture of a uniform choice and one that follows accuracy."""
    points = 100 * np.asarray(accuracies, dtype=np.float64)
    weights = np.exp(SHARPNESS * (points - points.max()))
    mixed: NDArray[np.float64] = UNIFORM / len(points) + (1 - UNIFORM) * weights / weights.sum()
    return mixed


def converged(history: Sequence[float]) -> bool:
    """True when the mean of the best has not risen in the last rounds."""
    recent = history[-CONVERGED_ROUNDS - 1 :]
    return len(recent) > CONVERGED_ROUNDS and max(recent[1:]) <= recent[0]


def _top(tree: Sequence[Node]) -> float:
    """Mean accuracy of the best few."""
    return fmean(sorted((n.entry.accuracy for n in tree), reverse=True)[:CONVERGED_TOP])


def _expansions(agent: MetaAgent, tree: Sequence[Node], samples: int, turn: int) -> list[Expansion]:
    """The workflows to expand in a round, with their prompts: a pure function of the tree and
    the seed, so that a resumed search expands the same."""
    best = sorted(tree[1:], key=lambda node: -node.entry.accuracy)[:CANDIDATES]
    candidates = [tree[0], *best]
    weights = mixed_probabilities([node.entry.accuracy for node in candidates])
    rng = random.Random(f"aflow/{agent.seed}/{turn}")
    parents = rng.choices(candidates, list(weights), k=samples)
    return [Expansion(parent, _prompt(agent, parent)) for parent in parents]


async def _propose(
    agent: MetaAgent,
    env: Environment,
    tree: Sequence[Node],
    expansions: Sequence[Expansion],
    turn: int,
) -> list[Proposal]:
    """One child per expansion, in their order."""
    known = frozenset(node.entry.workflow.digest for node in tree)
    sampled = Counter[int]()
    children = []
    for sample, expansion in enumerate(expansions):
        first_try = sampled[id(expansion.parent)] * (RETRIES + 1)
        sampled[id(expansion.parent)] += 1
        children.append(_child(agent, env, expansion.prompt, known, turn, sample, first_try))
    return await settled(children)


async def _child(
    agent: MetaAgent,
    env: Environment,
    prompt: Prompt,
    known: frozenset[str],
    turn: int,
    sample: int,
    first_try: int,
) -> Proposal:
    """A workflow that the tree does not have yet, if a few tries find one."""
    for again in range(first_try, first_try + RETRIES + 1):
        try:
            [proposal] = await agent.sample(prompt, 1, turn, env.check, first=sample, again=again)
        except Rejected as refusal:
            return Proposal(prompt, "", None, f"the provider rejected the prompt: {refusal}")
        if proposal.workflow is None or proposal.workflow.digest not in known:
            break
    return proposal


def _prompt(agent: MetaAgent, parent: Node) -> Prompt:
    code_interface = agent.brief.interface is Interface.CODE
    return (
        Message("system", render("system", code_interface=code_interface)),
        Message(
            "user",
            render(
                "aflow",
                brief=agent.brief,
                code_interface=code_interface,
                parent=parent.entry,
                experience=parent.tried,
            ),
        ),
    )


def _grow(tree: list[Node], expansions: Sequence[Expansion], attempts: Iterable[Attempt]) -> None:
    """Put the children into the tree, and what came of them into their parents' experience."""
    parents = {expansion.prompt: expansion.parent for expansion in expansions}
    for attempt in attempts:
        parent = parents[attempt.proposal.prompt]
        accuracy = attempt.evaluation.accuracy
        what = " ".join(analysis_of(attempt.proposal.reply).split())[:_CHANGE_CHARACTERS]
        parent.tried.append(Change(what, parent.entry.accuracy, accuracy))
        tree.append(Node(Entry(attempt.workflow, accuracy, attempt.feedback)))
