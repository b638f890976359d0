"""Workflows that the tests of the decision process share."""

from w4s.types import Status

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


BAD: dict[str, tuple[str, Status, int | None]] = {
    "endless loop": (
        "def solver(agent, task):\n    while True:\n        pass\n",
        Status.TIME_LIMIT,
        2,
    ),
    "endless sleep": (
        "import time\ndef solver(agent, task):\n    time.sleep(10_000)\n",
        Status.TIME_LIMIT,
        3,
    ),
    "sys.exit in the function": (
        "import sys\ndef solver(agent, task):\n    sys.exit(0)\n",
        Status.EXITED,
        3,
    ),
    "sys.exit in the module": (
        "import sys\nsys.exit(0)\ndef solver(agent, task): ...\n",
        Status.EXITED,
        2,
    ),
    "os._exit": ("import os\ndef solver(agent, task):\n    os._exit(0)\n", Status.EXITED, None),
    "KeyboardInterrupt": (
        "def solver(agent, task):\n    raise KeyboardInterrupt\n",
        Status.RAISED,
        2,
    ),
    "3 GB": (
        "def solver(agent, task):\n    return {'answer': len(bytearray(3 * 2**30))}\n",
        Status.MEMORY_LIMIT,
        2,
    ),
    "deep recursion": (
        "def solver(agent, task):\n    return solver(agent, task)\n",
        Status.RAISED,
        2,
    ),
    "50 MB of output": (
        "def solver(agent, task):\n    print('x' * 50_000_000)\n    return {'answer': 1}\n",
        Status.OUTPUT_LIMIT,
        None,
    ),
    "syntax error": ("def solver(agent, task):\n    return {\n", Status.SYNTAX_ERROR, 2),
    "no solver": ("def solve(agent, task):\n    return {'answer': 1}\n", Status.NO_SOLVER, None),
    "wrong key": ("def solver(agent, task):\n    return {'result': 1}\n", Status.NO_ANSWER, None),
    "None": ("def solver(agent, task):\n    return {'answer': None}\n", Status.NO_ANSWER, None),
    "a list": ("def solver(agent, task):\n    return {'answer': [1]}\n", Status.NO_ANSWER, None),
    "NaN": (
        "def solver(agent, task):\n    return {'answer': float('nan')}\n",
        Status.NO_ANSWER,
        None,
    ),
    "10 MB": (
        "def solver(agent, task):\n    return {'answer': 'x' * 10_000_000}\n",
        Status.OUTPUT_LIMIT,
        None,
    ),
    "no dict": ("def solver(agent, task):\n    return 4\n", Status.NO_ANSWER, None),
    "wrong arguments": (
        "def solver(agent, task):\n    agent.call_llm('hello')\n",
        Status.RAISED,
        2,
    ),
    "wrong message": (
        "def solver(agent, task):\n    agent.call_llm(messages=[{'role': 'user'}])\n",
        Status.RAISED,
        2,
    ),
    "too hot": (
        "def solver(agent, task):\n"
        "    agent.call_llm(messages=[{'role': 'user', 'content': task}], temperature=9)\n",
        Status.RAISED,
        2,
    ),
    "a thousand calls": (
        "def solver(agent, task):\n"
        "    for _ in range(1000):\n"
        "        agent.call_llm(messages=[{'role': 'user', 'content': task}])\n",
        Status.CALL_LIMIT,
        None,
    ),
    "a thousand calls, errors caught": (
        "def solver(agent, task):\n"
        "    for _ in range(1000):\n"
        "        try:\n"
        "            agent.call_llm(messages=[{'role': 'user', 'content': task}])\n"
        "        except BaseException:\n"
        "            pass\n"
        "    return {'answer': 1}\n",
        Status.CALL_LIMIT,
        None,
    ),
}
"""Name to program, the status it ends in, and the line that is named."""
