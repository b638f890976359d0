"""Run the benchmarks: `python -m benchmarks` those of minutes, `python -m benchmarks NAME …` any.

Each module of this folder has a `main()` that prints what it measured.
"""

import importlib
import pkgutil
import sys
from pathlib import Path

EXPERIMENTS = {"calibration", "economy", "learning", "racing"}
"""They take hours, keep what they have measured, and run when they are named."""


def names() -> list[str]:
    """The benchmarks of this folder."""
    modules = pkgutil.iter_modules([str(Path(__file__).parent)])
    return sorted(module.name for module in modules if not module.name.startswith("_"))


def main(wanted: list[str]) -> int:
    unknown = sorted(set(wanted) - set(names()))
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    for name in wanted or [name for name in names() if name not in EXPERIMENTS]:
        print(f"\n# {name}\n", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
