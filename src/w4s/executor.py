"""What a workflow may call: the pinned executor, code execution, the public tests.

In: one solver call's identity. Out: a Session, which answers that call's requests and keeps the
account. The child names neither the model nor the key, and cannot see the target. Limits per
solver call are held here; those of the run are held by the model's wrappers.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from w4s.agent import PASSED
from w4s.errors import AccessDenied, ProviderError
from w4s.models.base import Identity, Model, Purpose, Request
from w4s.sandbox import values
from w4s.sandbox.base import Action, Ending, Job, Limits, Refusal, Sandbox
from w4s.types import JSON, Message, Problem, Usage, Workflow

_ROLES = ("system", "user", "assistant")
_FEEDBACK_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one solver call may ask of the host."""

    requests: int = 50
    """Requests to the executor."""
    responses: int = 100
    """Sampled responses over all requests."""
    max_tokens: int = 4096
    """Upper limit of each response; a workflow that asks for more gets this much."""
    prompt_characters: int = 400_000
    """Length of one conversation."""
    code_seconds: float = 30.0
    """Longest timeout of `execute_code`."""


class CallLimitExceeded(Exception):
    """A solver call asked for more than its allowance."""


@dataclass(frozen=True, slots=True)
class Executor:
    """The strong model and the sandbox, as workflows reach them."""

    model: Model
    sandbox: Sandbox
    seed: int
    allowance: Allowance = Allowance()

    def session(
        self, workflow: Workflow, problem: Problem, purpose: Purpose, trial: int = 0
    ) -> Session:
        """The conversation of one solver call."""
        return Session(
            self, Identity(self.seed, purpose, workflow.digest, problem.id, trial), problem
        )


class Session:
    """Answers the calls of one solver call, and remembers what went wrong on our side."""

    def __init__(self, executor: Executor, identity: Identity, problem: Problem) -> None:
        self._executor = executor
        self._identity = identity
        self._problem = problem
        self._seen: Counter[str] = Counter()
        self._requests = 0
        self._responses = 0
        self.usage = Usage()
        self.failure: ProviderError | None = None
        """The first model call that failed for good; makes the outcome UNSCORED."""
        self._methods = {
            "llm": self._llm,
            "execute": self._execute,
            "run_public_tests": self._run_public_tests,
        }

    async def __call__(self, method: str, arguments: Mapping[str, JSON]) -> JSON:
        """Answer one call. Raises Refusal for what the workflow did wrong, CallLimitExceeded
        beyond the allowance; BudgetExceeded and ProviderDown pass through."""
        answer = self._methods.get(method)
        if answer is None:
            raise Refusal("AttributeError", f"the agent has no method '{method}'")
        return await answer(arguments)

    async def _llm(self, arguments: Mapping[str, JSON]) -> JSON:
        request = self._request(arguments)
        try:
            reply = await self._executor.model.complete(request)
        except AccessDenied:
            raise
        except ProviderError as error:
            self.failure = self.failure or error
            raise Refusal("RuntimeError", "the model could not be reached") from error
        self.usage += reply.usage
        return [choice.text for choice in reply.choices]

    def _request(self, arguments: Mapping[str, JSON]) -> Request:
        allowance = self._executor.allowance
        messages = _messages(arguments.get("messages"), allowance.prompt_characters)
        n = _number(arguments, "n", 1, allowance.responses, 1)
        self._requests += 1
        self._responses += int(n)
        if self._requests > allowance.requests:
            raise CallLimitExceeded(f"more than {allowance.requests} requests to the model")
        if self._responses > allowance.responses:
            raise CallLimitExceeded(f"more than {allowance.responses} responses of the model")
        temperature = _number(arguments, "temperature", 0.0, 2.0, 1.0)
        max_tokens = _number(arguments, "max_tokens", 1, math.inf, allowance.max_tokens)
        json_mode = arguments.get("json_mode") is True
        content = json.dumps([[m.role, m.content] for m in messages] + [temperature, n, json_mode])
        key = hashlib.sha256(content.encode()).hexdigest()
        occurrence = self._seen[key]
        self._seen[key] += 1
        identity = self._identity
        return Request(
            messages=messages,
            identity=Identity(
                identity.seed,
                identity.purpose,
                identity.workflow,
                identity.problem,
                identity.trial,
                occurrence,
            ),
            temperature=float(temperature),
            max_tokens=int(min(max_tokens, allowance.max_tokens)),
            n=int(n),
            json_mode=json_mode,
        )

    async def _execute(self, arguments: Mapping[str, JSON]) -> JSON:
        code = _text(arguments, "code")
        longest = self._executor.allowance.code_seconds
        seconds = _number(arguments, "timeout", 0.1, longest, 5.0)
        job = Job(code, Action.VALUE, limits=Limits(seconds=float(seconds)))
        result = await self._executor.sandbox.run(job)
        if result.ending is not Ending.RETURNED:
            raise Refusal("RuntimeError", str(result.trouble))
        value: JSON = values.plain(values.decode(result.value))
        return value

    async def _run_public_tests(self, arguments: Mapping[str, JSON]) -> JSON:
        solution, entry_point = _text(arguments, "solution"), _text(arguments, "entry_point")
        tests = self._problem.public_tests
        if not tests:
            raise Refusal("RuntimeError", "this task has no public tests")
        if entry_point != self._problem.entry_point:
            raise Refusal("ValueError", f"the entry point is '{self._problem.entry_point}'")
        job = Job(solution, Action.STATEMENTS, entry_point, cases=tests, limits=Limits(seconds=10))
        result = await self._executor.sandbox.run(job)
        if result.ending is not Ending.RETURNED:
            return f"The solution failed before its tests: {result.trouble}"[:_FEEDBACK_CHARACTERS]
        assert isinstance(result.value, list)
        failures = [
            f"{test}\n  -> {_error_text(outcome)}"
            for test, outcome in zip(tests, result.value, strict=True)
            if outcome is not None
        ]
        return "\n".join(failures)[:_FEEDBACK_CHARACTERS] if failures else PASSED


def _messages(value: JSON, most_characters: int) -> tuple[Message, ...]:
    if not isinstance(value, list) or not value:
        raise Refusal("ValueError", "messages must be a list of messages")
    messages = []
    for item in value:
        if not isinstance(item, dict):
            raise Refusal("ValueError", "a message must be a dict")
        role, content = item.get("role"), item.get("content")
        if role not in _ROLES or not isinstance(content, str):
            raise Refusal("ValueError", "a message needs a known role and a text as content")
        messages.append(Message(str(role), content))
    if sum(len(message.content) for message in messages) > most_characters:
        raise Refusal("ValueError", f"a conversation may hold {most_characters} characters at most")
    return tuple(messages)


def _number(
    arguments: Mapping[str, JSON], name: str, least: float, most: float, default: float
) -> float:
    value = arguments.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise Refusal("ValueError", f"{name} must be a number from {least:g} to {most:g}")
    return value


def _text(arguments: Mapping[str, JSON], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise Refusal("TypeError", f"{name} must be a text")
    return value


def _error_text(outcome: JSON) -> str:
    error = outcome.get("error") if isinstance(outcome, dict) else None
    if not isinstance(error, dict):
        return "failed"
    return f"{error.get('type')}: {error.get('message')}".rstrip(": ")
