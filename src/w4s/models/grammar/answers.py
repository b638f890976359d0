"""The strategies for tasks that want a short answer.

In: a Sketch. Out: the body of `solver(agent, task)`. One function per strategy of the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from w4s.models.grammar.pieces import (
    answer_of,
    ask,
    ask_code,
    attempt,
    decided,
    facts_request,
    fallback,
    field_of,
    finish,
    judged,
    normal,
    vote,
)
from w4s.models.grammar.sketch import Sketch, quote, quote_f
from w4s.models.grammar.wording import CRITICS, PANEL


def _single(s: Sketch) -> str:
    """One call: direct, or chain of thought when the plan has a key for the reasoning."""
    if s.flag("index-late"):
        return s.fill(
            """
            @replies = @ask
            @answer = @value
            @finish
            """,
            replies=s.replies,
            ask=ask(s),
            answer=s.answer,
            value=answer_of(s, f"{s.replies}[0]"),
            finish=finish(s, s.answer),
        )
    return s.fill(
        """
        @reply = @ask[0]
        @finish
        """,
        reply=s.reply,
        ask=ask(s),
        finish=finish(s, answer_of(s, s.reply)),
    )


def _vote(s: Sketch) -> str:
    end = s.fill(
        """
        @vote
        @finish
        """,
        vote=vote(s, s.answers, s.answer),
        finish=finish(s, s.answer),
    )
    if s.pick("sampling", "together", "together", "loop") == "together":
        return s.fill(
            """
            @comment
            @replies = @ask
            @answers = [@value for @reply in @replies]
            @end
            """,
            comment=s.comment("Sample several solutions and keep the most frequent answer."),
            replies=s.replies,
            reply=s.reply,
            answers=s.answers,
            ask=ask(s, n=s.plan["samples"]),
            value=normal(s, answer_of(s, s.reply)),
            end=end,
        )
    return s.fill(
        """
        @answers = []
        for _ in range(@samples):
            @reply = @ask[0]
            @answers.append(@value)
        @end
        """,
        answers=s.answers,
        samples=s.plan["samples"],
        reply=s.reply,
        ask=ask(s),
        value=normal(s, answer_of(s, s.reply)),
        end=end,
    )


def _adaptive(s: Sketch) -> str:
    return s.fill(
        """
        @attempt

        @comment
        @answers = []
        for _ in range(@samples):
            @answers.append(@value)
            if len(@answers) >= 2 and @answers[-1] in @answers[:-1]:
                break
        @vote
        @finish
        """,
        attempt=attempt(s, "attempt", "cot"),
        comment=s.comment("Two equal answers are enough."),
        answers=s.answers,
        samples=s.plan["samples"],
        value=normal(s, f"attempt({s.temperature})"),
        vote=vote(s, s.answers, s.answer),
        finish=finish(s, s.answer),
    )


def _panel(s: Sketch) -> str:
    roles = s.several("panel", PANEL, int(s.plan["agents"]))
    return s.fill(
        """
        roles = [@roles]
        @answers = []
        for role in roles:
            @reply = @ask[0]
            @answers.append(@value)
        @vote
        @finish
        """,
        roles=", ".join(map(quote, roles)),
        answers=s.answers,
        reply=s.reply,
        ask=s.call(s.question, [s.key, "answer"], role="=role"),
        value=normal(s, field_of(s, s.reply, "answer")),
        vote=vote(s, s.answers, s.answer),
        finish=finish(s, s.answer),
    )


def _code(s: Sketch) -> str:
    if s.flag("value-first"):
        return s.fill(
            """
            @reply = @ask[0]
            value = None
            try:
                value = agent.execute_code(str(@reply["code"]))
            except Exception:
                @comment
                value = None
            if value is not None:
                @finish_value
            @fallback
            @finish
            """,
            reply=s.reply,
            ask=ask_code(s),
            comment=s.comment("The program failed; answer without it."),
            finish_value=finish(s, "str(value)"),
            fallback=fallback(s, s.answer),
            finish=finish(s, s.answer),
        )
    return s.fill(
        """
        @reply = @ask[0]
        try:
            @answer = str(agent.execute_code(str(@reply["code"])))
        except Exception:
            @fallback
        @finish
        """,
        reply=s.reply,
        answer=s.answer,
        ask=ask_code(s),
        fallback=fallback(s, s.answer),
        finish=finish(s, s.answer),
    )


def _code_retry(s: Sketch) -> str:
    request = s.pick(
        "retry-request",
        "Write Python code that defines `solution()` and returns the answer.{feedback}",
        "Write a function `solution()` that computes the answer.{feedback}",
    )
    return s.fill(
        """
        feedback = ""
        for _ in range(@tries):
            @reply = @ask[0]
            code = str(@reply["code"])
            try:
                @answer = str(agent.execute_code(code))
                @finish
            except Exception as error:
                feedback = @feedback
        @fallback
        @finish
        """,
        tries=str(int(s.plan["rounds"]) + 1),
        reply=s.reply,
        ask=s.call(s.asked(request), [s.key, "code"]),
        answer=s.answer,
        finish=finish(s, s.answer),
        feedback=quote_f("\n\nThis code:\n{code}\nfailed with: {error}\nCorrect it."),
        fallback=fallback(s, s.answer),
    )


def _code_vote(s: Sketch, notes: str = "") -> str:
    return s.fill(
        """
        @replies = @ask
        @answers = []
        for @reply in @replies:
            try:
                value = agent.execute_code(str(@reply["code"]))
            except Exception:
                continue
            if value is not None:
                @answers.append(@value)
        if @answers:
            @vote
        else:
            @fallback
        @finish
        """,
        replies=s.replies,
        reply=s.reply,
        ask=ask_code(s, n=s.plan["samples"], notes=notes),
        answers=s.answers,
        value=normal(s, "str(value)"),
        vote=vote(s, s.answers, s.answer),
        fallback=fallback(s, s.answer),
        finish=finish(s, s.answer),
    )


def _cross(s: Sketch) -> str:
    match s.plan["decide"]:
        case "judge":
            settle = judged(s, "[computed, reasoned]", s.answer)
        case "third":
            settle = s.fill(
                """
                third = think(0.8)
                @answer = third if @left == @right else computed
                """,
                answer=s.answer,
                left=normal(s, "third"),
                right=normal(s, "reasoned"),
            )
        case _:
            settle = f"{s.answer} = computed"
    return s.fill(
        """
        @think

        reasoned = think(@temperature)
        @reply = @ask[0]
        try:
            computed = str(agent.execute_code(str(@reply["code"])))
        except Exception:
            computed = reasoned
        if @left == @right:
            @answer = computed
        else:
            @comment
            @settle
        @finish
        """,
        think=attempt(s, "think", "cot"),
        temperature=s.temperature,
        reply=s.reply,
        ask=ask_code(s),
        left=normal(s, "computed"),
        right=normal(s, "reasoned"),
        answer=s.answer,
        comment=s.comment("The two ways disagree."),
        settle=settle,
        finish=finish(s, s.answer),
    )


def _refine(s: Sketch) -> str:
    critic = s.pick("critic", *CRITICS)
    stop = s.pick(
        "stop",
        'if "correct" == str(review["verdict"]).strip().lower():\n    break',
        'if str(review["verdict"]).strip().lower().startswith("correct"):\n    break',
    )
    return s.fill(
        """
        @attempt

        @answer = attempt(@temperature)
        for _ in range(@rounds):
            review = @review[0]
            @stop
            revised = @revise[0]
            @answer = @value
        @finish
        """,
        attempt=attempt(s, "attempt", s.plan["base"]),
        answer=s.answer,
        temperature=s.temperature,
        rounds=s.plan["rounds"],
        review=s.call(
            quote_f(f"{{task}}\n\nProposed answer: {{{s.answer}}}\n\nFind any mistake in it."),
            ["critique", "verdict"],
            role=critic,
            instructions="The verdict is either 'correct' or 'wrong'.",
        ),
        stop=stop,
        revise=s.call(
            quote_f(
                f"{{task}}\n\nAn earlier answer was: {{{s.answer}}}\n"
                "A reviewer said: {review['critique']}\n\nSolve the problem again."
            ),
            [s.key, "answer"],
        ),
        value=field_of(s, "revised", "answer"),
        finish=finish(s, s.answer),
    )


def _verify(s: Sketch) -> str:
    return s.fill(
        """
        @attempt

        @answer = attempt(@temperature)
        for trial in range(@rounds):
            check = @check[0]
            if str(check["verdict"]).strip().lower().startswith("yes"):
                break
            @comment
            @answer = attempt(min(1.0, @temperature + 0.2 * (trial + 1)))
        @finish
        """,
        attempt=attempt(s, "attempt", s.plan["base"]),
        answer=s.answer,
        temperature=s.temperature,
        rounds=s.plan["rounds"],
        check=s.call(
            quote_f(
                f"{{task}}\n\nIs this answer right? {{{s.answer}}}\n"
                "Solve the problem on your own first, then compare."
            ),
            [s.key, "verdict"],
            role=s.pick("checker", "examiner", "independent checker", "proofreader"),
            temperature="0.0",
            instructions="The verdict is 'yes' or 'no'.",
        ),
        comment=s.comment("Not convinced: try again with more variety."),
        finish=finish(s, s.answer),
    )


def _debate(s: Sketch) -> str:
    roles = s.several("debaters", PANEL, int(s.plan["agents"]))
    return s.fill(
        """
        roles = [@roles]
        opinions = {}
        @answers = []
        for _ in range(@rounds):
            said = "\\n".join(f"{name}: {text}" for name, text in opinions.items())
            @answers = []
            for role in roles:
                content = task
                if said:
                    content = @with_said
                @reply = @ask[0]
                opinions[role] = @opinion
                @answers.append(@value)
        @decide
        @finish
        """,
        roles=", ".join(map(quote, roles)),
        answers=s.answers,
        rounds=s.plan["rounds"],
        with_said=quote_f(
            "{task}\n\nOther experts said:\n{said}\n\nConsider their arguments critically."
        ),
        reply=s.reply,
        ask=s.call("content", [s.key, "answer"], role="=role"),
        opinion=f"f\"{{{s.reply}['{s.key}']}} Answer: {{{s.reply}['answer']}}\"",
        value=normal(s, field_of(s, s.reply, "answer")),
        decide=decided(s, s.answers, s.answer),
        finish=finish(s, s.answer),
    )


def _judge(s: Sketch) -> str:
    return s.fill(
        """
        @attempt

        @answers = [propose(@temperature) for _ in range(@samples)]
        if len(set(@answers)) == 1:
            @same
        @judged
        @finish
        """,
        attempt=attempt(s, "propose", s.plan["base"]),
        answers=s.answers,
        temperature=s.temperature,
        samples=s.plan["samples"],
        same=finish(s, f"{s.answers}[0]"),
        judged=judged(s, s.answers, s.answer),
        finish=finish(s, s.answer),
    )


def _decompose(s: Sketch) -> str:
    most = s.plan["rounds"]
    split = s.call(
        s.asked(f"Split this into at most {most} sub-questions, one per line. Do not solve it."),
        ["questions"],
        instructions=s.pick(
            "split",
            "'questions' is one string with one sub-question per line.",
            "Give the sub-questions in the order in which they must be answered.",
        ),
    )
    return s.fill(
        """
        plan = @split[0]
        listed = plan["questions"]
        if isinstance(listed, str):
            listed = listed.split("\\n")
        questions = [str(item).strip() for item in listed if str(item).strip()][:@most]
        notes = ""
        for question in questions:
            step = @step[0]
            notes += @note
        @reply = @last[0]
        @finish
        """,
        split=split,
        most=most,
        step=s.call(
            quote_f("{task}\n\nKnown so far:\n{notes}\n\nAnswer this part only: {question}"),
            [s.key, "answer"],
        ),
        note=quote_f("{question} {step['answer']}\n"),
        reply=s.reply,
        last=s.call(
            quote_f("{task}\n\nAnswers to the parts:\n{notes}\n\nNow give the final answer."),
            [s.key, "answer"],
        ),
        finish=finish(s, field_of(s, s.reply, "answer")),
    )


def _two_calls(s: Sketch, *, first: str, key: str, request: str) -> str:
    """A preparation, and the answer with the preparation in view."""
    note = s.pick("note", "notes", "preparation", "first", "hint")
    return s.fill(
        """
        @note = @prepare[0]
        @reply = @answer[0]
        @finish
        """,
        note=note,
        prepare=s.call(s.asked(first), [key], instructions=""),
        reply=s.reply,
        answer=s.call(quote_f(f"{{task}}\n\n{request}\n{{{note}['{key}']}}"), [s.key, "answer"]),
        finish=finish(s, field_of(s, s.reply, "answer")),
    )


def _stepback(s: Sketch) -> str:
    first = s.pick(
        "stepback",
        "Which general principle or method does this problem call for? Do not solve it.",
        "Step back: what kind of problem is this and how are such problems solved in general?",
    )
    return _two_calls(s, first=first, key="principle", request="Apply this principle:")


def _outline(s: Sketch) -> str:
    first = s.pick(
        "outline",
        "Make a short plan for solving this. Do not carry it out.",
        "Write down the steps needed to solve this, without solving it.",
    )
    return _two_calls(s, first=first, key="plan", request="Carry out this plan step by step:")


def _facts(s: Sketch) -> str:
    return _two_calls(s, first=facts_request(s), key="facts", request="Relevant facts:")


def _facts_vote(s: Sketch) -> str:
    return s.fill(
        """
        notes = @notes[0]
        @replies = @ask
        @answers = [@value for @reply in @replies]
        @vote
        @finish
        """,
        notes=_notes(s),
        replies=s.replies,
        reply=s.reply,
        answers=s.answers,
        ask=s.call(s.asked(_NOTES), [s.key, "answer"], n=s.plan["samples"]),
        value=normal(s, field_of(s, s.reply, "answer")),
        vote=vote(s, s.answers, s.answer),
        finish=finish(s, s.answer),
    )


def _facts_code(s: Sketch) -> str:
    return s.fill(
        """
        notes = @notes[0]
        @programs
        """,
        notes=_notes(s),
        programs=_code_vote(s, notes=f"{_NOTES}\n\n"),
    )


_NOTES = "Relevant facts:\n{notes['facts']}"


def _notes(s: Sketch) -> str:
    return s.call(s.asked(facts_request(s)), ["facts"], instructions="")


def _options(s: Sketch) -> str:
    first = s.pick(
        "options",
        "List the possible answers. For each say in one sentence what speaks for and against it.",
        "Go through the candidate answers one by one and rule out those that cannot be right.",
    )
    return _two_calls(s, first=first, key="options", request="Assessment of the candidates:")


def _router(s: Sketch) -> str:
    kinds = s.pick("kinds", "calculation, reading, other", "math, text, other", "numbers, facts")
    first_kind = kinds.split(",")[0]
    return s.fill(
        """
        kind = @classify[0]
        if "@first" in str(kind["kind"]).lower():
            @reply = @code[0]
            try:
                @answer = str(agent.execute_code(str(@reply["code"])))
            except Exception:
                @fallback
        else:
            @reply = @think[0]
            @answer = @value
        @finish
        """,
        classify=s.call(
            s.asked(f"What kind of problem is this? Choose one of: {kinds}."),
            ["kind", "expert"],
            temperature="0.0",
            instructions="'expert' names the expert who is best suited to solve it.",
        ),
        first=first_kind,
        reply=s.reply,
        code=ask_code(s),
        answer=s.answer,
        fallback=fallback(s, s.answer),
        think=s.call(s.question, [s.key, "answer"], role='=str(kind["expert"])'),
        value=field_of(s, s.reply, "answer"),
        finish=finish(s, s.answer),
    )


def _ensemble(s: Sketch) -> str:
    return s.fill(
        """
        @first

        @second

        @answers = []
        for _ in range(@samples):
            @answers.append(@left)
        for _ in range(@fewer):
            @answers.append(@right)
        @decide
        @finish
        """,
        first=attempt(s, "first_way", s.plan["base"]),
        second=attempt(s, "second_way", s.plan["partner"]),
        answers=s.answers,
        samples=s.plan["samples"],
        fewer=str(max(1, int(s.plan["samples"]) - 1)),
        left=normal(s, f"first_way({s.temperature})"),
        right=normal(s, f"second_way({s.temperature})"),
        decide=decided(s, s.answers, s.answer),
        finish=finish(s, s.answer),
    )


def _rephrase(s: Sketch) -> str:
    request = s.pick(
        "rephrase",
        "Say the same problem in other words. Keep every number and every detail.",
        "Rewrite this problem more clearly without changing its meaning or its data.",
    )
    return s.fill(
        """
        @answers = []
        versions = @rephrase
        texts = [task] + [@version for version in versions]
        for text in texts:
            @reply = @ask[0]
            @answers.append(@value)
        @vote
        @finish
        """,
        answers=s.answers,
        rephrase=s.call(s.asked(request), ["problem"], n=s.plan["samples"], instructions=""),
        version=quote_f("{task}\n\nIn other words: {version['problem']}"),
        reply=s.reply,
        ask=s.call("text", [s.key, "answer"]),
        value=normal(s, field_of(s, s.reply, "answer")),
        vote=vote(s, s.answers, s.answer),
        finish=finish(s, s.answer),
    )


ANSWER_BODIES: Mapping[str, Callable[[Sketch], str]] = {
    "direct": _single,
    "cot": _single,
    "vote": _vote,
    "adaptive": _adaptive,
    "panel": _panel,
    "code": _code,
    "code_retry": _code_retry,
    "code_vote": _code_vote,
    "cross": _cross,
    "refine": _refine,
    "verify": _verify,
    "debate": _debate,
    "judge": _judge,
    "decompose": _decompose,
    "stepback": _stepback,
    "outline": _outline,
    "facts": _facts,
    "facts_vote": _facts_vote,
    "facts_code": _facts_code,
    "options": _options,
    "router": _router,
    "ensemble": _ensemble,
    "rephrase": _rephrase,
}
