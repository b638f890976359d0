"""Direct, for programming tasks: one call, the code at once."""


def solver(agent, task: str, entry_point: str):
    response = agent.call_llm(
        messages=[
            {"role": "user", "content": f"{task}\n\nWrite the whole function `{entry_point}`."}
        ],
        temperature=0.3,
        agent_role="Python programmer",
        instructions="Answer with one ```python block and nothing else.",
    )[0]
    return {"answer": agent.extract_code_block(response, entry_point)}
