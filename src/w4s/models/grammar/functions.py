"""The strategies for tasks that want a Python function.

In: a Sketch. Out: the body of `solver(agent, task, entry_point)`. The answer is always the whole
source text of the function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from w4s.models.grammar.sketch import Sketch, quote, quote_f
from w4s.models.grammar.wording import CODE_PANEL, CRITICS, JUDGES

PASSED = "no error"


def _write(
    s: Sketch,
    *,
    content: str | None = None,
    n: str = "1",
    temperature: str | None = None,
    role: str | None = None,
) -> str:
    """A list of replies that hold a solution, in the format of the plan."""
    if s.plan["format"] == "text":
        content = content or s.asked(
            s.pick(
                "text-request",
                "Write the whole function `{entry_point}` in one ```python block.",
                "Answer with one ```python block that defines {entry_point}.",
            )
        )
        return s.text_call(content, n=n, temperature=temperature, role=role)
    instructions = s.words + s.pick(
        "code-field",
        " Put plain Python source under 'code'.",
        " 'code' holds the complete function with its imports.",
        " The field 'code' must be runnable Python without Markdown.",
    )
    return s.call(
        content or s.question,
        ["code"] if s.plan["strategy"] == "direct" else [s.key, "code"],
        n=n,
        temperature=temperature,
        role=role,
        instructions=instructions,
    )


def _code_of(s: Sketch, reply: str) -> str:
    """The solution in one reply of `_write`, as a string expression."""
    if s.plan["format"] == "text":
        return f"agent.extract_code_block({reply}, entry_point)"
    return s.pick(
        "code-of",
        f'str({reply}["code"])',
        f'agent.extract_code_block(str({reply}["code"]), entry_point)',
        f'str({reply}.get("code", ""))',
    )


def _passes(s: Sketch, result: str) -> str:
    """Whether a result of `exec_test` says that all went well, as an expression."""
    return s.pick("passes", f'{result} == "{PASSED}"', f'"{PASSED}" in str({result})')


def _finish(s: Sketch, solution: str) -> str:
    return f'return {{"answer": {solution}}}'


def _single(s: Sketch) -> str:
    return s.fill(
        """
        @reply = @write[0]
        @finish
        """,
        reply=s.reply,
        write=_write(s),
        finish=_finish(s, _code_of(s, s.reply)),
    )


def _prepared(s: Sketch, *, first: str, key: str, request: str) -> str:
    note = s.pick("note", "notes", "plan", "preparation", "hints")
    return s.fill(
        """
        @note = @prepare[0]
        @reply = @write[0]
        @finish
        """,
        note=note,
        prepare=s.call(s.asked(first), [key], instructions=""),
        reply=s.reply,
        write=_write(
            s,
            content=quote_f(
                f"{{task}}\n\n{request}\n{{{note}['{key}']}}\n\nWrite `{{entry_point}}`."
            ),
        ),
        finish=_finish(s, _code_of(s, s.reply)),
    )


def _outline(s: Sketch) -> str:
    first = s.pick(
        "outline",
        "Write pseudocode for `{entry_point}`, no Python yet.",
        "Describe the algorithm in a few numbered steps. Do not write code yet.",
    )
    return _prepared(s, first=first, key="plan", request="Plan:")


def _edges(s: Sketch) -> str:
    first = s.pick(
        "edges",
        "List the edge cases that `{entry_point}` must handle and what it returns for each.",
        "Which inputs are easy to get wrong here? Say what the function must return for them.",
    )
    return _prepared(s, first=first, key="cases", request="Mind these cases:")


def _solutions(s: Sketch, target: str) -> str:
    """Statements that set `target` to a list of sampled solutions."""
    if s.pick("sampling", "together", "together", "loop") == "together":
        return s.fill(
            """
            @replies = @write
            @target = [@code for @reply in @replies]
            """,
            replies=s.replies,
            write=_write(s, n=s.plan["samples"]),
            target=target,
            reply=s.reply,
            code=_code_of(s, s.reply),
        )
    return s.fill(
        """
        @target = []
        for _ in range(@samples):
            @reply = @write[0]
            @target.append(@code)
        """,
        target=target,
        samples=s.plan["samples"],
        reply=s.reply,
        write=_write(s),
        code=_code_of(s, s.reply),
    )


def _first_that_passes(s: Sketch, solutions: str) -> str:
    return s.fill(
        """
        for solution in @solutions:
            @comment
            outcome = agent.exec_test(solution, entry_point)
            if @passes:
                return {"answer": solution}
        """,
        solutions=solutions,
        comment=s.comment("Trust the first one that passes the public tests."),
        passes=_passes(s, "outcome"),
    )


def _chosen(s: Sketch, solutions: str) -> str:
    """Statements that let the executor choose among solutions and return the chosen one."""
    return s.fill(
        """
        listing = "\\n\\n".join(
            f"Solution {number}:\\n{code}" for number, code in enumerate(@solutions)
        )
        verdict = @call[0]
        try:
            index = int(verdict["number"])
        except (TypeError, ValueError):
            index = 0
        if not 0 <= index < len(@solutions):
            index = 0
        return {"answer": @solutions[index]}
        """,
        solutions=solutions,
        call=s.call(
            quote_f("{task}\n\n{listing}\n\nWhich solution is correct? Give its number."),
            [s.key, "number"],
            temperature="0.0",
            role=s.pick("judge-role", *JUDGES),
            instructions="Compare the solutions on the examples and on edge cases.",
        ),
    )


def _select(s: Sketch) -> str:
    end = _chosen(s, "solutions") if s.plan["decide"] == "judge" else _finish(s, "solutions[0]")
    return s.fill(
        """
        @solutions
        @first
        @end
        """,
        solutions=_solutions(s, "solutions"),
        first=_first_that_passes(s, "solutions"),
        end=end,
    )


def _repaired(s: Sketch, solution: str) -> str:
    """Return what `test_on_public_test` makes of a solution."""
    call = f"agent.test_on_public_test(task, {solution}, entry_point, test_loop={s.plan['rounds']})"
    return s.pick(
        "repaired",
        f'tested = {call}\nreturn {{"answer": tested["solution"]}}',
        f'return {{"answer": {call}["solution"]}}',
        f'tested = {call}\nreturn {{"answer": tested.get("solution") or {solution}}}',
    )


def _public(s: Sketch) -> str:
    return s.fill(
        """
        @reply = @write[0]
        solution = @code
        @repaired
        """,
        reply=s.reply,
        write=_write(s),
        code=_code_of(s, s.reply),
        repaired=_repaired(s, "solution"),
    )


def _select_public(s: Sketch) -> str:
    return s.fill(
        """
        @solutions
        @first
        @comment
        @repaired
        """,
        solutions=_solutions(s, "solutions"),
        first=_first_that_passes(s, "solutions"),
        comment=s.comment("None passes: repair the first one."),
        repaired=_repaired(s, "solutions[0]"),
    )


def _repair(s: Sketch) -> str:
    return s.fill(
        """
        @reply = @write[0]
        solution = @code
        for _ in range(@rounds):
            outcome = agent.exec_test(solution, entry_point)
            if @passes:
                break
            @reply = @rewrite[0]
            solution = @code
        return {"answer": solution}
        """,
        reply=s.reply,
        write=_write(s),
        code=_code_of(s, s.reply),
        rounds=s.plan["rounds"],
        passes=_passes(s, "outcome"),
        rewrite=_write(
            s,
            content=quote_f(
                "{task}\n\nThis solution fails its tests:\n{solution}\n\n"
                "Result of the tests:\n{outcome}\n\nWrite a corrected `{entry_point}`."
            ),
        ),
    )


def _reviewed(s: Sketch) -> str:
    """Statements that review and rewrite `solution` for the rounds of the plan."""
    return s.fill(
        """
        for _ in range(@rounds):
            review = @review[0]
            if str(review["verdict"]).strip().lower().startswith("correct"):
                break
            @reply = @rewrite[0]
            solution = @code
        """,
        rounds=s.plan["rounds"],
        review=s.call(
            quote_f("{task}\n\nSolution:\n{solution}\n\nReview it. Does it meet the task?"),
            ["critique", "verdict"],
            role=s.pick("critic", *CRITICS),
            instructions="The verdict is either 'correct' or 'wrong'.",
        ),
        reply=s.reply,
        rewrite=_write(
            s,
            content=quote_f(
                "{task}\n\nEarlier solution:\n{solution}\n\nReview:\n{review['critique']}\n\n"
                "Write an improved `{entry_point}`."
            ),
        ),
        code=_code_of(s, s.reply),
    )


def _reflect(s: Sketch) -> str:
    return s.fill(
        """
        @reply = @write[0]
        solution = @code
        @reviewed
        @end
        """,
        reply=s.reply,
        write=_write(s),
        code=_code_of(s, s.reply),
        reviewed=_reviewed(s),
        end=(
            _repaired(s, "solution")
            if s.plan["strategy"] == "reflect_public"
            else _finish(s, "solution")
        ),
    )


def _agree(s: Sketch) -> str:
    return s.fill(
        """
        @solutions
        asked = @inputs[0]
        calls = [line.strip() for line in str(asked["calls"]).splitlines()]
        calls = [line for line in calls if line.startswith(entry_point + "(")][:5]
        outputs = []
        for solution in solutions:
            try:
                probe = solution + "\\n\\nrepr([" + ", ".join(calls) + "])"
                outputs.append(str(agent.execute_code(probe)))
            except Exception:
                outputs.append("")
        @comment
        best, most = 0, 0
        for index, output in enumerate(outputs):
            if output and outputs.count(output) > most:
                best, most = index, outputs.count(output)
        return {"answer": solutions[best]}
        """,
        solutions=_solutions(s, "solutions"),
        inputs=s.call(
            s.asked("Give four different calls of `{entry_point}` with valid arguments."),
            ["calls"],
            temperature="0.3",
            instructions="'calls' is one string with one Python expression per line.",
        ),
        comment=s.comment("Keep a solution whose outputs most others share."),
    )


def _own_tests(s: Sketch) -> str:
    return s.fill(
        """
        asked = @tests[0]
        tests = [line.strip() for line in str(asked["tests"]).splitlines()]
        tests = [line for line in tests if line.startswith("assert ")][:6]
        @solutions
        best, most = solutions[0], -1
        for solution in solutions:
            score = 0
            for test in tests:
                try:
                    agent.execute_code(solution + "\\n\\n" + test + "\\nTrue")
                    score += 1
                except Exception:
                    pass
            if @passes:
                score += @bonus
            if score > most:
                best, most = solution, score
        return {"answer": best}
        """,
        tests=s.call(
            s.asked("Write five tests for `{entry_point}`, each one line: assert ... == ..."),
            ["tests"],
            temperature="0.2",
            role=s.pick("tester", "test engineer", "quality engineer", "careful tester"),
            instructions="'tests' is one string with one assert statement per line.",
        ),
        solutions=_solutions(s, "solutions"),
        passes=_passes(s, "agent.exec_test(solution, entry_point)"),
        bonus=s.pick("bonus", "10", "5", "len(tests)"),
    )


def _judge(s: Sketch) -> str:
    return s.fill(
        """
        @solutions
        if len(set(solutions)) == 1:
            return {"answer": solutions[0]}
        @chosen
        """,
        solutions=_solutions(s, "solutions"),
        chosen=_chosen(s, "solutions"),
    )


def _panel(s: Sketch) -> str:
    roles: Sequence[str] = s.several("panel", CODE_PANEL, int(s.plan["agents"]))
    return s.fill(
        """
        roles = [@roles]
        solutions = []
        for role in roles:
            @reply = @write[0]
            solutions.append(@code)
        @first
        return {"answer": solutions[0]}
        """,
        roles=", ".join(map(quote, roles)),
        reply=s.reply,
        write=_write(s, role="=role"),
        code=_code_of(s, s.reply),
        first=_first_that_passes(s, "solutions"),
    )


def _router(s: Sketch) -> str:
    return s.fill(
        """
        kind = @classify[0]
        @reply = @write[0]
        return {"answer": @code}
        """,
        classify=s.call(
            s.asked("Which kind of expert should write this function, and with which technique?"),
            ["expert", "technique"],
            temperature="0.0",
            instructions="",
        ),
        reply=s.reply,
        write=_write(
            s,
            content=quote_f(
                "{task}\n\nSuggested technique: {kind['technique']}\n\nWrite `{entry_point}`."
            ),
            role='=str(kind["expert"])',
        ),
        code=_code_of(s, s.reply),
    )


CODE_BODIES: Mapping[str, Callable[[Sketch], str]] = {
    "direct": _single,
    "cot": _single,
    "outline": _outline,
    "edges": _edges,
    "select": _select,
    "public": _public,
    "select_public": _select_public,
    "repair": _repair,
    "reflect": _reflect,
    "agree": _agree,
    "own_tests": _own_tests,
    "judge": _judge,
    "panel": _panel,
    "router": _router,
    "reflect_public": _reflect,
}
