"""Step back, for programming tasks: first what the function must handle, then the code."""


def solver(agent, task: str, entry_point: str):
    notes = agent.call_llm(
        messages=[
            {
                "role": "user",
                "content": f"{task}\n\nWrite no code yet. Which algorithm fits, and which special "
                "cases must the function handle?",
            }
        ],
        temperature=0.8,
        agent_role="software architect",
    )[0]
    response = agent.call_llm(
        messages=[
            {
                "role": "user",
                "content": f"{task}\n\nNotes:\n{notes}\n\nThink step by step with these in mind, "
                f"then write the whole function `{entry_point}` in one ```python block.",
            }
        ],
        temperature=0.8,
        agent_role="Python programmer",
    )[0]
    return {"answer": agent.extract_code_block(response, entry_point)}
