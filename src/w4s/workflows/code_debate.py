"""Debate, for programming tasks: three programmers, two rounds, a judge writes the code."""

ROLES = ("algorithm designer", "tester who looks for edge cases", "pragmatic programmer")
ROUNDS = 2


def written(agent, role, content, temperature, entry_point):
    response = agent.call_llm(
        messages=[{"role": "user", "content": content}],
        temperature=temperature,
        agent_role=role,
    )[0]
    return agent.extract_code_block(response, entry_point)


def transcript(solutions):
    return "\n\n".join(
        f"The {role} wrote:\n```python\n{code}\n```" for role, code in solutions.items()
    )


def solver(agent, task: str, entry_point: str):
    order = f"write the whole function `{entry_point}` in one ```python block."
    solutions = {}
    for turn in range(ROUNDS):
        new = {}
        for role in ROLES:
            content = f"{task}\n\nThink step by step, then {order}"
            if turn > 0:
                others = {name: code for name, code in solutions.items() if name != role}
                content = (
                    f"{task}\n\nOthers have solved it like this:\n\n{transcript(others)}\n\nSay "
                    f"where they are wrong, then {order}"
                )
            new[role] = written(agent, role, content, 0.8, entry_point)
        solutions = new
    content = (
        f"{task}\n\nThe debate ended with these solutions:\n\n{transcript(solutions)}\n\nCompare "
        f"them, then {order}"
    )
    return {"answer": written(agent, "fair judge", content, 0.1, entry_point)}
