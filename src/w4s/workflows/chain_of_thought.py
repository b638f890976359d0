"""Chain of thought: one call that reasons before it answers."""


def solver(agent, task: str):
    response = agent.call_json_format_llm(
        messages=[{"role": "user", "content": f"{task}\n\nThink step by step, then answer."}],
        temperature=0.8,
        return_dict_keys=["reasoning", "answer"],
        instructions="Put your reasoning first and only the final answer under 'answer'.",
    )[0]
    return {"answer": str(response["answer"])}
