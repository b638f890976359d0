"""Quality-diversity, for programming tasks: solutions that each take another way, a judge."""

ATTEMPTS = 3


def solver(agent, task: str, entry_point: str):
    order = f"write the whole function `{entry_point}` in one ```python block."
    attempts = []
    for _ in range(ATTEMPTS):
        content = f"{task}\n\nThink step by step, then {order}"
        if attempts:
            content = (
                f"{task}\n\nEarlier solutions:\n\n{listed(attempts)}\n\nFind a way that none of "
                f"these took, then {order}"
            )
        attempts.append(programmed(agent, content, 0.8, entry_point))
    content = (
        f"{task}\n\nHere are several solutions:\n\n{listed(attempts)}\n\nCompare them carefully, "
        f"then {order}"
    )
    return {"answer": programmed(agent, content, 0.1, entry_point)}


def programmed(agent, content, temperature, entry_point):
    response = agent.call_llm(
        messages=[{"role": "user", "content": content}],
        temperature=temperature,
        agent_role="Python programmer",
    )[0]
    return agent.extract_code_block(response, entry_point)


def listed(attempts):
    return "\n\n".join(f"```python\n{code}\n```" for code in attempts)
