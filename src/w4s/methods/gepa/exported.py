"""A DSPy program of one predictor as a plain workflow.

In: the conversation that the program has with its model, with marks in place of its inputs. Out: a
Workflow that has the same conversation and reads the same field of the reply.
"""

from __future__ import annotations

from collections.abc import Sequence
from pprint import pformat

from w4s.types import Message, Workflow

QUESTION = "\u27e6question\u27e7"
ENTRY_POINT = "\u27e6entry point\u27e7"
"""What stands in the place of the inputs."""
ANSWER, CODE = "answer", "code"
"""The field of the reply that holds the answer."""
_OPENING = "You are a task solver.\nReply with one JSON object.\n"
"""What `agent.call_llm` says before the instructions of a workflow."""

_HEAD = '''"""Found by DSPy's GEPA: one predictor, in the words of DSPy's JSON adapter."""

INSTRUCTIONS = {instructions}

MESSAGES = {messages}

'''
_ANSWER = """
def solver(agent, task: str):
    messages = [
        {{"role": role, "content": content.replace({question!r}, task)}}
        for role, content in MESSAGES
    ]
    reply = agent.call_llm(
        messages=messages, temperature=1.0, response_format="json", instructions=INSTRUCTIONS
    )[0]
    return {{"answer": str(reply["answer"])}}
"""
_CODE = """
def solver(agent, task: str, entry_point: str):
    messages = [
        {{
            "role": role,
            "content": content.replace({entry_point!r}, entry_point).replace({question!r}, task),
        }}
        for role, content in MESSAGES
    ]
    reply = agent.call_llm(
        messages=messages, temperature=1.0, response_format="json", instructions=INSTRUCTIONS
    )[0]
    return {{"answer": agent.extract_code_block(str(reply["code"]), entry_point)}}
"""


def opened(messages: Sequence[Message]) -> tuple[Message, ...]:
    """A conversation of DSPy's as a workflow would have it: `agent.call_llm` says a line of its
    own first. The rollouts are sent like this too, so what is found is what is exported."""
    first, *rest = messages
    return (Message("system", _OPENING + first.content), *rest)


def exported(template: Sequence[Message], *, code: bool) -> Workflow:
    """The workflow of a program whose conversation, as DSPy writes it, is `template`."""
    first, *rest = template
    head = _HEAD.format(
        instructions=pformat(first.content, width=96),
        messages=pformat([(m.role, m.content) for m in rest], width=96),
    )
    body = (_CODE if code else _ANSWER).format(question=QUESTION, entry_point=ENTRY_POINT)
    return Workflow(head + body, "GEPA")
