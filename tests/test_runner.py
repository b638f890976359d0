"""Every way a generated program can fail ends in a status that says what happened."""

import asyncio

import pytest

from programs import BAD, GOOD
from w4s.executor import Allowance
from w4s.models.base import Purpose
from w4s.runner import NoAnswer, answer_text
from w4s.sandbox.base import Limits
from w4s.types import Outcome, Status, Workflow
from world import broken_on_threes, problems, world


async def run_beside_a_good_one(code: str) -> tuple[Outcome, Outcome]:
    [problem] = problems(41, 1)
    async with world(limits=Limits(seconds=1, memory_mb=512)) as w:
        bad, good = await asyncio.gather(
            w.runner.run(Workflow(code), problem, Purpose.VALIDATE),
            w.runner.run(Workflow(GOOD), problem, Purpose.VALIDATE),
        )
        later = await w.runner.run(Workflow(GOOD), problem, Purpose.TEST)
        assert later.value == 1
    return bad, good


@pytest.mark.parametrize("name", BAD)
def test_a_bad_program_costs_its_limits_and_harms_no_other(name: str) -> None:
    code, status, line = BAD[name]
    bad, good = asyncio.run(run_beside_a_good_one(code))
    assert bad.status is status
    assert bad.value == 0
    assert bad.score is None
    assert bad.trouble is not None
    assert str(bad.trouble)
    if line is not None:
        assert bad.trouble.line == line
    assert bad.seconds < 4
    assert good.status is Status.SCORED
    assert good.value == 1


def test_helpers_at_module_level_are_found() -> None:
    code = "from math import floor\ndef half(x):\n    return floor(x / 2)\n" + (
        "def solver(agent, task):\n    return {'answer': str(half(84))}\n"
    )

    async def main() -> Outcome:
        async with world() as w:
            return await w.runner.run(Workflow(code), problems(41, 1)[0], Purpose.VALIDATE)

    assert asyncio.run(main()).value == 1


def test_a_call_that_fails_for_good_is_unscored_even_when_it_is_caught() -> None:
    caught = (
        "def solver(agent, task):\n"
        "    try:\n"
        "        agent.call_llm(messages=[{'role': 'user', 'content': task}])\n"
        "    except BaseException:\n"
        "        pass\n"
        "    return {'answer': '14'}\n"
    )

    async def main() -> list[Outcome]:
        async with world(broken_on_threes) as w:
            return [
                await w.runner.run(Workflow(code), problems(13, 1)[0], Purpose.VALIDATE)
                for code in (caught, GOOD)
            ]

    for outcome in asyncio.run(main()):
        assert outcome.status is Status.UNSCORED
        assert "500 for good" in str(outcome.trouble)


def test_equal_calls_of_one_solver_call_are_different_draws() -> None:
    code = (
        "def solver(agent, task):\n"
        "    for _ in range(3):\n"
        "        agent.call_llm(messages=[{'role': 'user', 'content': task}])\n"
        "    return {'answer': '1'}\n"
    )

    async def main() -> list[list[int]]:
        seeds = []
        for purpose, trial in ((Purpose.VALIDATE, 0), (Purpose.VALIDATE, 0), (Purpose.VALIDATE, 1)):
            async with world() as w:
                await w.runner.run(Workflow(code), problems(1, 1)[0], purpose, trial)
                seeds.append([request.seed for request in w.model.requests])
        return seeds

    first, again, repeated = asyncio.run(main())
    assert len(set(first)) == 3
    assert first == again
    assert not set(first) & set(repeated)


def test_more_tokens_than_allowed_are_cut_to_the_allowance() -> None:
    code = (
        "def solver(agent, task):\n"
        "    agent.call_llm(messages=[{'role': 'user', 'content': task}],\n"
        "                   max_completion_tokens=10**9)\n"
        "    return {'answer': '1'}\n"
    )

    async def main() -> int:
        async with world(allowance=Allowance(max_tokens=100)) as w:
            await w.runner.run(Workflow(code), problems(1, 1)[0], Purpose.VALIDATE)
            return w.model.requests[0].max_tokens

    assert asyncio.run(main()) == 100


@pytest.mark.parametrize(
    ("value", "text"),
    [({"answer": 3}, "3"), ({"answer": "x", "more": 1}, "x"), ({"answer": True}, "True")],
)
def test_answers_as_text(value: dict[str, object], text: str) -> None:
    assert answer_text(value) == text


@pytest.mark.parametrize("value", [None, 3, {}, {"answer": " "}, {"answer": {}}])
def test_what_is_no_answer_is_said(value: object) -> None:
    with pytest.raises(NoAnswer):
        answer_text(value)
