"""Workflows that the tests of the decision process share."""

GOOD = """
def solver(agent, task):
    reply = agent.call_json_format_llm(
        messages=[{"role": "user", "content": task}], return_dict_keys=["answer"])[0]
    return {"answer": reply["answer"]}
"""


def solves_below(limit: int) -> str:
    """A workflow that is right for numbers below `limit`, and asks the executor once."""
    return f"""
def solver(agent, task):
    reply = agent.call_json_format_llm(
        messages=[{{"role": "user", "content": task}}], return_dict_keys=["answer"])[0]
    return {{"answer": reply["answer"] if int(reply["answer"]) <= {limit} else "no idea"}}
"""
