"""Chain of thought, for programming tasks: plan first, then write the function."""


def solver(agent, task: str, entry_point: str):
    response = agent.call_llm(
        messages=[
            {
                "role": "user",
                "content": f"{task}\n\nThink step by step about the cases the function "
                f"`{entry_point}` has to handle. Then write the whole function in one "
                "```python block.",
            }
        ],
        temperature=0.8,
        agent_role="Python programmer",
    )[0]
    return {"answer": agent.extract_code_block(response, entry_point)}
