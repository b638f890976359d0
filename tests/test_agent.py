"""The agent object, with a host that answers from a list."""

import json
import threading
from typing import Any

import pytest

from w4s.agent import Agent, read_json_reply


class Host:
    """Answers every call from a list and keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._lock = threading.Lock()

    def __call__(self, method: str, **arguments: Any) -> Any:
        with self._lock:
            self.asked.append((method, arguments))
            return self.answers.pop(0)


USER = [{"role": "user", "content": "How much?"}]


def test_json_replies_become_dicts_with_the_asked_keys() -> None:
    host = Host(['{"answer": 4, "reasoning": "2+2"}', 'Sure: ```json\n{"answer": 5}\n```', "four"])
    responses = Agent(host).call_json_format_llm(
        messages=USER, num_of_response=3, return_dict_keys=["reasoning", "answer"]
    )
    assert responses[0] == {"answer": 4, "reasoning": "2+2"}
    assert responses[1] == {"answer": 5, "reasoning": "the reply has no key 'reasoning'"}
    assert responses[2]["error"] == "no JSON: four"
    assert responses[2]["answer"] == "the reply has no key 'answer'"


def test_the_system_message_holds_role_keys_and_instructions() -> None:
    host = Host(["{}"])
    Agent(host).call_json_format_llm(
        messages=USER,
        temperature=0.2,
        agent_role="mathematician",
        return_dict_keys=["answer"],
        instructions="Be brief.",
        model="gpt-9",
    )
    method, asked = host.asked[0]
    system, user = asked["messages"]
    assert method == "llm"
    assert system["role"] == "system"
    assert "mathematician" in system["content"]
    assert '"answer"' in system["content"]
    assert system["content"].endswith("Be brief.")
    assert user == USER[0]
    assert (asked["temperature"], asked["n"], asked["json_mode"]) == (0.2, 1, True)
    assert "gpt-9" not in json.dumps(asked)


def test_free_text_and_json_by_response_format() -> None:
    host = Host(["a", "b"], ['{"x": 1}'])
    agent = Agent(host)
    assert agent.call_llm(messages=USER, num_of_response=2) == ["a", "b"]
    assert agent.call_llm(messages=USER, response_format="json") == [{"x": 1}]
    assert [asked["json_mode"] for _, asked in host.asked] == [False, True]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        "How much?",
        [{"role": "user"}],
        [{"role": "user", "content": "x", "name": "y"}],
        [{"role": "robot", "content": "x"}],
        ["How much?"],
    ],
)
def test_malformed_messages_raise_before_anything_is_asked(messages: Any) -> None:
    host = Host()
    with pytest.raises(ValueError, match=r"message|role"):
        Agent(host).call_llm(messages=messages)
    assert not host.asked


def test_a_message_must_hold_text() -> None:
    with pytest.raises(TypeError, match="content"):
        Agent(Host()).call_llm(messages=[{"role": "user", "content": 3}])  # type: ignore[dict-item]


def test_code_is_unfenced_before_it_is_run() -> None:
    host = Host(7, 8)
    agent = Agent(host)
    assert agent.execute_code("```python\ndef solution():\n    return 7\n```") == 7
    assert agent.execute_code("print('```')", timeout=2) == 8
    assert host.asked[0][1]["code"] == "def solution():\n    return 7\n"
    assert host.asked[1][1] == {"code": "print('```')", "timeout": 2.0}


def test_public_tests_drive_the_repair_loop() -> None:
    host = Host(
        "f(1) == 2 failed", ["Off by one.\n```python\ndef f(x): return x + 1\n```"], "no error"
    )
    outcome = Agent(host).test_on_public_test("Add one.", "def f(x): return x", "f")
    assert outcome == {
        "result": True,
        "solution": "def f(x): return x + 1",
        "feedback": "no error",
        "count": 1,
    }


def test_the_repair_loop_ends_after_its_rounds() -> None:
    reply = ["```python\ndef f(x): return 0\n```"]
    host = Host("bad", reply, "bad", reply, "bad")
    outcome = Agent(host).test_on_public_test("Add one.", "def f(x): return x", "f", test_loop=2)
    assert (outcome["result"], outcome["count"], outcome["feedback"]) == (False, 2, "bad")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("so \\boxed{1} and then \\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("It costs $1,234.50 in all.", "1234.50"),
        ("from 3 to -7", "-7"),
        ("First this. Then that.", "Then that."),
        ("", ""),
    ],
)
def test_extract_answer_str(text: str, answer: str) -> None:
    assert Agent(Host()).extract_answer_str(text) == answer


def test_extract_code_block_takes_the_block_that_defines_the_function() -> None:
    text = (
        "```python\nx = 1\n```\nand\n```python\ndef f():\n    return 1\n```\n```\ndef f(): ...\n```"
    )
    agent = Agent(Host())
    assert agent.extract_code_block(text, "f") == "def f():\n    return 1"
    assert agent.extract_code_block(text, "g") == "x = 1"
    assert agent.extract_code_block("def g(): pass", "g") == "def g(): pass"


@pytest.mark.parametrize("reply", ["[1, 2]", "{'a': 1}", "", "{" * 5000, '{"a": ' * 3000])
def test_a_reply_that_is_no_object_is_kept(reply: str) -> None:
    result = read_json_reply(reply, ["answer"])
    assert result["error"].endswith(reply)
    assert "answer" in result
