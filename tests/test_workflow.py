"""Finding a workflow in a reply, and the ones that come along."""

import ast
from pathlib import Path

import pytest

from w4s.errors import ConfigError
from w4s.types import Workflow
from w4s.workflow import (
    NoWorkflow,
    analysis_of,
    baseline_names,
    baselines,
    example_workflows,
    load_baseline,
    named_workflow,
    parse_reply,
)

CODE = 'def solver(agent, task):\n    return {"answer": "1"}'


def test_the_last_block_that_defines_solver_is_the_workflow() -> None:
    reply = f"I think.\n```python\nx = 1\n```\n```python\n{CODE}\n```\nand\n```python\ny = 2\n```"
    assert parse_reply(reply).code == CODE + "\n"
    assert analysis_of(reply) == "I think."


def test_a_reply_cut_in_its_block_still_gives_its_code() -> None:
    assert parse_reply(f"```python\n{CODE}").code == CODE + "\n"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("No code today.", "no ```python block"),
        ("```python\ndef helper(): pass\n```", "function `solver`"),
        ("```python\ndef solver(agent, task):\n    return {\n```", "SyntaxError"),
        ("```python\ndef solver(agent, task): pass\n\x00\n```", "null bytes"),
    ],
)
def test_a_reply_without_a_workflow_says_what_is_missing(reply: str, words: str) -> None:
    with pytest.raises(NoWorkflow, match=words):
        parse_reply(reply)


def test_fences_inside_the_code_do_not_end_it() -> None:
    code = 'def solver(agent, task):\n    return {"answer": "```x```"}'
    assert parse_reply(f"```python\n{code}\n```").code == code + "\n"


def test_a_workflow_is_known_by_its_code() -> None:
    assert Workflow(CODE, "a").digest == Workflow(CODE, "b").digest != Workflow(CODE + " ").digest


@pytest.mark.parametrize("name", baseline_names())
def test_the_workflows_that_come_along_define_solver(name: str) -> None:
    tree = ast.parse(load_baseline(name).code)
    solver = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "solver")
    arguments = [argument.arg for argument in solver.args.args]
    writes_code = name.startswith("code_") and name != "code_generation"
    assert arguments == ["agent", "task", "entry_point"][: 3 if writes_code else 2]


def test_examples_fit_their_interface() -> None:
    assert [w.name for w in example_workflows("answer")] == [
        "chain_of_thought",
        "self_consistency",
        "code_generation",
    ]
    assert all("entry_point" in w.code for w in example_workflows("code"))


def test_an_unknown_baseline_is_named() -> None:
    with pytest.raises(ConfigError, match="chain_of_thought"):
        load_baseline("chain")


@pytest.mark.parametrize("interface", ["answer", "code"])
def test_every_published_baseline_comes_for_both_interfaces(interface: str) -> None:
    names = {workflow.name.removeprefix("code_") for workflow in baselines(interface)}
    published = "direct chain_of_thought self_consistency self_refine debate quality_diversity"
    assert {*published.split(), "dynamic_roles", "step_back"} <= names


def test_each_baseline_belongs_to_one_interface() -> None:
    names = [workflow.name for i in ("answer", "code") for workflow in baselines(i)]
    assert sorted(names) == baseline_names()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("question,answer\n1,2\n", "defines no function solver"),
        ("print(solver)\n", "defines no function solver"),
        ("def solver(agent, task:\n", "is no Python"),
    ],
)
def test_a_file_without_a_solver_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "w.py"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        named_workflow(str(path), "answer")


@pytest.mark.parametrize(
    "text",
    ["def solver(agent, task):\n    return {}\n", "from w import solver\n", "solver = print\n"],
)
def test_a_file_that_binds_a_solver_is_a_workflow(tmp_path: Path, text: str) -> None:
    path = tmp_path / "w.py"
    path.write_text(text)
    assert named_workflow(str(path), "answer") == Workflow(text, "w")
