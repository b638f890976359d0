"""GEPA as DSPy ships it, in a process of its own: run by `gepa.process`, never imported.

In: one JSON object on standard input. Out: the best instructions and their scores,
posted to the host. Every model call and every score goes through the host's loopback server, so
this process holds no key and no gold answer. It needs dspy and the standard library alone: the
interpreter that runs it may be another one than that of w4s.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from typing import Any

import dspy

told: dict[str, Any] = json.load(sys.stdin)


def post(path: str, body: dict[str, Any]) -> Any:
    """Ask the host."""
    request = urllib.request.Request(
        f"{told['url']}/{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {told['token']}"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def model(role: str, **settings: Any) -> dspy.LM:
    """One of the host's models. Its replies are kept and its calls repeated by the host alone."""
    return dspy.LM(
        f"openai/{role}",
        api_base=f"{told['url']}/{role}/v1",
        api_key=told["token"],
        cache=False,
        num_retries=0,
        **settings,
    )


def metric(
    gold: Any, pred: Any, trace: Any = None, pred_name: Any = None, pred_trace: Any = None
) -> dspy.Prediction:
    """The task's own scorer."""
    answer = getattr(pred, told["output"], None)
    judged = post("score", {"problem": gold.problem, "answer": answer})
    return dspy.Prediction(score=judged["score"], feedback=judged["feedback"])


def over(state: Any) -> bool:
    """Whether a limit of the run was reached."""
    return bool(post("over", {})["over"])


def example(problem: dict[str, str]) -> dspy.Example:
    return dspy.Example(**problem).with_inputs(*told["inputs"])


def main() -> None:
    dspy.configure(lm=model("executor", **told["sampling"]), adapter=dspy.JSONAdapter())
    signature = dspy.Signature(f"{', '.join(told['inputs'])} -> {told['output']}", told["task"])
    gepa = dspy.GEPA(
        metric=metric,
        max_metric_calls=told["metric_calls"],
        reflection_lm=model("reflection", **told["reflection"]),
        num_threads=told["threads"],
        seed=told["seed"],
        track_stats=True,
        gepa_kwargs={"stop_callbacks": [over]},
    )
    program = gepa.compile(
        dspy.ChainOfThought(signature),
        trainset=[example(problem) for problem in told["public"]],
        valset=[example(problem) for problem in told["private"]],
    )
    results = program.detailed_results
    scores = results.val_subscores[results.best_idx]
    found = {
        "instructions": program.predict.signature.instructions,
        "scores": [float(scores[i]) for i in range(len(told["private"]))],
        "candidates": len(results.candidates),
        "metric_calls": results.total_metric_calls,
    }
    with dspy.context(lm=model("template")):  # the host keeps the messages of this one call
        program(**{name: told["marks"][name] for name in told["inputs"]})
    post("found", found)


if __name__ == "__main__":
    main()
