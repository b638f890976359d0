"""Five solutions, the first that passes the public tests."""


def solver(agent, task: str, entry_point: str):
    responses = agent.call_llm(
        messages=[
            {
                "role": "user",
                "content": f"{task}\n\nThink step by step, then write the whole function "
                f"`{entry_point}` in one ```python block.",
            }
        ],
        temperature=0.8,
        num_of_response=5,
        agent_role="Python programmer",
    )
    solutions = [agent.extract_code_block(response, entry_point) for response in responses]
    for solution in solutions:
        if agent.exec_test(solution, entry_point) == "no error":
            return {"answer": solution}
    return {"answer": solutions[0]}
