"""Direct: one call, the answer at once."""


def solver(agent, task: str):
    response = agent.call_json_format_llm(
        messages=[{"role": "user", "content": task}],
        temperature=0.3,
        return_dict_keys=["answer"],
        instructions="Give the final answer alone, without any explanation.",
    )[0]
    return {"answer": str(response["answer"])}
