"""Pieces that many strategies share: one attempt, a vote, a clean-up, a fallback.

In: a Sketch. Out: Python text for the body of a solver. All answers that travel between pieces
are strings, so that a vote or a comparison never meets a list or None.
"""

from __future__ import annotations

from w4s.models.grammar.sketch import Sketch, quote_f
from w4s.models.grammar.wording import JUDGES

# --- One attempt -----------------------------------------------------------------------------


def ask(s: Sketch, *, n: str = "1", temperature: str | None = None, role: str | None = None) -> str:
    """A list of replies to the plain question, in the format of the plan."""
    if s.plan["format"] == "text":
        request = s.pick(
            "boxed",
            "Finish with the final answer in \\boxed{{}}.",
            "Put the final answer in \\boxed{{}} at the end.",
            "The last line must be \\boxed{{answer}}.",
        )
        return s.text_call(s.asked(request), n=n, temperature=temperature, role=role)
    keys = ["answer"] if s.plan["strategy"] == "direct" else [s.key, "answer"]
    return s.call(s.question, keys, n=n, temperature=temperature, role=role)


def answer_of(s: Sketch, reply: str) -> str:
    """The answer in one reply of `ask`, as a string expression."""
    if s.plan["format"] == "text":
        return f"agent.extract_answer_str({reply})"
    return field_of(s, reply, "answer")


def field_of(s: Sketch, reply: str, key: str) -> str:
    """A field of a JSON reply, as a string expression."""
    return s.pick("field", f'str({reply}["{key}"])', f'str({reply}.get("{key}", ""))')


def ask_code(s: Sketch, *, n: str = "1", temperature: str | None = None, notes: str = "") -> str:
    """A list of replies with a program under "code". `notes` go in front of the request."""
    request = s.pick(
        "code-request",
        "Write Python code that defines a function `solution()` which returns the final answer.",
        "Solve this with a Python function `solution()` that takes no arguments and returns "
        "the answer.",
        "Write a program for this. It must define `solution()`, and solution() must return the "
        "answer itself.",
    )
    instructions = s.pick(
        "code-instructions",
        "Put plain Python source without Markdown under 'code'.",
        "The code must run as it is: no input, no prints, only a return value.",
        "Compute every intermediate value in code instead of in your head.",
    )
    return s.call(
        s.asked(notes + request),
        [s.key, "code"],
        n=n,
        temperature=temperature,
        instructions=instructions,
    )


def attempt(s: Sketch, name: str, base: str) -> str:
    """A nested function `name(temperature)` that returns one answer as a string."""
    if base == "code":
        return s.fill(
            """
            def @name(temperature):
                @reply = @ask[0]
                try:
                    return str(agent.execute_code(str(@reply["code"])))
                except Exception:
                    @reply = @again[0]
                    return @value
            """,
            name=name,
            reply=s.reply,
            ask=ask_code(s, temperature="temperature"),
            again=s.call(s.question, [s.key, "answer"], temperature="temperature"),
            value=field_of(s, s.reply, "answer"),
        )
    if base == "facts":
        return s.fill(
            """
            def @name(temperature):
                notes = @notes[0]
                @reply = @ask[0]
                return @value
            """,
            name=name,
            reply=s.reply,
            notes=s.call(
                s.asked(facts_request(s)), ["facts"], temperature="temperature", instructions=""
            ),
            ask=s.call(
                quote_f("{task}\n\nRelevant facts:\n{notes['facts']}"),
                [s.key, "answer"],
                temperature="temperature",
            ),
            value=field_of(s, s.reply, "answer"),
        )
    keys = ["answer"] if base == "direct" else [s.key, "answer"]
    return s.fill(
        """
        def @name(temperature):
            @reply = @ask[0]
            return @value
        """,
        name=name,
        reply=s.reply,
        ask=s.call(s.question, keys, temperature="temperature"),
        value=field_of(s, s.reply, "answer"),
    )


def facts_request(s: Sketch) -> str:
    return s.pick(
        "facts-request",
        "List the facts that matter for the question, and nothing else. Do not answer yet.",
        "Quote the sentences or values that are needed to answer. Do not answer yet.",
        "Which details are relevant? Collect them as short notes without solving.",
    )


# --- The end ---------------------------------------------------------------------------------


def finish(s: Sketch, answer: str) -> str:
    """Return a string expression as the answer, cleaned as the plan says."""
    match s.plan["clean"]:
        case "number" | "letter":
            cleaned = f"{_tidy(s)}({answer})"
        case "strip":
            cleaned = f"{answer}.strip()"
        case "extract":
            cleaned = f"agent.extract_answer_str({answer})"
        case _:
            cleaned = answer
    return f'return {{"answer": {cleaned}}}'


