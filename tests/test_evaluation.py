"""Fan-out: order, faults, limits."""

import asyncio
from collections.abc import Sequence

import pytest

from programs import GOOD, solves_below
from w4s.errors import BudgetExceeded, ProviderError, Rejected, TooManyUnscored
from w4s.evaluation import Evaluator
from w4s.models.base import Purpose, Reply, Request
from w4s.racing import Racing
from w4s.types import Evaluation, Message, Status, Workflow
from world import asked_number, broken_on_threes, problems, right, world

WORKFLOW = Workflow(GOOD)


def test_outcomes_stand_in_the_order_of_the_problems() -> None:
    async def main() -> Evaluation:
        async with world() as w:
            return await w.evaluator.evaluate(
                Workflow(solves_below(5)), problems(0, 10), Purpose.VALIDATE
            )

    evaluation = asyncio.run(main())
    assert [outcome.problem for outcome in evaluation.outcomes] == [f"n{i}" for i in range(10)]
    assert [outcome.value for outcome in evaluation.outcomes] == [1] * 5 + [0] * 5
    assert evaluation.accuracy == 0.5
    assert evaluation.usage.calls == 10


def test_long_questions_start_first_and_the_outcomes_keep_their_order() -> None:
    some = [problems(i, 1)[0] for i in (5, 70_000, 123)]

    async def main() -> tuple[Evaluation, list[int]]:
        async with world() as w:
            one_by_one = Evaluator(w.runner, concurrency=1)
            evaluation = await one_by_one.evaluate(WORKFLOW, some, Purpose.VALIDATE)
            return evaluation, [asked_number(request.messages) for request in w.model.requests]

    evaluation, asked = asyncio.run(main())
    assert asked == [70_000, 123, 5]
    assert [outcome.problem for outcome in evaluation.outcomes] == ["n5", "n70000", "n123"]


def test_unscored_problems_are_kept_out_of_the_mean() -> None:
    async def main() -> Evaluation:
        async with world(broken_on_threes) as w:
            return await w.evaluator.evaluate(WORKFLOW, problems(0, 23), Purpose.VALIDATE)

    with pytest.raises(TooManyUnscored, match=r"2 of 23 .* 500 for good") as caught:
        asyncio.run(main())
    assert not caught.value.rejected

    async def lenient() -> Evaluation:
        async with world(broken_on_threes) as w:
            w.evaluator.unscored_limit = 0.2
            return await w.evaluator.evaluate(WORKFLOW, problems(0, 23), Purpose.VALIDATE)

    evaluation = asyncio.run(lenient())
    assert [o.problem for o in evaluation.outcomes if o.status is Status.UNSCORED] == ["n3", "n13"]
    assert evaluation.accuracy == 1


def test_rejected_requests_are_told_apart_from_a_sick_provider() -> None:
    def reject(messages: Sequence[Message], seed: int) -> str:
        raise Rejected("the conversation is too long")

    async def main() -> None:
        async with world(reject) as w:
            await w.evaluator.evaluate(WORKFLOW, problems(0, 10), Purpose.VALIDATE)

    with pytest.raises(TooManyUnscored) as caught:
        asyncio.run(main())
    assert caught.value.rejected


def test_a_limit_of_the_run_stops_new_calls_and_lets_the_others_end() -> None:
    """What is under way is paid for: it must reach the cache, so it is awaited."""
    finished: list[int] = []

    async def main() -> None:
        async with world() as w:
            inner = w.model.complete

            async def complete(request: Request) -> Reply:
                number = asked_number(request.messages)
                if number == 0:
                    raise BudgetExceeded("no more than 5 calls")
                await asyncio.sleep(0.3)
                finished.append(number)
                return await inner(request)

            w.model.complete = complete  # type: ignore[method-assign]
            evaluator = Evaluator(w.runner, concurrency=4)
            await evaluator.evaluate(WORKFLOW, problems(0, 40), Purpose.VALIDATE)

    with pytest.raises(BudgetExceeded, match="5 calls"):
        asyncio.run(main())
    assert finished
    assert len(finished) < 39


LONG_WINDED = Workflow(GOOD.replace('"content": task', '"content": "long " * 50 + task'))


def reject_long(messages: Sequence[Message], seed: int) -> str:
    if len(messages[-1].content) > 200:
        raise Rejected("too long")
    return right(messages, seed)


def test_several_workflows_are_measured_side_by_side_and_one_may_be_lost() -> None:
    async def main() -> list[Evaluation | TooManyUnscored]:
        async with world(reject_long) as w:
            return await w.evaluator.evaluate_all(
                [LONG_WINDED, WORKFLOW], problems(0, 8), Purpose.VALIDATE
            )

    lost, measured = asyncio.run(main())
    assert isinstance(lost, TooManyUnscored)
    assert isinstance(measured, Evaluation)
    assert measured.accuracy == 1


def test_a_race_goes_on_without_a_candidate_that_cannot_be_believed() -> None:
    async def main() -> list[Evaluation | TooManyUnscored]:
        async with world(reject_long) as w:
            candidates = [LONG_WINDED, WORKFLOW, Workflow(solves_below(30))]
            return await w.evaluator.race(
                candidates, problems(0, 20), Purpose.VALIDATE, Racing(margin=0.0, looks=4)
            )

    lost, *measured = asyncio.run(main())
    assert isinstance(lost, TooManyUnscored)
    for evaluation in measured:
        assert isinstance(evaluation, Evaluation)
        assert (evaluation.accuracy, len(evaluation.outcomes)) == (1, 20)


def test_faults_of_the_provider_put_nobody_behind_in_a_race() -> None:
    def sick_at_first(messages: Sequence[Message], seed: int) -> str:
        if len(messages[-1].content) > 200 and asked_number(messages) < 8:
            raise ProviderError("500 for good")
        return right(messages, seed)

    async def main() -> list[Evaluation | TooManyUnscored]:
        async with world(sick_at_first) as w:
            w.evaluator.unscored_limit = 0.5
            candidates = [LONG_WINDED, WORKFLOW]
            return await w.evaluator.race(
                candidates, problems(0, 20), Purpose.VALIDATE, Racing(margin=0.0, looks=4)
            )

    for evaluation in asyncio.run(main()):
        assert isinstance(evaluation, Evaluation)
        assert not evaluation.stopped
        assert evaluation.accuracy == 1
