"""The `agent` object a workflow receives, on the child's side of the wall.

In: a function `call(method, **arguments)` that asks the host and blocks. Out: the object whose
methods are the workflow interface of the W4S paper. Only three methods cross the wall (`llm`,
`execute`, `run_public_tests`); the rest is text work that happens here, under the child's limits.

This file is handed to the sandbox as text, so it imports the standard library alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

ONLY_PARSED = 0x400
"""The flag with which `ast.parse` calls `compile`; the module `ast` is large for every child."""
PASSED = "no error"
"""What `exec_test` returns when every public test passes."""

REHEARSAL = """
from collections import Counter

def solver(agent, task: str):
    replies = agent.call_json_format_llm(
        messages=[{"role": "user", "content": f"{task}"}],
        temperature=0.5,
        num_of_response=3,
        return_dict_keys=["reasoning", "answer"],
        instructions="Think.",
    )
    answers = [str(reply["answer"]).strip() for reply in replies]
    return {"answer": Counter(answers).most_common(1)[0][0]}
"""
REPLY = ['{"reasoning": "", "answer": "1"}'] * 3
"""A program like most, and what the executor answers: played before the first child is forked,
so that what Python learns from running this file's code is learnt once."""

_FENCE = re.compile(r"```[ \t]*([\w+-]*)[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


class Agent:
    """What a workflow may do. Every method may be called from several threads at once."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def call_json_format_llm(
        self,
        *,
        messages: Sequence[Mapping[str, str]],
        temperature: float = 1.0,
        max_completion_tokens: int = 4096,
        num_of_response: int = 1,
        agent_role: str = "task solver",
        return_dict_keys: Sequence[str] = (),
        instructions: str = "",
        model: str | None = None,
    ) -> list[dict[str, Any]]:
        """Ask the executor for JSON objects with the keys `return_dict_keys`.

        One dict per response. A key that a reply lacks is filled with a text that says so; a
        reply that is no JSON object is kept under "error". `model` is accepted and ignored.
        """
        keys = [str(key) for key in return_dict_keys]
        replies = self._ask(
            messages,
            f"You are a {agent_role}.\n{_json_request(keys)}\n{instructions}".strip(),
            temperature,
            max_completion_tokens,
            num_of_response,
            json_mode=True,
        )
        return [read_json_reply(reply, keys) for reply in replies]

    def call_llm(
        self,
        *,
        messages: Sequence[Mapping[str, str]],
        temperature: float = 1.0,
        max_completion_tokens: int = 4096,
        num_of_response: int = 1,
        response_format: str = "text",
        agent_role: str = "task solver",
        instructions: str = "",
        model: str | None = None,
    ) -> list[Any]:
        """Ask the executor in free text: one string per response, or with
        `response_format="json"` one dict per response."""
        wants_json = str(response_format).startswith("json")
        request = _json_request([]) if wants_json else ""
        system = "\n".join(
            part for part in (f"You are a {agent_role}.", request, instructions) if part
        )
        replies = self._ask(
            messages,
            system,
            temperature,
            max_completion_tokens,
            num_of_response,
            json_mode=wants_json,
        )
        return [read_json_reply(reply, []) for reply in replies] if wants_json else replies

    def execute_code(self, code: str, timeout: float = 5) -> Any:
        """Run `code` in a sandbox of its own and return the value of its `solution()`, or of its
        last line when it defines none. Raises RuntimeError with the error text otherwise."""
        if not isinstance(code, str):
            raise TypeError(f"execute_code takes Python text, not {type(code).__name__}")
        return self._call("execute", code=_unfenced(code), timeout=float(timeout))

    def exec_test(self, solution: str, entry_point: str) -> str:
        """Run the public tests of the current problem on `solution`.

        Returns "no error", or the failing cases, or the error that stopped the run."""
        return str(
            self._call("run_public_tests", solution=_unfenced(solution), entry_point=entry_point)
        )

    def test_on_public_test(
        self, task: str, solution: str, entry_point: str, test_loop: int = 3
    ) -> dict[str, Any]:
        """Test `solution` on the public tests; while it fails, reflect and rewrite it, up to
        `test_loop` times.

        Returns {"result": passed, "solution": last version, "feedback": last test result,
        "count": rewrites made}."""
        feedback = self.exec_test(solution, entry_point)
        count = 0
        while feedback != PASSED and count < test_loop:
            solution = self._rewrite(task, solution, entry_point, feedback)
            count += 1
            feedback = self.exec_test(solution, entry_point)
        return {
            "result": feedback == PASSED,
            "solution": solution,
            "feedback": feedback,
            "count": count,
        }

    def extract_answer_str(self, text: str) -> str:
        """The last \\boxed{…}, else the last number without commas, else the last sentence."""
        text = str(text)
        boxed = _last_boxed(text)
        if boxed is not None:
            return boxed
        numbers: list[str] = _NUMBER.findall(text)
        if numbers:
            return numbers[-1].replace(",", "")
        sentences = [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]
        return sentences[-1] if sentences else ""

    def extract_code_block(self, response: str, entry_point: str = "solution") -> str:
        """The first fenced block that defines `entry_point`; else the first fenced block; else
        the text itself."""
        blocks: list[str] = [code.strip("\n") for _, code in _FENCE.findall(str(response))]
        for code in blocks:
            if re.search(rf"^\s*(?:async\s+)?def\s+{re.escape(entry_point)}\b", code, re.MULTILINE):
                return code
        return blocks[0] if blocks else str(response)

    def _rewrite(self, task: str, solution: str, entry_point: str, feedback: str) -> str:
        reply = self.call_llm(
            messages=[
                {
                    "role": "user",
                    "content": f"{task}\n\nThis solution:\n```python\n{solution}\n```\nfails its "
                    f"tests:\n{feedback}\n\nFirst explain the fault in a few sentences. Then give "
                    f"the whole corrected function `{entry_point}` in one ```python block.",
                }
            ],
            temperature=0.7,
            agent_role="careful programmer",
        )[0]
        return self.extract_code_block(str(reply), entry_point)

    def _ask(
        self,
        messages: Sequence[Mapping[str, str]],
        system: str,
        temperature: float,
        max_completion_tokens: int,
        num_of_response: int,
        *,
        json_mode: bool,
    ) -> list[str]:
        conversation = [{"role": "system", "content": system}, *_checked(messages)]
        replies = self._call(
            "llm",
            messages=conversation,
            temperature=float(temperature),
            max_tokens=int(max_completion_tokens),
            n=int(num_of_response),
            json_mode=json_mode,
        )
        return [str(reply) for reply in replies]


def make_agent(call: Callable[..., Any]) -> Agent:
    """What the sandbox calls in each child."""
    return Agent(call)


def read_json_reply(reply: str, keys: Sequence[str]) -> dict[str, Any]:
    """One reply as a dict with at least `keys`."""
    found = _json_object(reply)
    result: dict[str, Any] = {"error": f"no JSON: {reply}"} if found is None else found
    for key in keys:
        result.setdefault(key, f"the reply has no key '{key}'")
    return result


def _json_request(keys: Sequence[str]) -> str:
    if not keys:
        return "Reply with one JSON object."
    named = ", ".join(json.dumps(key) for key in keys)
    return f"Reply with one JSON object that has exactly these keys: {named}."


def _json_object(text: str) -> dict[str, Any] | None:
    """The object a reply holds: the whole text, a fenced block, or the outermost braces."""
    candidates = [text, *(code for _, code in _FENCE.findall(text))]
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end:
        candidates.append(text[start : end + 1])
    for candidate in candidates:
        try:
            value = json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return None


def _checked(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The messages as plain dicts; raises when one is not exactly {"role": str, "content": str}."""
    if isinstance(messages, (str, Mapping)) or not messages:
        raise ValueError('messages must be a list of {"role": …, "content": …} dicts')
    for message in messages:
        if not isinstance(message, Mapping) or set(message) != {"role", "content"}:
            raise ValueError(f"a message needs exactly the keys role and content, got: {message!r}")
        for key in ("role", "content"):
            if not isinstance(message[key], str):
                raise TypeError(f"message[{key!r}] must be a string, got: {message[key]!r}")
        if message["role"] not in ("system", "user", "assistant"):
            raise ValueError(f"unknown role {message['role']!r}")
    return [dict(message) for message in messages]


def _unfenced(code: str) -> str:
    """The code itself, also when it comes in a Markdown fence."""
    if "```" not in code:
        return code
    try:
        compile(code, "<code>", "exec", ONLY_PARSED, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        blocks: list[tuple[str, str]] = _FENCE.findall(code)
        if blocks:
            return blocks[0][1]
    return code


def _last_boxed(text: str) -> str | None:
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth, begin = 1, start + len("\\boxed{")
    for index in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return text[begin:index].strip()
    return None
