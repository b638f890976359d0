"""Chain of thought with self-consistency: five responses, the most frequent answer."""

from collections import Counter


def solver(agent, task: str):
    responses = agent.call_json_format_llm(
        messages=[{"role": "user", "content": f"{task}\n\nThink step by step, then answer."}],
        temperature=0.8,
        num_of_response=5,
        return_dict_keys=["reasoning", "answer"],
        instructions="Put your reasoning first and only the final answer under 'answer'.",
    )
    answers = [str(response["answer"]).strip() for response in responses]
    return {"answer": Counter(answers).most_common(1)[0][0]}
