"""What the meta-agent reads, and what it must never read."""

from w4s.feedback import feedback
from w4s.types import Evaluation, Outcome, Problem, Score, Status, Trouble, Workflow

WORKFLOW = Workflow("def solver(agent, task): ...")
PRIVATE = [Problem(f"p{i}", f"o{i}", f"SECRET question {i}", f"SECRET{i}") for i in range(4)]
PUBLIC = [Problem(f"q{i}", f"u{i}", f"public question {i}", f"gold{i}") for i in range(4)]


def scored(problem: Problem, value: float, answer: str) -> Outcome:
    return Outcome(problem.id, Status.SCORED, Score(value, answer, "compared"), answer)


def failed(problem: Problem, status: Status, message: str) -> Outcome:
    return Outcome(problem.id, status, trouble=Trouble("KeyError", message, 7))


def private(*values: float) -> Evaluation:
    outcomes = [scored(p, v, p.question) for p, v in zip(PRIVATE, values, strict=True)]
    return Evaluation(WORKFLOW, tuple(outcomes))


def test_it_tells_accuracy_and_its_change() -> None:
    solved = Evaluation(WORKFLOW, tuple(scored(p, 1, "x") for p in PUBLIC))
    text = feedback(private(1, 1, 0, 0), solved, PUBLIC, last=0.25)
    assert "50.0 %" in text
    assert "rose (+25.0 points)" in text
    assert "solves every public problem" in text
    assert "fell" in feedback(private(0, 0, 0, 0), solved, PUBLIC, last=0.25)
    assert "the same" in feedback(private(1, 0, 0, 0), solved, PUBLIC, last=0.25)
    assert "rose" not in feedback(private(1, 0, 0, 0), solved, PUBLIC, last=None)


def test_it_quotes_failing_public_cases_with_the_gold() -> None:
    outcomes = (
        scored(PUBLIC[0], 1, "gold0"),
        scored(PUBLIC[1], 0, "wrong answer"),
        failed(PUBLIC[2], Status.RAISED, "'answer'"),
        Outcome(PUBLIC[3].id, Status.UNSCORED, trouble=Trouble("ServerFault", "500")),
    )
    text = feedback(private(1, 1, 1, 1), Evaluation(WORKFLOW, outcomes), PUBLIC, last=0.5)
    assert "public question 0" not in text
    assert "wrong answer" in text
    assert "gold1" in text
    assert "KeyError: 'answer' (line 7)" in text
    assert "500" not in text


def test_private_problems_never_reach_the_feedback() -> None:
    outcomes = tuple(failed(p, Status.RAISED, p.question) for p in PRIVATE)
    solved = Evaluation(WORKFLOW, tuple(scored(p, 1, "x") for p in PUBLIC))
    for evaluation in (private(0, 0, 1, 1), Evaluation(WORKFLOW, outcomes)):
        assert "SECRET" not in feedback(evaluation, solved, PUBLIC, last=0.5)


def test_long_answers_are_cut() -> None:
    outcomes = tuple(scored(p, 0, "x" * 100_000) for p in PUBLIC)
    text = feedback(private(0, 0, 0, 0), Evaluation(WORKFLOW, outcomes), PUBLIC, last=None)
    assert len(text) < 10_000


def test_three_cases_are_quoted_and_what_is_partly_right_is_one() -> None:
    outcomes = tuple(scored(p, 0.6, f"half of {p.id}") for p in PUBLIC)
    text = feedback(private(1, 1, 1, 1), Evaluation(WORKFLOW, outcomes), PUBLIC, last=0.5)
    assert [f"half of {p.id}" in text for p in PUBLIC] == [True, True, True, False]
