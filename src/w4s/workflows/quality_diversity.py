"""Quality-diversity: attempts that each take another way; a judge picks the answer."""

ATTEMPTS = 4
KEYS = ["reasoning", "answer"]
FORM = "Put your reasoning first and only the final answer under 'answer'."


def solver(agent, task: str):
    attempts = []
    for _ in range(ATTEMPTS):
        content = f"{task}\n\nThink step by step, then answer."
        if attempts:
            content = (
                f"{task}\n\nEarlier attempts:\n\n{listed(attempts)}\n\nSolve it in a way that "
                "none of these took, step by step."
            )
        attempts.append(
            agent.call_json_format_llm(
                messages=[{"role": "user", "content": content}],
                temperature=0.8,
                return_dict_keys=KEYS,
                instructions=FORM,
            )[0]
        )
    verdict = agent.call_json_format_llm(
        messages=[
            {
                "role": "user",
                "content": f"{task}\n\nHere are several attempts:\n\n{listed(attempts)}\n\n"
                "Compare them carefully and give the final answer.",
            }
        ],
        temperature=0.1,
        agent_role="fair judge",
        return_dict_keys=KEYS,
        instructions=FORM,
    )[0]
    return {"answer": str(verdict["answer"])}


def listed(attempts):
    return "\n\n".join(
        f"Attempt {number}: {attempt['reasoning']}\nAnswer: {attempt['answer']}"
        for number, attempt in enumerate(attempts, 1)
    )
