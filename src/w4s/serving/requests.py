"""One request of the chat-completions protocol, as a question to a workflow.

In: the bytes of the body. Out: a Question, or an ApiError. Every option is used, ignored or
refused; the three lists stand here, and `docs/production.md` repeats them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from w4s.answering import entry_point_in, question_of_user
from w4s.models.chat_api import ApiError, read_messages, read_object, read_whole
from w4s.serving.settings import Reading
from w4s.types import Message, Problem

USED = frozenset(
    {
        "model", "messages", "stream", "stream_options", "seed", "n", "response_format",
        "modalities", "entry_point", "public_tests",
    }
)  # fmt: skip
IGNORED = frozenset(
    {
        "temperature", "top_p", "top_k", "min_p", "max_tokens", "max_completion_tokens", "stop",
        "presence_penalty", "frequency_penalty", "repetition_penalty", "logit_bias", "user",
        "metadata", "store", "service_tier", "reasoning_effort", "verbosity", "prediction",
        "prompt_cache_key", "safety_identifier", "parallel_tool_calls",
    }
)  # fmt: skip
"""How the workflow samples is part of the workflow, so these mean nothing here."""
REFUSED = frozenset(
    {
        "tools", "tool_choice", "functions", "function_call", "logprobs", "top_logprobs", "audio",
        "web_search_options",
    }
)  # fmt: skip
"""A client that asks for one of these counts on something that no workflow gives."""
MOST_TESTS = 100


@dataclass(frozen=True, slots=True)
class Question:
    """What a client asks."""

    problem: Problem
    trial: int
    """The client's `seed`: another one is another draw of everything."""
    stream: bool
    include_usage: bool
    """End the stream with a chunk that tells the usage."""
    ignored: tuple[str, ...]
    """Options of the request that have no effect here."""


def read_question(raw: bytes, *, model: str, reading: Reading, writes_code: bool) -> Question:
    """Read one body. `writes_code`: the workflow has to know the name of a function."""
    body = read_object(raw)
    _check_model(body.get("model"), model)
    ignored = _check_options(body)
    text = question_text(read_messages(body), reading)
    problem = question_of_user(
        text, _entry_point(body, text) if writes_code else None, _public_tests(body)
    )
    options = body.get("stream_options")
    return Question(
        problem=problem,
        trial=read_whole(body, "seed", 0),
        stream=_flag(body, "stream"),
        include_usage=isinstance(options, Mapping) and options.get("include_usage") is True,
        ignored=ignored,
    )


def question_text(messages: Sequence[Message], reading: Reading) -> str:
    """The question in a conversation.

    A single user message is the question as it stands. Instructions are put before it. Earlier
    turns are told as a transcript, with the message to answer behind it."""
    *before, last = messages
    if last.role != "user":
        raise ApiError("The last message must be the user's.", param="messages")
    if not last.content.strip():
        raise ApiError("The last message is empty.", param="messages")
    if reading is Reading.LAST or not before:
        return last.content
    instructions = [m.content for m in before if m.role == "system"]
    turns = [f"{m.role.capitalize()}: {m.content}" for m in before if m.role != "system"]
    if not turns:
        return "\n\n".join([*instructions, last.content])
    return "\n\n".join(
        [
            *instructions,
            "The conversation so far:",
            *turns,
            "The message to answer now:",
            last.content,
        ]
    )


def _check_model(asked: Any, model: str) -> None:
    if not isinstance(asked, str) or not asked:
        raise ApiError("'model' must be a non-empty string.", param="model")
    if asked != model:
        raise ApiError(
            f"The model '{asked}' does not exist; this server has '{model}'.",
            status=404,
            param="model",
            code="model_not_found",
        )


def _check_options(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The options without effect; raises ApiError for those that are refused."""
    for name, value in body.items():
        if name in REFUSED and value not in (None, False, [], 0, "none"):
            raise _unsupported(name)
        if name not in USED | IGNORED | REFUSED:
            raise ApiError(
                f"Unrecognized request argument supplied: {name[:100]}",
                param=name[:100],
                code="unknown_parameter",
            )
    if body.get("modalities") not in (None, ["text"]):
        raise _unsupported("modalities")
    if read_whole(body, "n", 1, low=1) > 1:
        raise _unsupported("n", " above 1: the workflow gives one answer; ask again with another"
                           " 'seed' for another")  # fmt: skip
    shape = body.get("response_format")
    if shape is not None and (not isinstance(shape, Mapping) or shape.get("type") != "text"):
        raise _unsupported("response_format", " other than text: the workflow decides the form")
    return tuple(sorted(n for n in IGNORED if body.get(n) is not None))


def _unsupported(name: str, why: str = ": a workflow answers in text") -> ApiError:
    return ApiError(f"'{name}' is not supported{why}.", param=name, code="unsupported_parameter")


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise ApiError(f"'{name}' must be true or false.", param=name)
    return bool(value)


def _entry_point(body: Mapping[str, Any], text: str) -> str:
    given = body.get("entry_point")
    if given is None:
        given = entry_point_in(text)
    if not isinstance(given, str) or not given.isidentifier():
        raise ApiError(
            "This workflow writes a function: name it in the question, as `name(arguments)` or"
            " with a def line, or give its name as 'entry_point'.",
            param="entry_point",
        )
    return given


def _public_tests(body: Mapping[str, Any]) -> tuple[str, ...]:
    tests = body.get("public_tests")
    if tests is None:
        return ()
    if not isinstance(tests, list) or not all(isinstance(test, str) for test in tests):
        raise ApiError("'public_tests' must be a list of strings.", param="public_tests")
    if len(tests) > MOST_TESTS:
        raise ApiError(f"At most {MOST_TESTS} public tests.", param="public_tests")
    return tuple(tests)
