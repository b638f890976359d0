"""One episode: sample actions from a state, try them all, let the best advance.

In: an environment and a meta-agent. Out: Turns, one after another; the caller writes them. Given
the turns of an earlier run, it goes on behind them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from w4s.environment import Environment
from w4s.meta_agent import MetaAgent
from w4s.types import Proposal, State, Turn


async def rollout(
    env: Environment,
    agent: MetaAgent,
    begin: State,
    *,
    turns: int,
    samples: int,
    done: Sequence[Turn] = (),
) -> AsyncIterator[Turn]:
    """Yield the turns from `len(done)` + 1 to `turns`, with `samples` actions each."""
    state = begin
    for turn in done:
        state = env.advance(state, turn)
    for _ in range(len(done), turns):
        turn = await take_turn(env, agent, state, samples)
        yield turn
        state = env.advance(state, turn)


async def take_turn(
    env: Environment, agent: MetaAgent, state: State, samples: int, shown: State | None = None
) -> Turn:
    """Try `samples` actions from `state`. The meta-agent sees `shown` in its place, if given."""
    return await try_all(env, state, await agent.propose(shown or state, samples, env.check))


async def try_all(env: Environment, state: State, proposals: Sequence[Proposal]) -> Turn:
    """The turn in which these are tried from `state`; what was not measured is kept as dropped."""
    attempts = await env.attempts(state, proposals)
    measured = {id(attempt.proposal) for attempt in attempts}
    dropped = tuple(p for p in proposals if id(p) not in measured)
    return Turn(state, tuple(attempts), dropped)
