"""The pencil of the grammar: from slots and style to pieces of Python text.

In: a Plan. Out: expressions, statements and names that the strategies put together. A style
decides everything that makes no difference to what a program does: names, comments, wording,
the way a vote is written.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Sequence

from w4s.models.grammar.plan import Plan
from w4s.models.grammar.wording import (
    ANSWER_ROLES,
    ANSWER_WORDS,
    CODE_ROLES,
    CODE_WORDS,
)

_PLACE = re.compile(r"@(\w+)")


class Sketch:
    """One program in the making."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.imports: set[str] = set()
        """What the program imports: modules, or whole import lines."""
        self.helpers: list[str] = []
        """Functions that need neither the task nor the agent."""
        self.reply = self.pick("reply", "response", "reply", "result", "output", "res")
        self.replies = self.pick(
            "replies", "responses", "replies", "results", "outputs", "candidates"
        )
        self.answer = self.pick("answer", "answer", "final_answer", "final", "best", "prediction")
        self.answers = self.pick("answers", "answers", "all_answers", "votes", "predictions")
        self.key = plan["key"] if plan["key"] != "-" else "reasoning"
        self.is_code = plan.interface == "code"

    # --- Choices without consequences ------------------------------------------------------

    def pick(self, name: str, *options: str) -> str:
        """One of the options, decided by the style and the name of the choice."""
        digest = hashlib.blake2b(f"{self.plan['style']}/{name}".encode(), digest_size=4).digest()
        return options[int.from_bytes(digest) % len(options)]

    def flag(self, name: str) -> bool:
        return self.pick(name, "yes", "no") == "yes"

    def comment(self, text: str) -> str:
        """A comment line in the styles that comment, nothing in the others."""
        return f"# {text}" if self.flag("comments") else ""

    def several(self, name: str, options: Sequence[str], count: int) -> list[str]:
        """`count` different options in an order decided by the style."""

        def rank(option: str) -> bytes:
            return hashlib.blake2b(f"{self.plan['style']}/{name}/{option}".encode()).digest()

        return sorted(options, key=rank)[:count]

    def helper(self, text: str) -> None:
        """Add a helper function, once."""
        function = textwrap.dedent(text).strip("\n")
        if function not in self.helpers:
            self.helpers.append(function)

    # --- Text ------------------------------------------------------------------------------

    def fill(self, template: str, **parts: object) -> str:
        """The template with each `@name` replaced; a part of several lines keeps the indent of
        its place, and a line whose only part is empty disappears."""
        lines = []
        for line in textwrap.dedent(template).strip("\n").split("\n"):
            filled = _PLACE.sub(lambda found: str(parts[found[1]]), line)
            if line.strip() and not filled.strip():
                continue
            indent = line[: len(line) - len(line.lstrip())]
            first, *rest = filled.split("\n")
            lines += [first, *(indent + other if other else "" for other in rest)]
        return "\n".join(lines)

    @property
    def role(self) -> str:
        phrases = (CODE_ROLES if self.is_code else ANSWER_ROLES)[self.plan["role"]]
        return self.pick("role", *phrases)

    @property
    def words(self) -> str:
        phrases = (CODE_WORDS if self.is_code else ANSWER_WORDS)[self.plan["words"]]
        return self.pick("words", *phrases)

    # --- Calls -----------------------------------------------------------------------------

    def call(
        self,
        content: str,
        keys: Sequence[str],
        *,
        n: str = "1",
        temperature: str | None = None,
        role: str | None = None,
        instructions: str | None = None,
        messages: str | None = None,
    ) -> str:
        """A call for JSON replies, as an expression. `content` and `messages` are Python
        expressions, and `role` is one when it starts with `=`."""
        arguments = [
            f"messages={messages or self.message(content)}",
            f"temperature={temperature or self.temperature}",
        ]
        if n != "1" or self.flag("n-always"):
            arguments.append(f"num_of_response={n}")
        arguments.append(f"agent_role={self.quoted(role or self.role)}")
        arguments.append(f"return_dict_keys=[{', '.join(map(quote, keys))}]")
        said = self.words if instructions is None else instructions
        if said:
            arguments.append(f"instructions={self.quoted(said)}")
        return self.laid_out("agent.call_json_format_llm", arguments)

    def text_call(
        self,
        content: str,
        *,
        n: str = "1",
        temperature: str | None = None,
        role: str | None = None,
        instructions: str | None = None,
    ) -> str:
        """A call for replies in free text, as an expression."""
        arguments = [
            f"messages={self.message(content)}",
            f"temperature={temperature or self.temperature}",
            f"num_of_response={n}",
            f"agent_role={self.quoted(role or self.role)}",
            f"instructions={self.quoted(instructions or self.words)}",
        ]
        return self.laid_out("agent.call_llm", arguments)

    @property
    def temperature(self) -> str:
        return self.plan["temperature"]

    def message(self, content: str) -> str:
        message = f'{{"role": "user", "content": {content}}}'
        if len(message) < 76:
            return f"[{message}]"
        return f'[\n    {{\n        "role": "user",\n        "content": {content},\n    }}\n]'

    def quoted(self, text: str) -> str:
        """A Python literal of the text, or the expression after `=`."""
        return text[1:] if text.startswith("=") else quote(text)

    def laid_out(self, function: str, arguments: Sequence[str]) -> str:
        """A call on one line when it is short, else one argument a line."""
        line = f"{function}({', '.join(arguments)})"
        if len(line) < 88 and "\n" not in line:
            return line
        body = "".join(textwrap.indent(f"{argument},", "    ") + "\n" for argument in arguments)
        return f"{function}(\n{body})"

    # --- The question ----------------------------------------------------------------------

    @property
    def question(self) -> str:
        """The task as the content of a message, a Python expression."""
        if self.is_code:
            return self.pick(
                "question",
                r'f"{task}\n\nThe function is called {entry_point}."',
                r'f"{task}\n\nWrite the function `{entry_point}`."',
                r'f"Task:\n{task}\n\nFunction name: {entry_point}"',
            )
        return self.pick(
            "question",
            "task",
            r'f"Problem:\n{task}"',
            r'f"{task}\n\nAnswer the question above."',
            'f"# Task\\n{task}"',
        )

    def asked(self, request: str) -> str:
        """The task followed by a request, a Python expression. The request may hold `{names}`."""
        return quote_f("{task}\n\n" + request)


def quote(text: str) -> str:
    """A string literal with double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def quote_f(text: str) -> str:
    """An f-string literal; names in braces are filled in by the program."""
    return "f" + quote(text)
