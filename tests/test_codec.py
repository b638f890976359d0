"""Every record of the house survives the way to disk and back, and nothing else passes."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest

from w4s.codec import decode, encode
from w4s.errors import StoreError
from w4s.types import (
    Attempt,
    Entry,
    Evaluation,
    Message,
    Outcome,
    Proposal,
    Repair,
    Score,
    State,
    Status,
    Step,
    Trouble,
    Turn,
    Usage,
    Workflow,
)

FLOW = Workflow('def solver(agent, task):\n    return {"answer": "ü\\n\u2028"}\n', "cot")
SCORED = Outcome(
    "p1", Status.SCORED, Score(1.0, "5", "equal", 0.5), "5", None, Usage(1, 2, 3, 4, 0.1), 0.25
)
FAILED = Outcome("p2", Status.RAISED, trouble=Trouble("KeyError", "'x'", 3, "line 3"))
EVALUATION = Evaluation(FLOW, (SCORED, FAILED))
PROPOSAL = Proposal(
    (Message("system", "s"), Message("user", "u")),
    "reply",
    FLOW,
    repairs=(Repair("error", "first reply"),),
    prompt_ids=(1, 2),
    reply_ids=(),
)
ENTRY = Entry(FLOW, 0.1 + 0.2, "better")
STATE = State(2, (ENTRY,), None, (Step("r", "f"),), 0.5, ENTRY, ENTRY)
TURN = Turn(
    STATE,
    (Attempt(PROPOSAL, EVALUATION, EVALUATION, "feedback", 0.5),),
    (Proposal((), "", None, error="no code"),),
)


@pytest.mark.parametrize("record", [FLOW, SCORED, FAILED, EVALUATION, PROPOSAL, STATE, TURN])
def test_a_record_comes_back_as_it_was(record: object) -> None:
    line = encode(record)
    assert b"\n" not in line
    assert decode(type(record), line) == record


def test_the_line_is_plain_json_with_the_field_names() -> None:
    assert json.loads(encode(FAILED))["trouble"] == {
        "type": "KeyError",
        "message": "'x'",
        "line": 3,
        "traceback": "line 3",
    }


def test_numbers_that_are_none_stay_so() -> None:
    assert math.isnan(decode(Score, encode(Score(math.nan))).value)
    assert decode(Score, encode(Score(-math.inf))).value == -math.inf


def test_half_a_surrogate_pair_does_not_stop_the_writing() -> None:
    bad = Outcome("p", Status.SCORED, Score(0.0), answer="a\ud83db")
    assert decode(Outcome, encode(bad)).answer == "a?b"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"problem": "p", "status": "scored", "colour": 1}', "colour"),
        ('{"status": "scored"}', "problem: .*required"),
        ('{"problem": "p", "status": "perfect"}', "status"),
        ('{"problem": 1, "status": "scored"}', "problem"),
        ('{"problem": "p", "status": "scored", "usage": {"calls": "5"}}', "usage.calls"),
        ('{"problem": "p", "status"', "(?i)json"),
        ("[]", "Outcome"),
        ("", "(?i)outcome|json"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_field(line: str, says: str) -> None:
    with pytest.raises(StoreError, match=says) as caught:
        decode(Outcome, line)
    assert "\n" not in str(caught.value)


def test_fields_with_a_default_may_be_missing() -> None:
    assert decode(Outcome, '{"problem": "p", "status": "unscored"}') == Outcome(
        "p", Status.UNSCORED
    )


def test_ten_thousand_outcomes_a_second(tmp_path: Path) -> None:
    encode(SCORED)
    start = time.process_time()
    for _ in range(2000):
        decode(Outcome, encode(SCORED))
    assert time.process_time() - start < 0.2
