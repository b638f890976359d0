"""Self-refine: an answer, a critic, a better answer, until the critic is satisfied."""

ROUNDS = 5
KEYS = ["reasoning", "answer"]
FORM = "Put your reasoning first and only the final answer under 'answer'."


def solver(agent, task: str):
    current = agent.call_json_format_llm(
        messages=[{"role": "user", "content": f"{task}\n\nThink step by step, then answer."}],
        temperature=0.5,
        return_dict_keys=KEYS,
        instructions=FORM,
    )[0]
    for _ in range(ROUNDS):
        attempt = f"Reasoning: {current['reasoning']}\nAnswer: {current['answer']}"
        review = agent.call_json_format_llm(
            messages=[
                {
                    "role": "user",
                    "content": f"{task}\n\nHere is an attempt at this problem:\n\n{attempt}\n\n"
                    "Check every step of it and say what is wrong, if anything.",
                }
            ],
            temperature=0.5,
            agent_role="strict critic",
            return_dict_keys=["criticism", "satisfied"],
            instructions="Under 'satisfied' write yes when the answer is right, otherwise no.",
        )[0]
        if str(review["satisfied"]).strip().lower().startswith(("yes", "true")):
            break
        current = agent.call_json_format_llm(
            messages=[
                {
                    "role": "user",
                    "content": f"{task}\n\nYour earlier attempt:\n\n{attempt}\n\nA critic says:\n\n"
                    f"{review['criticism']}\n\nUse what is right in this and solve the problem "
                    "again, step by step.",
                }
            ],
            temperature=0.5,
            return_dict_keys=KEYS,
            instructions=FORM,
        )[0]
    return {"answer": str(current["answer"])}
