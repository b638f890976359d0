"""Comparisons say better only where there is something, and their tables hold together."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from w4s.codec import decode
from w4s.reports.compare import Comparison, Effort, Paired, Result, compare
from w4s.reports.compare_tables import as_html, as_json, as_latex, as_markdown, figures, show
from w4s.reports.stats import (
    Difference,
    crossed,
    mcnemar,
    minimum_detectable_difference,
    wilson,
)

TASKS = ("sums", "facts")


def results(
    accuracies: dict[str, float], *, seeds: int = 5, problems: int = 120, usd: float = 0.0
) -> list[Result]:
    """Right or wrong, by difficulty that all contestants share."""
    random = np.random.default_rng(0)
    made = []
    for task in TASKS:
        difficulty = random.random(problems)
        for contestant, accuracy in accuracies.items():
            for seed in range(seeds):
                noisy = difficulty + random.normal(0, 0.1, problems)
                scores = tuple(float(value < accuracy) for value in noisy)
                made.append(
                    Result(
                        contestant,
                        task,
                        seed,
                        "found",
                        f"{contestant}{seed}",
                        tuple(f"p{i}" for i in range(problems)),
                        scores,
                        accuracy + 0.02,
                        (0.5, 0.6, accuracy),
                        Effort(100 * usd, 500, 70_000, 12),
                        Effort(usd, 3, 900, 0.2),
                        "2026-01-01T00:00:00+00:00",
                    )
                )
    return made


def test_the_pareto_front_holds_what_nothing_beats_in_accuracy_and_cost() -> None:
    plain = results({"plain": 0.6}, usd=0.01)
    costly = results({"plain": 0.6, "dear": 0.6, "good": 0.75}, usd=0.02)
    comparison = compare([*plain, *(r for r in costly if r.contestant != "plain")], "plain")
    assert {c.contestant: c.on_front for c in comparison.costs} == {
        "plain": True,
        "dear": False,
        "good": True,
    }
    [line] = [x for x in as_markdown(comparison).splitlines() if x.startswith("| dear | 0.02")]
    assert line.endswith("| - |")


def test_what_costs_nothing_beside_what_costs_is_counted_in_dollars_too() -> None:
    free = results({"free": 0.2})
    comparison = compare([*results({"plain": 0.6}, usd=0.01), *free], "plain", volumes=(100,))
    assert {c.contestant: dict(c.amortised) for c in comparison.costs}["free"] == {100: 0.0}


def test_what_is_better_comes_out_and_what_is_equal_does_not() -> None:
    comparison = compare(results({"plain": 0.6, "same": 0.6, "good": 0.75}), "plain")
    verdicts = {p.contestant: p.verdict for p in comparison.overall}
    assert verdicts == {"same": "", "good": "better"}
    assert {(p.contestant, p.task): p.verdict for p in comparison.by_task} == {
        ("same", "sums"): "",
        ("good", "sums"): "better",
        ("same", "facts"): "",
        ("good", "facts"): "better",
    }
    turned = compare(results({"plain": 0.6, "good": 0.75}), "good")
    assert [p.verdict for p in turned.overall] == ["worse"]


def test_differences_are_corrected_for_their_number() -> None:
    comparison = compare(results({"a": 0.6, "b": 0.62, "c": 0.64, "d": 0.6}), "a")
    for paired in (*comparison.by_task, *comparison.overall):
        assert paired.corrected_p >= paired.difference.p
    smallest = min(comparison.overall, key=lambda p: p.difference.p)
    assert smallest.corrected_p == pytest.approx(min(1, 3 * smallest.difference.p))


def test_one_seed_of_right_or_wrong_is_mcnemars_test() -> None:
    found = results({"a": 0.6, "b": 0.7}, seeds=1)
    comparison = compare(found, "a")
    a, b = (np.array([r.scores for r in found if r.contestant == c], float) for c in "ab")
    expected = mcnemar(int((b > a).sum()), int((a > b).sum()))
    assert comparison.overall[0].difference.p == pytest.approx(expected)


def test_unscored_problems_are_left_out_of_both_sides() -> None:
    found = results({"a": 2.0, "b": 2.0}, seeds=1)
    broken = Result(
        **{f: getattr(found[0], f) for f in found[0].__slots__}
        | {"scores": (None, *found[0].scores[1:])}
    )
    comparison = compare([broken, *found[1:]], "a")
    assert comparison.rows[0].accuracy == 1
    assert comparison.by_task[0].difference.value == 0


def test_a_contestant_that_lacks_seeds_is_compared_on_those_it_has() -> None:
    found = [r for r in results({"a": 0.6, "b": 0.8}) if r.contestant == "a" or r.seed < 3]
    comparison = compare(found, "a")
    assert {row.seeds for row in comparison.rows} == {5, 3}
    assert comparison.overall[0].verdict == "better"
    with pytest.raises(ValueError, match="no results of 'c'"):
        compare(found, "c")


def test_the_search_is_spread_over_its_answers() -> None:
    comparison = compare(results({"a": 0.6}, usd=0.002), "a", volumes=(100, 10_000))
    assert dict(comparison.costs[0].amortised) == pytest.approx({100: 0.004, 10_000: 0.00202})
    tokens = compare(results({"a": 0.6}), "a", volumes=(100,))
    assert dict(tokens.costs[0].amortised) == pytest.approx({100: 1600})


def test_every_form_holds_every_contestant() -> None:
    comparison = compare(results({"plain & <b>": 0.6, "good_one": 0.75}, usd=0.001), "plain & <b>")
    assert decode(Comparison, json.dumps(json.loads(as_json(comparison)))) == comparison
    latex = as_latex(comparison)
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 5
    assert r"plain \& <b>" in latex
    assert r"good\_one" in latex
    markdown = as_markdown(comparison)
    assert r"good\_one" in markdown
    tables = [line for line in markdown.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)
    console = Console(record=True, width=200)
    show(comparison, console)
    assert "good_one" in console.export_text()


def test_names_never_become_markup() -> None:
    page = as_html(compare(results({"<script>x()</script>": 0.6, "b": 0.7}), "b"))
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(page)
    assert "svg" in tags
    assert "script" not in tags


def test_figures_are_well_formed_and_stay_in_their_frame() -> None:
    drawn = figures(compare(results({"a": 0.6, "b": 0.75}, usd=0.001), "a"))
    assert set(drawn) == {"accuracy_by_turn", "accuracy_by_cost"}
    for svg in drawn.values():
        root = ElementTree.fromstring(svg)
        width, height = (float(root.attrib[name]) for name in ("width", "height"))
        for circle in root.iter("{http://www.w3.org/2000/svg}circle"):
            assert 0 <= float(circle.attrib["cx"]) <= width
            assert 0 <= float(circle.attrib["cy"]) <= height
        for line in root.iter("{http://www.w3.org/2000/svg}polyline"):
            numbers = [float(n) for n in line.attrib["points"].replace(",", " ").split()]
            assert all(math.isfinite(n) and 0 <= n <= width for n in numbers)


def table(found: list[Result], contestant: str) -> np.ndarray:
    """Scores of a contestant: seeds down, problems of all tasks across."""
    seeds = sorted({r.seed for r in found if r.contestant == contestant})
    return np.array(
        [
            [s for r in found if (r.contestant, r.seed) == (contestant, seed) for s in r.scores]
            for seed in seeds
        ],
        dtype=float,
    )


def test_a_reference_that_lacks_seeds_is_compared_on_those_it_has() -> None:
    found = [r for r in results({"a": 0.6, "b": 0.8}) if r.contestant == "b" or r.seed < 3]
    difference = compare(found, "a").overall[0].difference
    assert difference.value == pytest.approx((table(found, "b")[:3] - table(found, "a")).mean())


def test_several_seeds_are_more_than_one_sample_of_problems() -> None:
    found = results({"a": 0.6, "b": 0.64})
    difference = compare(found, "a").overall[0].difference
    expected = crossed(table(found, "b") - table(found, "a"))
    assert difference.p == pytest.approx(expected.p)


def test_the_verdict_is_that_of_the_corrected_p_value() -> None:
    chance = Difference(0.1, 0.01, 0.19, 0.03)
    assert Paired("b", "", chance, 0.09, 0.1).verdict == ""
    assert Paired("b", "", chance, 0.04, 0.1).verdict == "better"


def test_what_would_be_found_follows_from_the_spread_of_the_differences() -> None:
    found = results({"a": 0.6, "b": 0.7}, seeds=1)
    differences = (table(found, "b") - table(found, "a"))[0]
    expected = minimum_detectable_difference(len(differences), float(differences.std(ddof=1)))
    assert compare(found, "a").overall[0].detectable == pytest.approx(expected, rel=0.02)


def test_the_interval_of_several_seeds_is_over_seeds_and_problems() -> None:
    found = [r for r in results({"a": 0.6}) if r.task == TASKS[0]]
    [row] = compare(found, "a").rows
    expected = crossed(table(found, "a"))
    assert (row.interval.low, row.interval.high) == pytest.approx((expected.low, expected.high))


def test_unscored_problems_widen_the_interval_of_one_seed() -> None:
    [found] = [r for r in results({"a": 0.6}, seeds=1) if r.task == TASKS[0]]
    half = replace(found, scores=(*found.scores[:60], *[None] * 60))
    right = sum(score or 0.0 for score in found.scores[:60])
    assert compare([half], "a").rows[0].interval == wilson(right, 60)


def test_optimism_is_what_the_search_promised_too_much() -> None:
    [row, _] = compare(results({"a": 0.6}), "a").rows
    assert row.optimism == pytest.approx(0.62 - row.accuracy)


def test_a_search_that_ended_early_stays_where_it_was() -> None:
    first, second = (r for r in results({"a": 0.6}, seeds=2) if r.task == TASKS[0])
    found = [replace(first, curve=(0.5, 0.6)), replace(second, curve=(0.5, 0.7, 0.8))]
    [(_, curve)] = compare(found, "a").curves
    assert curve == pytest.approx((0.5, 0.65, 0.7))


def test_costs_are_means_over_tasks_and_seeds() -> None:
    found = [
        replace(r, search=Effort(calls=100 * r.seed), use=Effort(tokens=10 * r.seed))
        for r in results({"a": 0.6}, seeds=3)
    ]
    [costs] = compare(found, "a").costs
    assert (costs.search.calls, costs.use.tokens) == (100, 10)


def test_without_prices_the_front_is_of_accuracy_and_tokens() -> None:
    tokens = {"plain": 900, "good": 2000, "dear": 2000}
    found = [
        replace(r, use=Effort(tokens=tokens[r.contestant]))
        for r in results({"plain": 0.6, "good": 0.75, "dear": 0.6})
    ]
    front = {c.contestant: c.on_front for c in compare(found, "plain").costs}
    assert front == {"plain": True, "good": True, "dear": False}


def test_other_problems_are_no_pairs() -> None:
    found = results({"a": 0.6, "b": 0.7}, seeds=1)
    moved = [
        replace(r, problems=tuple(f"x{p}" for p in r.problems)) if r.contestant == "b" else r
        for r in found
    ]
    with pytest.raises(ValueError, match="'a' and 'b' were tested on different problems"):
        compare(moved, "a")
