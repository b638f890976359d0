"""HttpModel against real sockets: what it sends, what it reads, what it makes of trouble."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeVar

import pytest
from aiohttp import web

from endpoints import (
    Body,
    Endpoint,
    Habit,
    always,
    answers,
    cuts,
    drops,
    endpoint,
    in_turn,
    question,
    refused,
    said,
    text_of,
)
from w4s.errors import (
    AccessDenied,
    Overloaded,
    ProviderError,
    Rejected,
    ServerFault,
    Unsupported,
)
from w4s.models.base import Reply, Request
from w4s.models.endpoint.features import Features, SystemRole
from w4s.models.endpoint.http import HttpModel
from w4s.types import Message

KEY = "sk-secret-0123456789"


T = TypeVar("T")


def talk(
    habit: Habit, conversation: Callable[[HttpModel, Endpoint], Awaitable[T]], **options: Any
) -> T:
    """Have a conversation with a server of this habit."""

    async def main() -> T:
        async with endpoint(habit) as served:
            model = HttpModel("m", served.url, KEY, **options)
            try:
                return await conversation(model, served)
            finally:
                await model.aclose()

    return asyncio.run(main())


def ask(habit: Habit, request: Request, **options: Any) -> Reply:
    """One call."""
    return talk(habit, lambda model, served: model.complete(request), **options)


def failure(habit: Habit, request: Request | None = None, **options: Any) -> ProviderError:
    """The error of one call."""
    with pytest.raises(ProviderError) as caught:
        ask(habit, request or question(), **options)
    return caught.value


async def persist(model: HttpModel, request: Request) -> Reply:
    """Ask again as long as the server refuses features."""
    for _ in range(10):
        try:
            return await model.complete(request)
        except Unsupported:
            continue
    raise AssertionError("it goes on refusing")


# --- What is sent and read -----------------------------------------------------------------


def test_a_request_says_everything_that_shapes_the_reply() -> None:
    request = question("How many?", temperature=0.3, top_p=0.8, max_tokens=77, n=3, json_mode=True)

    async def conversation(model: HttpModel, served: Endpoint) -> None:
        await model.complete(request)
        assert served.keys == [f"Bearer {KEY}"]
        assert served.bodies == [
            {
                "model": "m",
                "messages": [
                    {"role": "system", "content": "Answer in JSON."},
                    {"role": "user", "content": "How many?"},
                ],
                "temperature": 0.3,
                "top_p": 0.8,
                "max_tokens": 77,
                "seed": request.seed,
                "n": 3,
                "response_format": {"type": "json_object"},
            }
        ]

    talk(answers, conversation)


def test_a_reply_holds_texts_in_order_and_what_they_used() -> None:
    async def shuffled(request: web.Request, body: Body) -> web.StreamResponse:
        choices = [
            {"index": 1, "message": {"content": "second"}, "finish_reason": "length"},
            {"index": 0, "message": {"content": "first"}, "finish_reason": "stop"},
        ]
        usage = {"prompt_tokens": 5, "completion_tokens": 6}
        return web.json_response({"choices": choices, "usage": usage})

    reply = ask(shuffled, question(n=2))
    assert [(c.text, c.finish_reason) for c in reply.choices] == [
        ("first", "stop"),
        ("second", "length"),
    ]
    assert (reply.usage.calls, reply.usage.prompt_tokens, reply.usage.completion_tokens) == (
        1,
        5,
        6,
    )


def test_an_empty_text_with_a_reason_is_a_reply() -> None:
    """A reasoning model that used up its tokens before it said anything."""
    reply = ask(always(lambda: said([None], finish="length")), question())
    assert (reply.choices[0].text, reply.choices[0].finish_reason) == ("", "length")


def test_token_ids_are_asked_for_and_read() -> None:
    async def vllm(request: web.Request, body: Body) -> web.StreamResponse:
        assert body["return_token_ids"] is True
        choice = {"message": {"content": "hi"}, "finish_reason": "stop", "token_ids": [7, 8]}
        return web.json_response({"choices": [choice], "prompt_token_ids": [1, 2, 3]})

    reply = ask(vllm, question(), token_ids=True)
    assert reply.choices[0].token_ids == (7, 8)
    assert reply.prompt_ids == (1, 2, 3)


def test_tokens_are_estimated_where_the_server_counts_none() -> None:
    reply = ask(
        always(lambda: web.json_response({"choices": [{"message": {"content": "four" * 10}}]})),
        question("x" * 400),
    )
    assert reply.usage.prompt_tokens > 100
    assert reply.usage.completion_tokens == 10


@pytest.mark.parametrize("count", [-5, 10**30, 1.5, "7", None, True])
def test_senseless_counts_of_tokens_are_not_believed(count: Any) -> None:
    usage = {"prompt_tokens": count, "completion_tokens": 3}
    reply = ask(always(lambda: said(["four" * 10], usage=usage)), question())
    assert reply.usage.completion_tokens in (3, 10)
    assert 0 < reply.usage.prompt_tokens < 100


def test_half_characters_cross_in_neither_direction() -> None:
    """Generated programs and careless servers make lone surrogates, which UTF-8 cannot carry."""

    async def conversation(model: HttpModel, served: Endpoint) -> None:
        reply = await model.complete(question("broken \ud83d"))
        assert served.bodies[0]["messages"][1]["content"] == "broken ?"
        assert reply.choices[0].text == "half ?"

    async def half(request: web.Request, body: Body) -> web.StreamResponse:
        text = '{"choices": [{"message": {"content": "half \\ud83d"}}]}'
        return web.Response(text=text, content_type="application/json")

    talk(half, conversation)


def test_the_key_shows_nowhere() -> None:
    error = failure(always(lambda: refused(401, f"Incorrect API key provided: {KEY}")))
    assert isinstance(error, AccessDenied)
    assert KEY not in str(error)
    assert "…" in str(error)
    model = HttpModel("m", f"http://user:{KEY}@127.0.0.1:1/v1?key={KEY}", KEY)
    assert KEY not in repr(model)
    assert model.name == "openai:m@http://127.0.0.1:1/v1"


# --- Servers that lack something -----------------------------------------------------------


def lacks(parameter: str, message: str, status: int = 400, **fields: Any) -> Habit:
    """Refuses every request that has the parameter."""

    async def habit(request: web.Request, body: Body) -> web.StreamResponse:
        return (
            refused(status, message, **fields)
            if parameter in body
            else await answers(request, body)
        )

    return habit


LACKING = [
    pytest.param("n", lacks("n", "'n' : number must be at most 1", param="n"), id="n, Groq"),
    pytest.param("n", lacks("n", "Only one completion choice is supported; n was 3"), id="n"),
    pytest.param(
        "response_format",
        lacks(
            "response_format",
            "'response_format.type' must be 'json_schema' or 'text'",
            param="response_format",
        ),
        id="JSON mode",
    ),
    pytest.param("seed", lacks("seed", "Unrecognized request argument supplied: seed"), id="seed"),
    pytest.param(
        "temperature",
        lacks(
            "temperature",
            "Unsupported value: 'temperature' does not support 0.3 with this"
            " model. Only the default (1) value is supported.",
            param="temperature",
            code="unsupported_value",
        ),
        id="temperature",
    ),
    pytest.param(
        "top_p",
        lacks("top_p", "`temperature` and `top_p` cannot both be specified for this model."),
        id="top_p beside temperature",
    ),
    pytest.param(
        "max_tokens",
        lacks(
            "max_tokens",
            "Unsupported parameter: 'max_tokens' is not supported with this model."
            " Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        ),
        id="max_tokens",
    ),
]


@pytest.mark.parametrize(("parameter", "habit"), LACKING)
def test_a_refused_parameter_is_left_out_from_then_on(parameter: str, habit: Habit) -> None:
    request = question("one", temperature=0.3, top_p=0.9, n=3, json_mode=True)

    async def conversation(model: HttpModel, served: Endpoint) -> None:
        with pytest.raises(Unsupported):
            await model.complete(request)
        await model.complete(request)
        await model.complete(question("two", n=2, json_mode=True))
        assert [parameter in body for body in served.bodies] == [True, False, False]
        kept = {"n", "response_format", "seed", "temperature", "top_p"} - {parameter}
        assert kept <= set(served.bodies[1])

    talk(habit, conversation)


def test_the_other_name_of_the_length_limit_is_used() -> None:
    async def conversation(model: HttpModel, served: Endpoint) -> None:
        await persist(model, question(max_tokens=99))
        assert served.bodies[-1]["max_completion_tokens"] == 99
        assert "max_tokens" not in served.bodies[-1]

    talk(lacks("max_tokens", "Unsupported parameter: 'max_tokens'"), conversation)


def test_a_server_without_any_length_limit_is_asked_without_one() -> None:
    async def neither(request: web.Request, body: Body) -> web.StreamResponse:
        for limit in ("max_tokens", "max_completion_tokens"):
            if limit in body:
                detail = [{"loc": ["body", limit], "msg": "Extra inputs are not permitted"}]
                return web.json_response({"detail": detail}, status=422)
        return await answers(request, body)

    async def conversation(model: HttpModel, served: Endpoint) -> None:
        await persist(model, question())
        assert len(served.bodies) == 3

    talk(neither, conversation)


def refuses_roles(*roles: str) -> Habit:
    async def habit(request: web.Request, body: Body) -> web.StreamResponse:
        for number, message in enumerate(body["messages"]):
            if message["role"] in roles:
                text = f"Unsupported value: 'messages[{number}].role' does not support"
                return refused(400, f"{text} '{message['role']}' with this model.")
        return await answers(request, body)

    return habit


@pytest.mark.parametrize(
    ("refused_roles", "expected"),
    [
        (("system",), [("developer", "Answer in JSON."), ("user", "2 + 2?")]),
        (("system", "developer"), [("user", "Answer in JSON.\n\n2 + 2?")]),
    ],
)
def test_instructions_find_a_role(
    refused_roles: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    async def conversation(model: HttpModel, served: Endpoint) -> None:
        await persist(model, question())
        sent = served.bodies[-1]["messages"]
        assert [(m["role"], m["content"]) for m in sent] == expected

    talk(refuses_roles(*refused_roles), conversation)


def test_concurrent_refusals_teach_once() -> None:
    """Requests sent before the lesson are refused too, and must not undo or repeat it."""

    async def conversation(model: HttpModel, served: Endpoint) -> None:
        await asyncio.gather(*(persist(model, question(str(i))) for i in range(30)))
        assert model.features.system_role is SystemRole.USER
        assert model.features.seed

    talk(refuses_roles("system", "developer"), conversation)


def test_a_scout_spares_the_crowd_the_refusals() -> None:
    async def reasoning(request: web.Request, body: Body) -> web.StreamResponse:
        for parameter in ("temperature", "top_p"):
            if parameter in body:
                return refused(400, f"Unsupported parameter: '{parameter}'", param=parameter)
        return await answers(request, body)

    async def conversation(model: HttpModel, served: Endpoint) -> None:
        await asyncio.gather(*(persist(model, question(str(i))) for i in range(30)))
        assert len(served.bodies) == 32

    talk(reasoning, conversation, scout=True)


def test_a_scout_that_fails_holds_nobody_up() -> None:
    async def conversation(model: HttpModel, served: Endpoint) -> None:
        results = await asyncio.gather(
            *(model.complete(question(str(i))) for i in range(5)), return_exceptions=True
        )
        assert [type(r) for r in results] == [ServerFault, Reply, Reply, Reply, Reply]

    talk(in_turn(drops, answers), conversation, scout=True)


def test_a_server_that_silently_returns_one_choice_is_noticed() -> None:
    async def conversation(model: HttpModel, served: Endpoint) -> None:
        reply = await model.complete(question("one", n=3))
        await model.complete(question("two", n=3))
        assert len(reply.choices) == 1
        assert ["n" in body for body in served.bodies] == [True, False]

    talk(always(lambda: said(["just one"])), conversation)


def test_json_mode_is_left_out_where_nothing_speaks_of_json() -> None:
    """OpenAI answers 400 then, and would go on doing so."""
    silent = Request((Message("user", "hi"),), question().identity, json_mode=True)

    async def conversation(model: HttpModel, served: Endpoint) -> None:
        await model.complete(silent)
        assert "response_format" not in served.bodies[0]

    talk(answers, conversation)


def test_a_probe_says_what_the_server_supports() -> None:
    async def old(request: web.Request, body: Body) -> web.StreamResponse:
        for parameter in ("seed", "response_format", "top_p"):
            if parameter in body:
                return refused(400, f"Unknown parameter: '{parameter}'.", param=parameter)
        return said([text_of(body)])

    features = talk(old, lambda model, served: model.probe())
    assert features == Features(n=False, json_mode=False, seed=False, top_p=False)


# --- Trouble -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "fields", "expected"),
    [
        (400, {"message": "Invalid 'messages'"}, Rejected),
        (
            400,
            {
                "message": "This model's maximum context length is 8192 tokens. However, you"
                " requested 9000 tokens. Unsupported.",
                "param": "max_tokens",
            },
            Rejected,
        ),
        (
            400,
            {
                "message": "max_tokens is too large: 99999. This model supports at most 4096"
                " completion tokens",
                "param": "max_tokens",
            },
            Rejected,
        ),
        (401, {"message": "Incorrect API key"}, AccessDenied),
        (402, {"message": "Insufficient Balance"}, AccessDenied),
        (403, {"message": "Forbidden"}, AccessDenied),
        (404, {"message": "The model `m` does not exist"}, AccessDenied),
        (413, {"message": "Payload too large"}, Rejected),
        (422, {"message": "Value error"}, Rejected),
        (429, {"message": "Rate limit reached"}, Overloaded),
        (
            429,
            {"message": "You exceeded your current quota", "code": "insufficient_quota"},
            AccessDenied,
        ),
        (429, {"message": "Request too large for m on tokens per min"}, Rejected),
        (500, {"message": "The server had an error"}, ServerFault),
        (503, {"message": "Overloaded"}, ServerFault),
    ],
)
def test_a_status_means_an_error(
    status: int, fields: dict[str, Any], expected: type[ProviderError]
) -> None:
    error = failure(always(lambda: refused(status, **fields)))
    assert type(error) is expected
    assert fields["message"] in str(error)
    assert not getattr(error, "unknown", False)


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("2.5", 2.5, 2.5),
        # An hour off: written down when tests are collected, read when this one's turn comes.
        (format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True), 1800, 3601),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
    ],
    ids=["seconds", "in an hour", "long ago"],
)
def test_retry_after_is_read_in_both_forms(value: str, low: float, high: float) -> None:
    for habit in (
        always(lambda: refused(429, "wait", {"Retry-After": value})),
        always(lambda: refused(503, "wait", {"Retry-After": value})),
    ):
        error = failure(habit)
        assert isinstance(error, Overloaded | ServerFault)
        assert error.retry_after is not None
        assert low <= error.retry_after <= high


@pytest.mark.parametrize("value", ["soon", "nan", "inf"])
def test_a_senseless_retry_after_is_no_wish(value: str) -> None:
    error = failure(always(lambda: refused(429, "wait", {"Retry-After": value})))
    assert isinstance(error, Overloaded)
    assert error.retry_after is None


def json_text(text: str) -> Habit:
    return always(lambda: web.Response(text=text, content_type="application/json"))


@pytest.mark.parametrize(
    "habit",
    [
        pytest.param(drops, id="dropped"),
        pytest.param(cuts, id="cut"),
        pytest.param(json_text("<html>upstream connect error</html>"), id="no JSON"),
        pytest.param(json_text('{"choices": [{"mess'), id="half a JSON"),
        pytest.param(json_text("[" * 100_000), id="nested"),
        pytest.param(json_text("[]"), id="a list"),
        pytest.param(json_text("{}"), id="no choices"),
        pytest.param(json_text('{"choices": []}'), id="empty choices"),
        pytest.param(json_text('{"choices": [{}]}'), id="no message"),
        pytest.param(json_text('{"choices": [{"message": {"content": 5}}]}'), id="a number"),
        pytest.param(always(lambda: said([None])), id="stopped without content"),
        pytest.param(always(lambda: refused(504, "gateway timeout")), id="504"),
    ],
)
def test_an_answer_that_got_lost_is_of_unknown_outcome(habit: Habit) -> None:
    error = failure(habit)
    assert isinstance(error, ServerFault)
    assert error.unknown


def test_a_slow_server_runs_into_the_timeout() -> None:
    async def slow(request: web.Request, body: Body) -> web.StreamResponse:
        await asyncio.sleep(20)
        return web.Response()

    error = failure(slow, timeout_seconds=0.3)
    assert isinstance(error, ServerFault)
    assert error.unknown
    assert "0.3 seconds" in str(error)


def test_a_server_that_trickles_runs_into_the_timeout_too() -> None:
    """The transport's own timeout starts anew with every byte."""

    async def trickle(request: web.Request, body: Body) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b" ")
            await asyncio.sleep(0.1)
        return response

    error = failure(trickle, timeout_seconds=0.5)
    assert isinstance(error, ServerFault)
    assert error.unknown


def test_a_call_that_never_arrived_cost_nothing() -> None:
    async def main() -> ServerFault:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
            model = HttpModel("m", f"http://127.0.0.1:{taken.getsockname()[1]}/v1", KEY)
            with pytest.raises(ServerFault) as caught:
                await model.complete(question())
            await model.aclose()
        return caught.value

    error = asyncio.run(main())
    assert not error.unknown
    assert "no connection to 127.0.0.1" in str(error)


@pytest.mark.parametrize(("code", "expected"), [(429, Overloaded), (502, ServerFault)])
def test_an_error_under_status_200_is_an_error(code: int, expected: type[ProviderError]) -> None:
    error = failure(always(lambda: refused(200, "Provider returned error", code=code)))
    assert type(error) is expected


def test_after_trouble_the_next_call_succeeds() -> None:
    async def conversation(model: HttpModel, served: Endpoint) -> str:
        for _ in range(2):
            with pytest.raises(ServerFault):
                await model.complete(question())
        return (await model.complete(question())).choices[0].text

    text = talk(in_turn(drops, cuts, answers), conversation)
    assert text.startswith("2 + 2? -> ")
