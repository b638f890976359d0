"""The words of the grammar: what roles are called, what instructions say, how names sound.

Data alone. Several phrases with one meaning stand together; a program's style picks one.
"""

from __future__ import annotations

from collections.abc import Mapping

Phrases = Mapping[str, tuple[str, ...]]

ANSWER_ROLES: Phrases = {
    "solver": ("task solver", "problem solver", "helpful assistant"),
    "expert": ("domain expert", "experienced expert in the field", "senior specialist"),
    "mathematician": ("mathematician", "math professor", "expert in quantitative reasoning"),
    "analyst": ("careful analyst", "logical analyst", "methodical analyst"),
    "teacher": ("patient teacher", "tutor who explains every step", "schoolteacher"),
    "engineer": ("software engineer", "Python programmer", "data scientist"),
    "reader": ("attentive reader", "close reader of texts", "reading comprehension expert"),
}
CODE_ROLES: Phrases = {
    "solver": ("Python programmer", "programmer", "coding assistant"),
    "expert": ("senior Python developer", "expert Python programmer", "principal engineer"),
    "mathematician": ("algorithm designer", "competitive programmer", "computer scientist"),
    "analyst": ("careful programmer", "programmer who checks every case", "systems analyst"),
    "teacher": ("programming teacher", "author of a Python textbook", "mentor for programmers"),
    "engineer": ("software engineer", "backend engineer", "engineer who writes robust code"),
    "reader": ("programmer who reads specifications closely", "code reviewer", "maintainer"),
}

ANSWER_WORDS: Phrases = {
    "plain": (
        "Solve the problem.",
        "Answer the question.",
        "Give the final answer to the task.",
    ),
    "stepwise": (
        "Think step by step before you answer.",
        "Work through the problem one step at a time, then give the answer.",
        "Write down every intermediate step first and the answer last.",
    ),
    "careful": (
        "Be careful: read every detail of the problem before you answer.",
        "Take care with each value in the question and do not skip anything.",
        "Read the problem twice and pay attention to what is really asked.",
    ),
    "verify": (
        "Check your result before you give it, and correct it if the check fails.",
        "After solving, verify the answer against the question.",
        "Recompute the result in a second way to be sure of it.",
    ),
    "restate": (
        "First say in your own words what is asked, then solve it.",
        "Restate the question and list what is given before you solve it.",
        "Begin with the known facts and the unknown, then work towards the unknown.",
    ),
    "concise": (
        "Keep the reasoning short and the answer exact.",
        "Be brief and precise; the answer alone goes into the answer field.",
        "Answer with as few words as possible.",
    ),
    "traps": (
        "Beware of traps such as irrelevant information, units and unusual wording.",
        "Some details may mislead; use only what the question needs.",
        "Watch out for common mistakes in problems of this kind and avoid them.",
    ),
}
CODE_WORDS: Phrases = {
    "plain": (
        "Write the function that the task asks for.",
        "Implement the function.",
        "Give a complete Python implementation.",
    ),
    "stepwise": (
        "Think step by step about the algorithm before you write the code.",
        "Plan the algorithm first, one step at a time, then implement it.",
        "Explain the steps of the solution, then turn them into code.",
    ),
    "careful": (
        "Read the specification closely and follow every detail of it.",
        "Pay attention to types, return values and the order of arguments.",
        "Take care with indices, bounds and the exact output format.",
    ),
    "verify": (
        "Walk through the examples by hand and correct the code if one fails.",
        "Check the code against the examples before you give it.",
        "Trace the function on a small input to be sure of it.",
    ),
    "restate": (
        "First restate what the function must return, then write it.",
        "Begin with the inputs and the expected output, then implement the function.",
        "Summarise the specification in one sentence before the code.",
    ),
    "concise": (
        "Write short and clear code without comments.",
        "Keep the implementation simple and self-contained.",
        "Give the code alone, without explanations.",
    ),
    "traps": (
        "Think of edge cases: empty input, duplicates, negative numbers, large values.",
        "Handle unusual inputs such as empty lists and zero.",
        "Watch out for off-by-one errors and mutable arguments.",
    ),
}

CRITICS = (
    "strict reviewer",
    "critical reviewer who looks for mistakes",
    "examiner who checks every step",
    "sceptical colleague",
)
JUDGES = ("impartial judge", "final decision maker", "senior expert who compares solutions")
PANEL = (
    "mathematician",
    "careful reader",
    "logician",
    "domain expert",
    "teacher who explains simply",
    "engineer who checks the numbers",
    "sceptic who doubts the obvious answer",
)
CODE_PANEL = (
    "competitive programmer",
    "software engineer who handles every edge case",
    "functional programmer",
    "beginner-friendly Python teacher",
    "algorithm designer",
)

ANALYSIS_OPENINGS = (
    "The measured workflows leave room for improvement.",
    "Looking at the accuracies, single attempts seem to lose points that structure can win back.",
    "The failing cases suggest that the executor understands the task but slips on the way.",
    "The errors look less like missing knowledge than like careless steps.",
    "The evidence so far does not favour one technique clearly, so this turn tries another.",
)
ANALYSIS_OF_ERRORS = (
    "The program failed on the way, so the error has to go before anything else can be judged.",
    "The error comes from the program itself, not from the executor.",
    "The last version broke; the structure stays and the faulty part is written anew.",
)
STRATEGY_REASONS: Mapping[str, str] = {
    "direct": "A single direct call keeps the executor from talking itself into a mistake.",
    "cot": "Explicit reasoning before the answer should remove slips in the intermediate steps.",
    "vote": "Several independent samples and a vote should cancel out random slips.",
    "adaptive": "Sampling stops as soon as answers agree, so calls go where they are needed.",
    "panel": "Different roles look at the problem from different sides before the decision.",
    "code": "A program computes exactly where the executor would have to do it in its head.",
    "code_retry": "Programs that crash get their error back and a second chance.",
    "code_vote": "Several programs are run and their results decide by majority.",
    "cross": "A computed answer and a reasoned one check each other.",
    "refine": "A critic looks for mistakes and the answer is revised with the critique at hand.",
    "verify": "Each answer has to pass a check before it is accepted.",
    "debate": "Agents that see each other's arguments can correct one another.",
    "judge": "Several proposals are compared side by side by a judge.",
    "decompose": "Smaller questions are easier to answer than the whole one.",
    "stepback": "Naming the principle first puts the solution on the right track.",
    "outline": "A plan made first keeps the solution from losing its thread.",
    "facts": "Collecting the relevant facts first removes distractors.",
    "facts_vote": "Facts come first; several answers that start from them are put to the vote.",
    "facts_code": "Facts come first; several programs that start from them are put to the vote.",
    "options": "Weighing the candidate answers one by one avoids hasty choices.",
    "router": "The kind of problem decides how it is solved.",
    "ensemble": "Two different ways of solving make different mistakes; together they are safer.",
    "rephrase": "Asking in different words shows which answer is stable.",
    "edges": "Listing the edge cases first makes the code handle them.",
    "select": "Several solutions are tried on the public tests and the first that passes wins.",
    "public": "The public tests drive repairs until they pass.",
    "select_public": "Several solutions are tested, and if none passes the best is repaired.",
    "repair": "Failing tests go back to the programmer together with the code.",
    "reflect": "A review finds faults that the author does not see.",
    "agree": "Solutions that agree on new inputs are more likely to be right.",
    "own_tests": "Tests written by the executor separate good solutions from bad ones.",
    "reflect_public": "A review comes first, then the public tests have the last word.",
}
