"""Test and repair: rewrite the solution until the public tests pass."""


def solver(agent, task: str, entry_point: str):
    response = agent.call_llm(
        messages=[
            {
                "role": "user",
                "content": f"{task}\n\nWrite the whole function `{entry_point}` in one "
                "```python block.",
            }
        ],
        temperature=0.3,
        agent_role="Python programmer",
    )[0]
    solution = agent.extract_code_block(response, entry_point)
    return {
        "answer": agent.test_on_public_test(task, solution, entry_point, test_loop=3)["solution"]
    }
