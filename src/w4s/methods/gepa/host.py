"""What the peer may ask of this process, on a port of the loopback that takes one token.

In: an environment and a meta-agent. Out: an OpenAI-compatible endpoint for each of the two models,
scores by the task's own scorer, and the word that a limit was reached. No gold answer of a private
problem goes out, and no key.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from w4s.agent import make_agent
from w4s.environment import Environment
from w4s.errors import AccessDenied, BudgetExceeded, ProviderError, TooManyUnscored, W4sError
from w4s.feedback import expected_answer
from w4s.listening import listening
from w4s.meta_agent import MetaAgent
from w4s.methods.gepa.exported import ANSWER, CODE, opened
from w4s.models.base import Choice, Identity, Model, Purpose, Request
from w4s.models.chat_api import ApiError, ChatCall, answer_body, error_body, read_call
from w4s.runner import NoAnswer, answer_text
from w4s.tasks.base import Interface
from w4s.types import JSON, Message, Problem, Score

_MAX_BODY_BYTES = 32 * 1024 * 1024
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Found:
    """What the peer reports at its end."""

    instructions: str
    scores: tuple[float, ...]
    """On the private problems, in their order."""
    candidates: int
    metric_calls: int


@dataclass(slots=True)
class PeerHost:
    """Answers the peer, and remembers what came of it."""

    env: Environment
    agent: MetaAgent
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    url: str = ""
    found: Found | None = None
    template: tuple[Message, ...] = ()
    """The conversation of the program that was found, with marks in place of its inputs."""
    over: BudgetExceeded | None = None
    """The limit that was reached."""
    broken: W4sError | None = None
    """What else makes it senseless to go on."""
    _asked: int = 0
    _lost: int = 0
    """Calls of the executor, and those that failed for good: DSPy counts these as wrong."""
    _judged: set[str] = field(default_factory=set)
    _seen: Counter[tuple[Message, ...]] = field(default_factory=Counter)

    @property
    def code(self) -> bool:
        """Whether the task wants programs."""
        return self.agent.brief.interface is Interface.CODE

    def check(self) -> None:
        """Raise what leaves no program to believe in."""
        if self.broken is not None:
            raise self.broken
        if self._lost > self.env.evaluator.unscored_limit * self._asked:
            raise TooManyUnscored(
                f"{self._lost} of {self._asked} calls of GEPA failed for faults of the provider"
                f" (limit {self.env.evaluator.unscored_limit:.0%})"
            )
        if self.over is not None and not self._validated():
            raise self.over

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES, middlewares=[self._guard])
        for model in (self._executor, self._reflection, self._template):
            app.router.add_post(f"/{model.__name__[1:]}/v1/chat/completions", model)
        for route in (self._score, self._over, self._found):
            app.router.add_post(f"/{route.__name__[1:]}", route)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Let the peer alone in, and word every refusal as the API does."""
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        try:
            return await handler(request)
        except ApiError as error:
            return web.Response(body=error.body, status=error.status)
        except BudgetExceeded as error:
            self.over = error
            return _refused(error)
        except ProviderError as error:
            if isinstance(error, AccessDenied):
                self.broken = self.broken or error
            return _refused(error)
        except W4sError as error:
            self.broken = self.broken or error
            return _refused(error)

    # --- The models --------------------------------------------------------------------------

    async def _executor(self, request: web.Request) -> web.Response:
        call, executor = await _call(request), self.env.evaluator.runner.executor
        most = executor.allowance.max_tokens
        self._asked += 1
        try:
            return await self._ask(
                executor.model, Purpose.VALIDATE, call, opened(call.messages), most, True
            )
        except ProviderError:
            self._lost += 1
            raise

    async def _reflection(self, request: web.Request) -> web.Response:
        call, agent = await _call(request), self.agent
        return await self._ask(
            agent.model, Purpose.PROPOSE, call, call.messages, agent.max_tokens, call.json_mode
        )

    async def _template(self, request: web.Request) -> web.Response:
        call = await _call(request)
        self.template = call.messages
        blank = Choice(json.dumps({"reasoning": "", ANSWER: "", CODE: ""}))
        return web.json_response(answer_body(0, call, [blank]))

    async def _ask(
        self,
        model: Model,
        purpose: Purpose,
        call: ChatCall,
        messages: tuple[Message, ...],
        most_tokens: int,
        json_mode: bool,
    ) -> web.Response:
        if (stop := self.over or self.broken) is not None:
            raise stop
        identity = Identity(self.agent.seed, purpose, "gepa", occurrence=self._seen[messages])
        self._seen[messages] += 1
        reply = await model.complete(
            Request(
                messages,
                identity,
                temperature=call.temperature,
                top_p=call.top_p,
                max_tokens=min(call.max_tokens, most_tokens),
                json_mode=json_mode,
            )
        )
        return web.json_response(answer_body(0, call, reply.choices))

    # --- The rest ----------------------------------------------------------------------------

    async def _score(self, request: web.Request) -> web.Response:
        """Judge one answer; what is said of it quotes public problems alone."""
        asked = await request.json()
        search = self.env.problems
        public = {problem.id: problem for problem in search.public}
        problem = public.get(asked["problem"]) or next(
            problem for problem in search.private if problem.id == asked["problem"]
        )
        score = await self._judge(problem, asked["answer"])
        self._judged.add(problem.id)
        said = _verdict(problem, score) if problem.id in public else f"Score: {score.value:g}."
        return web.json_response({"score": score.value, "feedback": said})

    async def _judge(self, problem: Problem, answer: JSON) -> Score:
        if problem.entry_point is not None and isinstance(answer, str):
            answer = make_agent(_no_call).extract_code_block(answer, problem.entry_point)
        try:
            text = answer_text({"answer": answer})
        except NoAnswer as error:
            return Score(0.0, reason=str(error))
        runner = self.env.evaluator.runner
        return await runner.scorer(problem, text, runner.executor.sandbox)

    async def _over(self, request: web.Request) -> web.Response:
        return web.json_response({"over": (self.over or self.broken) is not None})

    async def _found(self, request: web.Request) -> web.Response:
        told = await request.json()
        self.found = Found(
            told["instructions"], tuple(told["scores"]), told["candidates"], told["metric_calls"]
        )
        return web.json_response({})

    def _validated(self) -> bool:
        """Whether the first program at least was measured on every private problem."""
        return self.found is not None and self._judged >= {p.id for p in self.env.problems.private}


