"""``make faults``: all parts of the matrix one after another, then the table.

``python -m tests.faults HOME PART ...`` runs parts alone; what they found stays in HOME/rows.json, and
``table`` writes the page. Exit code 1 if a row did not recover in time, or its outputs are not a clean run's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from tests.faults import hanging, killing, limits
from tests.faults.hangs import HANGS
from tests.faults.kills import KILLS, Kill
from tests.faults.stand import running_stand
from tests.faults.table import Row, Rows, document, markdown
from tests.sandbox_server import REPO

PARTS = (
    *(f"hangs-{n}" for n in (1, 2, 3, 4)), "vanilla-hangs",
    "kills-1", "kills-2", "vanilla-kills-1", "vanilla-kills-2",
)  # fmt: skip
LAKE_MB = 500
"""Of the small file system: twenty weeks need 200."""


def main() -> int:
    """Run what is asked for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("home", type=Path, help="folder of everything that is written")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "table"], help="all of them if left out")
    chosen = parser.parse_args()
    home = chosen.home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    rows = Rows(home / "rows.json")
    for part in chosen.parts or PARTS:
        if part != "table":
            _part(home / part, part, rows)
    found = _ordered(rows)
    sys.stdout.write(f"\n{markdown(found)}\n\n")
    bad = [row for row in found if not row.ok]
    say(f"{len(found) - len(bad)} of {len(found)} rows are well")
    if not chosen.parts or "table" in chosen.parts:
        page = REPO / "docs/fault-matrix.md"
        page.write_text(document(found, _machine()), encoding="utf-8")
        say(f"written: {page}")
    return 1 if bad else 0


def say(text: str) -> None:
    """Show a line at once."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def _part(home: Path, part: str, rows: Rows) -> None:
    """Run a part; rows that are well already are not run again."""
    kind, _, number = part.rpartition("-") if part[-1].isdigit() else (part, "", "1")
    say(f"== {part}")
    shutil.rmtree(home, ignore_errors=True)
    watched = not kind.startswith("vanilla")
    if kind == "hangs":
        plans = hanging.square(int(number))
        todo = {at: name for at, name in plans.items() if not rows.well(at[1], HANGS[name].words)}
        with running_stand(home, side_by_side=True) as stand:
            hanging.hang(stand, rows, todo, say)
    elif kind == "vanilla-hangs":
        with running_stand(home, parallel=30, watched=False, side_by_side=True) as stand:
            for n in range(0, len(limits.STAGES), 2):
                hanging.vanilla(stand, rows, limits.STAGES[n : n + 2], say)
    else:
        half = len(KILLS) // 2
        mine = _possible()[:half] if number == "1" else _possible()[half:]
        todo = [kill for kill in mine if not watched or not rows.well(kill.place, kill.fault)]
        with running_stand(home, watched=watched, lake_mb=LAKE_MB if _may_mount() else 0) as stand:
            killing.kill_all(stand, rows, killing.plan_weeks(todo), say, watched=watched)


def _possible() -> list[Kill]:
    """The kills that this machine lets us do."""
    return [kill for kill in KILLS if kill.place != "lake" or _may_mount()]


def _may_mount() -> bool:
    return os.geteuid() == 0


def _ordered(rows: Rows) -> list[Row]:
    order = [*limits.STAGES, *dict.fromkeys(kill.place for kill in KILLS)]
    return sorted(rows.rows.values(), key=lambda row: order.index(row.place))


def _machine() -> str:
    return (
        f"Measured on {os.cpu_count()} cores with Python {sys.version_info.major}.{sys.version_info.minor}."
    )


if __name__ == "__main__":
    sys.exit(main())
