"""How long 10,000 scores take: numbers, letters and token F1, on answers as models write them.

The target is under two seconds for each kind, on one core; processor time is compared, since the
machine may have other work.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from w4s.tasks.choice import letter_judge
from w4s.tasks.gsm_hard import judge as judge_gsm_hard
from w4s.tasks.mathematics import judge_gsm_plus, judge_number_string
from w4s.tasks.reading import judge_f1
from w4s.tasks.scorers import number
from w4s.types import JSON, Score

COUNT = 10_000
TARGET_SECONDS = 2.0

Judge = Callable[[JSON, str], Score]


def answers(rng: random.Random) -> list[tuple[str, str]]:
    """Pairs of a gold number and an answer, a quarter of them wordy."""
    pairs = []
    for _ in range(COUNT):
        gold = rng.randrange(10 ** rng.randrange(1, 11))
        wordy = f"First, {gold // 3} and {gold // 2}. So the answer is ${gold:,}.00, in all."
        pairs.append((str(gold), rng.choice([str(gold), f"{gold}.0", f"{gold + 1:,}", wordy])))
    return pairs


def seconds(judge: Judge, pairs: Sequence[tuple[JSON, str]]) -> tuple[float, float]:
    """Processor and wall time of scoring every pair."""
    start, wall_start = time.process_time(), time.perf_counter()
    for target, answer in pairs:
        judge(target, answer)
    return time.process_time() - start, time.perf_counter() - wall_start


def main() -> None:
    rng = random.Random(0)
    numbers = answers(rng)
    letters = [
        (rng.choice("ABCDEFGHIJ"), f"Since {text} holds, the answer is ({rng.choice('ABCDE')}).")
        for _, text in numbers
    ]
    spans = [
        ([f"the {gold} yards", f"{gold}"], f"It was {gold}-yards, by the Packers and Lions")
        for gold, _ in numbers
    ]
    kinds: list[tuple[str, Judge, Sequence[tuple[JSON, str]]]] = [
        ("number (free text)", number, numbers),
        ("number (string rule)", judge_number_string, numbers),
        ("number (float, GSM-Hard)", judge_gsm_hard, [(float(g), text) for g, text in numbers]),
        ("number (GSM-Plus)", judge_gsm_plus, numbers),
        ("letter", letter_judge("ABCDEFGHIJ"), letters),
        ("token F1", judge_f1, spans),
    ]
    for name, judge, pairs in kinds:
        spent, wall = seconds(judge, pairs)
        verdict = "" if spent < TARGET_SECONDS else f", over {TARGET_SECONDS:g} s"
        print(f"{name:26} {COUNT:,} scores in {spent:5.2f} s ({wall:.2f} s wall){verdict}")


if __name__ == "__main__":
    main()
