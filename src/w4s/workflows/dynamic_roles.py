"""Dynamic roles: a router chooses the expert for this problem, the expert answers."""

EXPERTS = (
    "mathematics professor",
    "careful reader of texts",
    "natural scientist",
    "historian and social scientist",
    "logician",
    "helpful generalist",
)


def solver(agent, task: str):
    choice = agent.call_json_format_llm(
        messages=[
            {
                "role": "user",
                "content": f"Which of these experts should work on the problem below: "
                f"{'; '.join(EXPERTS)}?\n\nProblem:\n{task}",
            }
        ],
        temperature=0.3,
        agent_role="dispatcher",
        return_dict_keys=["expert"],
        instructions="Do not solve the problem. Name one expert, in the words of the list.",
    )[0]
    named = str(choice["expert"]).lower()
    expert = next((name for name in EXPERTS if name in named), EXPERTS[-1])
    response = agent.call_json_format_llm(
        messages=[{"role": "user", "content": f"{task}\n\nThink step by step, then answer."}],
        temperature=0.8,
        agent_role=expert,
        return_dict_keys=["reasoning", "answer"],
        instructions="Put your reasoning first and only the final answer under 'answer'.",
    )[0]
    return {"answer": str(response["answer"])}
