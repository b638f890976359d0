"""Debate: three roles answer, read one another and answer again; a judge decides."""

ROLES = ("careful mathematician", "sceptical reviewer", "practical problem solver")
ROUNDS = 2
KEYS = ["reasoning", "answer"]
FORM = "Put your reasoning first and only the final answer under 'answer'."


def opinion(agent, role, content, temperature):
    return agent.call_json_format_llm(
        messages=[{"role": "user", "content": content}],
        temperature=temperature,
        agent_role=role,
        return_dict_keys=KEYS,
        instructions=FORM,
    )[0]


def transcript(opinions):
    return "\n\n".join(
        f"The {role} says:\n{said['reasoning']}\nAnswer: {said['answer']}"
        for role, said in opinions.items()
    )


def solver(agent, task: str):
    opinions = {}
    for turn in range(ROUNDS):
        spoken = {}
        for role in ROLES:
            content = f"{task}\n\nThink step by step, then answer."
            if turn > 0:
                others = {name: said for name, said in opinions.items() if name != role}
                content = (
                    f"{task}\n\nOthers have answered:\n\n{transcript(others)}\n\nWeigh their "
                    "arguments, say where they are wrong, and give your own answer."
                )
            spoken[role] = opinion(agent, role, content, 0.8)
        opinions = spoken
    verdict = opinion(
        agent,
        "fair judge",
        f"{task}\n\nThe debate ended like this:\n\n{transcript(opinions)}\n\nThink it through "
        "and give the final answer.",
        0.1,
    )
    return {"answer": str(verdict["answer"])}
