"""A task of one's own: what an order at a pizzeria costs. See docs/own-task.md.

`w4s tasks --check examples/own_task.py` checks it and `w4s search examples/own_task.py` searches
on it. Run as a script, it does both in small, offline.
"""

DESCRIPTION = """\
Work out what an order costs. Prices are in euros. The house takes 3.90 for delivery, unless the
food comes to 30 euros or more. Guests with a club card get 10 percent off the food; what counts
for free delivery is the price after that. The answer is the amount alone, such as 27.40."""

DATA = "own_task.csv"
ID = "order"
SCORER = "number"


def main() -> None:
    """Check, search for a minute, test once."""
    import tempfile
    from pathlib import Path

    from rich.console import Console

    import w4s
    from w4s.reports.run import read_run
    from w4s.reports.summary import summarise
    from w4s.reports.tables import show
    from w4s.tasks.check import check_task

    for check in check_task(w4s.load_task(__file__)):
        print(f"{check.finding}: {check.question} {check.detail}")
    folder = Path(tempfile.mkdtemp(prefix="w4s-own-task-"))
    search = w4s.search(task=__file__, run=folder, turns=2, samples=3, private=40)
    w4s.run(search, progress=True)
    w4s.run(w4s.test(run=folder), progress=True)
    show(summarise(read_run(folder)), Console())


if __name__ == "__main__":
    main()