@asynccontextmanager
async def serving(env: Environment, agent: MetaAgent) -> AsyncIterator[PeerHost]:
    """A host that listens inside the block."""
    host = PeerHost(env, agent)
    app = host.application()
    async with listening(app, "127.0.0.1", 0, cancel_abandoned=False) as here:
        host.url = here.address
        yield host


async def _call(request: web.Request) -> ChatCall:
    """A request for a reply. The format of the reply is the workflow's affair, not DSPy's."""
    body = await request.json()
    kind = body.pop("response_format", None)
    call = read_call(json.dumps(body).encode())
    if kind is None:
        return call
    return ChatCall(
        call.model,
        call.messages,
        call.n,
        call.seed,
        call.temperature,
        call.top_p,
        call.max_tokens,
        json_mode=True,
    )


def _verdict(problem: Problem, score: Score) -> str:
    if score.value >= 1:
        return "Right."
    reason = f" ({score.reason})" if score.reason else ""
    return f"Wrong{reason}. Expected: {expected_answer(problem)}"


def _refused(error: W4sError) -> web.Response:
    return web.Response(body=error_body(str(error), type="refused"), status=400)


def _no_call(method: str, **arguments: object) -> JSON:
    raise AssertionError(f"reading a reply asks for nothing, not {method}")
