"""Self-refine, for programming tasks: a solution, a critic, a better one."""

ROUNDS = 5


def solver(agent, task: str, entry_point: str):
    solution = agent.extract_code_block(
        agent.call_llm(
            messages=[
                {
                    "role": "user",
                    "content": f"{task}\n\nThink step by step, then write the whole function "
                    f"`{entry_point}` in one ```python block.",
                }
            ],
            temperature=0.5,
            agent_role="Python programmer",
        )[0],
        entry_point,
    )
    for _ in range(ROUNDS):
        attempt = f"```python\n{solution}\n```"
        review = agent.call_json_format_llm(
            messages=[
                {
                    "role": "user",
                    "content": f"{task}\n\nHere is a solution:\n{attempt}\n\nGo through it line by "
                    "line and say what is wrong, if anything.",
                }
            ],
            temperature=0.5,
            agent_role="strict code reviewer",
            return_dict_keys=["criticism", "satisfied"],
            instructions="Under 'satisfied' write yes when the code is right, otherwise no.",
        )[0]
        if str(review["satisfied"]).strip().lower().startswith(("yes", "true")):
            break
        response = agent.call_llm(
            messages=[
                {
                    "role": "user",
                    "content": f"{task}\n\nThis solution:\n{attempt}\n\nwas criticised:\n"
                    f"{review['criticism']}\n\nExplain the fault in a few sentences, then write "
                    f"the whole corrected function `{entry_point}` in one ```python block.",
                }
            ],
            temperature=0.5,
            agent_role="Python programmer",
        )[0]
        solution = agent.extract_code_block(response, entry_point)
    return {"answer": solution}
