"""Print what the pipeline finds in distrusted sources: ``python -m benchmarks.sources [section …]``.

Each section is a module of this package with ``run(data: Path) -> bool``: it prints its tables and says
whether all of its limits hold. Sections that are not there are left out.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import time

from benchmarks.data import folder

SECTIONS = {
    "injections": "twelve kinds of rewrite and fault, put into real histories",
    "clean": "weeks without a fault: how often is there an alarm?",
    "vintages": "what the statistical offices really revised",
    "real": "what is really wrong in real files",
    "volume": "ten million stored cells",
    "nonsense": "a month of nonsense from one provider",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the sections; 0 if all limits hold, 1 if not, 2 without data."""
    there = [name for name in SECTIONS if importlib.util.find_spec(f"benchmarks.sources.{name}")]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sources", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=f"of {', '.join(there)}; all if none")
    wanted = parser.parse_args(arguments).sections or there
    unknown = [name for name in wanted if name not in there]
    if unknown:
        parser.error(f"there is no section {', '.join(unknown)}; these are: {', '.join(there)}")
    data = folder()
    if not data.is_dir():
        print(
            f"There is no folder {data}.\n"
            "Next: set STEADYCAST_REAL_DATA to the folder with the data sets "
            "(benchmarks/README.md names them)."
        )
        return 2
    missed = []
    for name in wanted:
        start = time.monotonic()
        print(f"== {name}: {SECTIONS[name]}\n", flush=True)
        if not importlib.import_module(f"benchmarks.sources.{name}").run(data):
            missed.append(name)
        print(f"\n({name}: {time.monotonic() - start:.0f} s)\n", flush=True)
    if missed:
        print(f"Limits missed in {', '.join(missed)}.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
