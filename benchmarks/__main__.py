"""Print our accuracy beside peers', on the same folds: ``python -m benchmarks``.

Ten rolling origins four weeks apart at the end of the series, four weeks ahead; WAPE over all rows. Nothing
is tuned on these weeks: ``--choose`` scores other settings on the origins before them, ``--columns`` the
model without each group of its columns.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks import choose, columns, data, folds, scores

RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; 0 if ours is at or below the plain recipe on every set, 1 if not, 2 without data."""
    options = _options(arguments)
    if not options.data.is_dir():
        print(
            f"There is no folder {options.data}.\n"
            "Next: set STEADYCAST_REAL_DATA to the folder with the three data sets "
            "(benchmarks/README.md names them)."
        )
        return 2
    if options.choose:
        choose.run(options.data, options.sets, progress=_say)
        return 0
    if options.columns:
        columns.run(options.data, options.sets, progress=_say)
        return 0
    names, details = [], {}
    for name in options.sets:
        start = time.monotonic()
        table = folds.run(
            data.SETS[name](options.data),
            progress=lambda what, done, of, n=name: _say(f"{n}: {what}", done, of),
        )
        details[name] = {**scores.score(table), "seconds": round(time.monotonic() - start, 1)}
        names.append(name)
    print(scores.report(details))
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / "accuracy.json"
    file.write_text(json.dumps(details, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(f"\nWritten to {file}")
    behind = [
        name for name in names if details[name]["wape"][folds.OURS] > details[name]["wape"][folds.PLAIN]
    ]
    if behind:
        print(f"Ours is behind the plain recipe on {', '.join(behind)}.")
    return 1 if behind else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=list(data.SETS), default=list(data.SETS))
    parser.add_argument("--data", type=Path, default=data.folder(), help="folder of the data sets")
    parser.add_argument(
        "--choose", action="store_true", help="score settings on the origins before the scored ones"
    )
    parser.add_argument(
        "--columns",
        action="store_true",
        help="score the model without each group of columns, on the same origins",
    )
    return parser.parse_args(arguments)


def _say(what: str, done: int, of: int) -> None:
    """One line that is rewritten on a terminal, one line per step elsewhere."""
    end = "\r" if sys.stderr.isatty() else "\n"
    print(f"[{done}/{of}] {what:<60}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
