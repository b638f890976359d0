"""Step back: first the principles that the problem rests on, then the solution."""


def solver(agent, task: str):
    principles = agent.call_json_format_llm(
        messages=[
            {
                "role": "user",
                "content": f"{task}\n\nDo not solve this yet. Which facts, rules and principles "
                "does a solution need?",
            }
        ],
        temperature=0.8,
        return_dict_keys=["principles"],
        instructions="List the principles; give no answer.",
    )[0]["principles"]
    response = agent.call_json_format_llm(
        messages=[
            {
                "role": "user",
                "content": f"{task}\n\nWhat it rests on:\n{principles}\n\nThink step by step with "
                "these in mind, then answer.",
            }
        ],
        temperature=0.8,
        return_dict_keys=["reasoning", "answer"],
        instructions="Put your reasoning first and only the final answer under 'answer'.",
    )[0]
    return {"answer": str(response["answer"])}
