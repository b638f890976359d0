"""Code generation: the executor writes a program, the program finds the answer."""


def solver(agent, task: str):
    response = agent.call_json_format_llm(
        messages=[
            {
                "role": "user",
                "content": f"{task}\n\nWrite Python code that defines a function `solution()` "
                "without arguments which computes and returns the final answer.",
            }
        ],
        temperature=0.3,
        agent_role="Python programmer",
        return_dict_keys=["reasoning", "code"],
        instructions="Put plain Python source, no Markdown, under 'code'.",
    )[0]
    try:
        return {"answer": str(agent.execute_code(str(response["code"])))}
    except Exception:
        return {"answer": agent.extract_answer_str(str(response["reasoning"]))}
