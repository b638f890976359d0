"""Dynamic roles, for programming tasks: a router chooses the programmer for this problem."""

EXPERTS = (
    "expert in algorithms and data structures",
    "expert in text processing",
    "expert in numerical programming",
    "Python programmer",
)


def solver(agent, task: str, entry_point: str):
    choice = agent.call_json_format_llm(
        messages=[
            {
                "role": "user",
                "content": f"Which of these should write the function below: {'; '.join(EXPERTS)}?"
                f"\n\n{task}",
            }
        ],
        temperature=0.3,
        agent_role="dispatcher",
        return_dict_keys=["expert"],
        instructions="Do not write the function. Name one, in the words of the list.",
    )[0]
    named = str(choice["expert"]).lower()
    expert = next((name for name in EXPERTS if name.lower() in named), EXPERTS[-1])
    response = agent.call_llm(
        messages=[
            {
                "role": "user",
                "content": f"{task}\n\nThink step by step, then write the whole function "
                f"`{entry_point}` in one ```python block.",
            }
        ],
        temperature=0.8,
        agent_role=expert,
    )[0]
    return {"answer": agent.extract_code_block(response, entry_point)}
