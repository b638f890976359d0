"""Random search: the same budget without any feedback.

Every action is sampled from the first state; what was measured is never shown.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from w4s.environment import Environment
from w4s.meta_agent import MetaAgent
from w4s.rollout import take_turn
from w4s.types import State, Turn


async def random_search(
    env: Environment,
    agent: MetaAgent,
    begin: State,
    *,
    turns: int,
    samples: int,
    done: Sequence[Turn] = (),
) -> AsyncIterator[Turn]:
    """Yield turns whose actions are independent draws."""
    state = begin
    for turn in done:
        state = env.advance(state, turn)
    for _ in range(len(done), turns):
        turn = await take_turn(env, agent, state, samples, replace(begin, turn=state.turn))
        yield turn
        state = env.advance(state, turn)
