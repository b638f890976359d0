"""The workflow that a search hands over: measured again, chosen by accuracy or with an eye on
cost; and the parent of a rebuilt conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from programs import solves_below
from w4s.environment import Environment, Parent
from w4s.errors import ProviderError, Rejected, TooManyUnscored
from w4s.methods.choosing import (
    FRESH_TRIAL,
    Finalist,
    choose,
    cost_of_one,
    measure_again,
    pareto_front,
)
from w4s.models.base import Purpose, Reply, Request
from w4s.racing import Racing
from w4s.tasks.base import SearchSet
from w4s.types import Message, Proposal, State, Turn, Usage, Workflow
from world import World, asked_number, problems, right, world

PRIVATE, PUBLIC = problems(0, 20), problems(100, 4)


def finalist(
    name: str, accuracy: float, cost: float, validated: float | None = None, turned: int = 0
) -> Finalist:
    """Solves a share of a hundred problems, from number `turned` on."""
    scores = tuple(float((i - turned) % 100 < 100 * accuracy) for i in range(100))
    return Finalist(
        Workflow(name, name), accuracy if validated is None else validated, scores, cost
    )


def test_both_measurements_decide() -> None:
    lucky = finalist("lucky", 0.60, 1.0, validated=0.80)
    steady = finalist("steady", 0.74, 1.0, validated=0.75)
    assert choose([lucky, steady]) is steady
    assert choose([lucky, steady]).fresh == pytest.approx(0.74)


def test_the_economical_choice_takes_the_cheapest_within_one_standard_error() -> None:
    best, far = finalist("best", 0.80, 9), finalist("far", 0.5, 1)
    near = finalist("near", 0.79, 3, turned=30)
    assert choose([best, near, far]) is best
    assert choose([best, near, far], economical=True) is near
    assert choose([best, far], economical=True) is best


def test_equal_finalists_leave_it_to_the_first() -> None:
    one, two = finalist("one", 0.7, 1), finalist("two", 0.7, 1)
    assert choose([one, two]) is one


def test_the_pareto_front_keeps_what_nothing_beats_in_both() -> None:
    items = [(0.9, 9.0), (0.8, 2.0), (0.7, 3.0), (0.5, 1.0), (0.9, 10.0)]
    front = pareto_front(items, accuracy=lambda i: i[0], cost=lambda i: i[1])
    assert front == [(0.5, 1.0), (0.8, 2.0), (0.9, 9.0)]


def test_the_cost_of_an_answer_counts_what_came_from_the_cache() -> None:
    assert cost_of_one(Usage(10, 0, 800, 200, 0.5), 5) == pytest.approx(0.1)
    assert cost_of_one(Usage(5, 5, 400, 100, 0.25, 500, 0.25), 5) == pytest.approx(0.1)
    assert cost_of_one(Usage(cached=10, saved_tokens=1000), 5) == pytest.approx(200)
    assert cost_of_one(Usage(10, 0, 800, 200), 5) == pytest.approx(200)


async def turn_of(env: Environment, begin: State, limits: Sequence[int]) -> Turn:
    proposals = [
        Proposal((Message("user", "go"),), "", Workflow(solves_below(n), f"below {n}"))
        for n in limits
    ]
    return Turn(begin, tuple(await env.attempts(begin, proposals)))


def environment(w: World) -> Environment:
    examples = (Workflow(solves_below(6), "six"), Workflow(solves_below(2), "two"))
    return Environment(w.evaluator, SearchSet(PRIVATE, PUBLIC), examples)


def test_the_best_of_a_search_are_measured_again_with_fresh_draws() -> None:
    async def run() -> None:
        async with world() as w:
            env = environment(w)
            begin = await env.begin()
            turn = await turn_of(env, begin, (12, 12, 4))
            before = len(w.model.requests)
            found = await measure_again(env, begin, [turn], count=2)
            assert [f.workflow.name for f in found] == ["below 12", "six"]
            assert [f.validated for f in found] == pytest.approx([0.6, 0.3])
            assert [f.fresh for f in found] == pytest.approx([0.6, 0.3])
            fresh = w.model.requests[before:]
            assert {r.identity.trial for r in fresh} == {FRESH_TRIAL}
            assert {r.identity.purpose for r in fresh} == {Purpose.VALIDATE}

    asyncio.run(run())


def test_racing_stops_the_hopeless_and_they_are_never_chosen() -> None:
    def hard(messages: Sequence[Message], seed: int) -> str:
        # Even numbers are past everybody, so that a lead must be earned slowly.
        return right(messages, seed) if asked_number(messages) % 2 else '{"answer": "0"}'

    async def run() -> None:
        async with world(hard) as w:
            env = replace(environment(w), racing=Racing())
            begin = await env.begin()
            turn = await turn_of(env, begin, (20, 1, 1))
            winner, *others = turn.attempts
            assert len(winner.evaluation.outcomes) == len(PRIVATE)
            assert all(a.evaluation.stopped for a in others)
            assert all(len(a.evaluation.outcomes) < len(PRIVATE) for a in others)
            assert turn.chosen is winner
            plain = await turn_of(environment(w), begin, (20, 1, 1))
            assert plain.chosen is not None
            assert plain.chosen.evaluation.accuracy == winner.evaluation.accuracy

    asyncio.run(run())


@pytest.mark.parametrize(("parent", "anchor"), [(Parent.LAST, 0.2), (Parent.BEST, 0.6)])
def test_a_rebuilt_conversation_starts_from_the_parent(parent: Parent, anchor: float) -> None:
    async def run() -> None:
        async with world() as w:
            env = replace(environment(w), parent=parent)
            begin = await env.begin()
            state = env.advance(begin, await turn_of(env, begin, (12,)))
            state = env.advance(state, await turn_of(env, state, (4,)))
            assert state.anchor is not None
            assert state.anchor.accuracy == pytest.approx(anchor)
            assert state.last.accuracy == pytest.approx(anchor)
            assert state.best.accuracy == pytest.approx(0.6)

    asyncio.run(run())


def test_unscored_problems_are_kept_out_of_the_fresh_accuracy_too() -> None:
    def flaky(messages: Sequence[Message], seed: int) -> str:
        if asked_number(messages) == 3 and sick:
            raise ProviderError("500 for good")
        return right(messages, seed)

    sick = False

    async def run() -> None:
        nonlocal sick
        async with world(flaky) as w:
            env = environment(w)
            begin = await env.begin()
            sick = True
            [found] = await measure_again(env, begin, [], count=1)
            assert found.scores[3] is None
            assert found.fresh == pytest.approx(5 / 19)

    asyncio.run(run())


def test_the_pareto_front_keeps_what_is_equal_in_both() -> None:
    items = [("a", 0.5, 1.0), ("b", 0.5, 1.0), ("c", 0.5, 2.0)]
    front = pareto_front(items, accuracy=lambda i: i[1], cost=lambda i: i[2])
    assert [name for name, _, _ in front] == ["a", "b"]


def test_each_finalist_has_its_own_trials_and_their_cost_is_that_of_one_answer() -> None:
    async def run() -> None:
        async with world() as w:
            env = environment(w)
            begin = await env.begin()
            turn = await turn_of(env, begin, (12,))
            before = len(w.model.requests)
            found = await measure_again(env, begin, [turn], count=2, trials=2)
            assert [f.fresh for f in found] == pytest.approx([0.6, 0.3])
            assert [f.cost for f in found] == pytest.approx([15, 15])
            fresh = w.model.requests[before:]
            assert {r.identity.trial for r in fresh} == {FRESH_TRIAL, FRESH_TRIAL + 1}

    asyncio.run(run())


def test_trials_are_of_those_alone_that_a_race_has_not_stopped() -> None:
    def hard(messages: Sequence[Message], seed: int) -> str:
        return right(messages, seed) if asked_number(messages) % 2 else '{"answer": "0"}'

    async def run() -> None:
        async with world(hard) as w:
            env = replace(environment(w), racing=Racing(), trials=2)
            begin = await env.begin()
            turn = await turn_of(env, begin, (1, 1, 20))
            *others, winner = turn.attempts
            assert len(winner.evaluation.outcomes) == 2 * len(PRIVATE)
            assert winner.evaluation.accuracy == pytest.approx(0.5)
            assert all(a.evaluation.stopped for a in others)
            assert all(len(a.evaluation.outcomes) < len(PRIVATE) for a in others)
            found = await measure_again(env, begin, [turn], count=9)
            assert [f.workflow.name for f in found] == ["below 20", "six", "two"]

    asyncio.run(run())


def test_a_finalist_that_cannot_be_believed_is_left_out() -> None:
    async def run() -> None:
        async with world() as w:
            env = environment(w)
            begin = await env.begin()
            turn = await turn_of(env, begin, (12,))
            inner = w.model.complete
            lost = set[str]()

            async def complete(request: Request) -> Reply:
                if request.identity.workflow in lost:
                    raise Rejected("too long")
                return await inner(request)

            w.model.complete = complete  # type: ignore[method-assign]
            whole = await measure_again(env, begin, [turn], count=9)
            lost.add(whole[0].workflow.digest)
            assert await measure_again(env, begin, [turn], count=9) == whole[1:]
            lost.update(finalist.workflow.digest for finalist in whole)
            with pytest.raises(TooManyUnscored):
                await measure_again(env, begin, [turn], count=9)

    asyncio.run(run())


def test_a_later_trial_that_cannot_be_believed_spoils_the_measurement() -> None:
    async def run() -> None:
        async with world() as w:
            inner = w.model.complete

            async def complete(request: Request) -> Reply:
                if request.identity.trial == 1:
                    raise Rejected("too long")
                return await inner(request)

            env = environment(w)
            begin = await env.begin()
            w.model.complete = complete  # type: ignore[method-assign]
            assert (await turn_of(replace(env, trials=2), begin, (12,))).attempts == ()
            assert len((await turn_of(env, begin, (12,))).attempts) == 1

    asyncio.run(run())


def test_what_never_ran_is_no_finalist() -> None:
    broken = Workflow("def solver(agent, task):\n    raise ValueError\n", "broken")

    async def run() -> None:
        async with world() as w:
            env = environment(w)
            begin = await env.begin()
            proposal = Proposal((Message("user", "go"),), "", broken)
            turn = Turn(begin, tuple(await env.attempts(begin, [proposal])))
            assert not turn.attempts[0].evaluation.ran
            found = await measure_again(env, begin, [turn], count=9)
            assert [f.workflow.name for f in found] == ["six", "two"]

    asyncio.run(run())
