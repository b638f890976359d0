"""AllChoices: n responses come back, and the same ones, whatever the server does with n."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from endpoints import Body, Habit, answers, endpoint, question, refused, said, text_of
from w4s.errors import Rejected
from w4s.models.base import Reply, Request
from w4s.models.cached import request_key
from w4s.models.choices import AllChoices
from w4s.models.endpoint.http import HttpModel


async def one_only(request: web.Request, body: Body) -> web.StreamResponse:
    return said([text_of(body)])


async def two_at_most(request: web.Request, body: Body) -> web.StreamResponse:
    return said([text_of(body, k) for k in range(min(2, body.get("n", 1)))])


def replies(habit: Habit, *requests: Request) -> tuple[list[Reply], int]:
    """The replies to requests one after another, and how many calls they took."""

    async def main() -> tuple[list[Reply], int]:
        async with endpoint(habit) as served:
            model = AllChoices(HttpModel("m", served.url, ""))
            try:
                return [await model.complete(r) for r in requests], len(served.bodies)
            finally:
                await model.aclose()

    return asyncio.run(main())


@pytest.mark.parametrize("habit", [answers, one_only, two_at_most])
def test_five_choices_are_the_same_five_from_every_server(habit: Habit) -> None:
    requests = [question("a", n=5), question("b", n=5), question("c", n=1), question("d", n=3)]
    got, _ = replies(habit, *requests)
    for request, reply in zip(requests, got, strict=True):
        text = request.messages[-1].content
        assert [c.text for c in reply.choices] == [
            f"{text} -> {request.seed + k}" for k in range(request.n)
        ]


def test_usage_is_that_of_all_calls() -> None:
    (reply,), calls = replies(one_only, question(n=5))
    assert calls == 5
    assert reply.usage.calls == 5
    assert reply.usage.completion_tokens == 5 * 7


def test_a_server_that_knows_n_is_asked_once() -> None:
    _, calls = replies(answers, question("a", n=5), question("b", n=5))
    assert calls == 2


def test_the_requests_are_the_same_before_and_after_learning() -> None:
    """A run that goes on after a kill starts without the lesson, and must find its replies."""

    class Recorder:
        name = "recorder"

        def __init__(self, model: HttpModel) -> None:
            self.model = model
            self.keys: list[bytes] = []

        async def complete(self, request: Request) -> Reply:
            self.keys.append(request_key(self.name, request))
            return await self.model.complete(request)

        async def aclose(self) -> None:
            await self.model.aclose()

    async def keys(*requests: Request) -> list[bytes]:
        async with endpoint(one_only) as served:
            recorder = Recorder(HttpModel("m", served.url, ""))
            model = AllChoices(recorder)
            for request in requests:
                recorder.keys.clear()
                await model.complete(request)
            await model.aclose()
            return sorted(recorder.keys)

    learned = asyncio.run(keys(question("first", n=5), question("second", n=5)))
    fresh = asyncio.run(keys(question("second", n=5)))
    assert learned == fresh


def test_one_failure_among_the_single_requests_fails_the_call_after_all_have_ended() -> None:
    ended = 0

    async def fails_for_one(request: web.Request, body: Body) -> web.StreamResponse:
        nonlocal ended
        if body["seed"] == question(n=5).seed + 2:
            return refused(400, "no")
        await asyncio.sleep(0.1)
        ended += 1
        return said([text_of(body)])

    with pytest.raises(Rejected):
        replies(fails_for_one, question(n=5))
    assert ended == 4