def _tidy(s: Sketch) -> str:
    """The name of a helper that keeps the essential part of an answer."""
    name = s.pick("tidy", "tidy", "clean", "clean_answer", "extract_final", "shorten")
    s.imports.add("re")
    if s.plan["clean"] == "letter":
        s.helper(
            f"""
            def {name}(text):
                found = re.findall(r"\\b([A-J])\\b", text)
                return found[-1] if found else text.strip()
            """
        )
    elif s.flag("tidy-loop"):
        s.helper(
            f"""
            def {name}(text):
                found = re.findall(r"-?\\d+(?:\\.\\d+)?", text.replace(",", ""))
                return found[-1] if found else text.strip()
            """
        )
    else:
        s.helper(
            f"""
            def {name}(text):
                text = text.replace(",", "").replace("$", "").strip()
                match = re.search(r"-?\\d+(\\.\\d+)?", text)
                if match is None:
                    return text
                return match.group(0)
            """
        )
    return name


# --- Votes -----------------------------------------------------------------------------------


def normal(s: Sketch, value: str) -> str:
    """A string expression brought to the form in which answers are compared."""
    match s.plan["norm"]:
        case "strip":
            return f"{value}.strip()"
        case "lower":
            return f'{value}.strip().lower().rstrip(".")'
        case "number":
            return f"{_number_form(s)}({value})"
        case _:
            return value


def _number_form(s: Sketch) -> str:
    name = s.pick("normalise", "normalize", "normalise", "canonical", "as_number")
    body = s.pick(
        "normalise-body",
        """
            value = float(text.replace(",", "").replace("$", ""))
            return str(int(value)) if value == int(value) else str(round(value, 6))
        """,
        """
            value = float(text.strip().rstrip(".%").replace(",", ""))
            return str(int(value)) if value.is_integer() else str(value)
        """,
    )
    s.helper(
        s.fill(
            """
            def @name(text):
                try:
                    @body
                except (ValueError, OverflowError):
                    return text.strip()
            """,
            name=name,
            body=s.fill(body),
        )
    )
    return name


def vote(s: Sketch, answers: str, target: str) -> str:
    """Statements that set `target` to the most frequent of a non-empty list of strings."""
    match s.pick("vote", "counter", "counter", "dict", "count"):
        case "counter":
            s.imports.add("from collections import Counter")
            return f"{target} = Counter({answers}).most_common(1)[0][0]"
        case "dict":
            return s.fill(
                """
                counts = {}
                for item in @answers:
                    counts[item] = counts.get(item, 0) + 1
                @target = max(counts, key=counts.get)
                """,
                answers=answers,
                target=target,
            )
        case _:
            return f"{target} = max({answers}, key={answers}.count)"


def judged(s: Sketch, answers: str, target: str) -> str:
    """Statements that let the executor choose among a list of strings."""
    role = s.pick("judge-role", *JUDGES)
    request = s.pick(
        "judge-request",
        "Several answers were proposed:\n{listing}\n\nDecide which one is right.",
        "Candidate answers:\n{listing}\n\nCompare them and give the correct one.",
        "These answers compete:\n{listing}\n\nWork out which is correct and give it.",
    )
    return s.fill(
        """
        listing = "\\n".join(f"{number}. {item}" for number, item in enumerate(@answers, 1))
        verdict = @call[0]
        @target = @value
        """,
        answers=answers,
        target=target,
        call=s.call(
            quote_f("{task}\n\n" + request), [s.key, "answer"], temperature="0.0", role=role
        ),
        value=field_of(s, "verdict", "answer"),
    )


def decided(s: Sketch, answers: str, target: str) -> str:
    """A vote or a judge, as the plan says."""
    return (judged if s.plan["decide"] == "judge" else vote)(s, answers, target)


# --- Fallbacks -------------------------------------------------------------------------------


def fallback(s: Sketch, target: str) -> str:
    """Statements that set `target` when running code has failed."""
    match s.plan["fallback"]:
        case "direct":
            return s.fill(
                "@target = @value",
                target=target,
                value=field_of(s, s.call(s.question, ["answer"]) + "[0]", "answer"),
            )
        case "cot":
            return s.fill(
                """
                @second = @call[0]
                @target = @value
                """,
                second="second",
                target=target,
                call=s.call(s.question, [s.key, "answer"]),
                value=field_of(s, "second", "answer"),
            )
        case "vote":
            return s.fill(
                """
                others = @call
                texts = [@value for other in others]
                @vote
                """,
                call=s.call(s.question, [s.key, "answer"], n="3", temperature="0.8"),
                value=field_of(s, "other", "answer"),
                vote=vote(s, "texts", target),
            )
        case _:
            return f'{target} = "unknown"'
