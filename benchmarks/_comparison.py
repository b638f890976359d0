"""The comparison of `docs/results.md`: `comparison.toml`, without the walls of the sandbox.

`w4s compare benchmarks/comparison.toml` gives the same numbers. Here the programs, which are this
package's own (grammar and simulator), run in this process, which takes a fraction of the time. What
is there already is not done again, so both may work on one folder; code benchmarks are graded in
the sandbox alone. `python -m benchmarks._comparison seeds=1` changes a setting.
"""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import patch

from benchmarks._trusted import Trusted
from w4s.cli.compare import compare, read_comparison

FILE = Path(__file__).with_name("comparison.toml")


async def unwalled(*ignored: object, **also_ignored: object) -> Trusted:
    """In place of `open_sandbox`."""
    return Trusted()


def main(words: list[str]) -> None:
    with patch("w4s.commands.workbench.open_sandbox", unwalled):
        compare(read_comparison(str(FILE), words))


if __name__ == "__main__":
    main(sys.argv[1:])
