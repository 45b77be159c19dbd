"""All checks and all tests (``make test``), or with ``--lint-only`` the checks alone (``make lint``).

``--coverage`` (``make coverage``) measures which lines and branches the tests without Airflow reach.

Nothing stops at the first failure: the summary at the end tells all of them, and the exit code is 0 only
if everything is well. The folder of the real histories is STEADYCAST_REAL_DATA, by default
``../shared/data`` beside the project.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET  # the only files read are pytest's own
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
CHECKS = {
    "ruff check": ("ruff", "check", "."),
    "ruff format": ("ruff", "format", "--check", "."),
    "mypy": ("mypy",),
    "import-linter": ("lint-imports",),
}
AIRFLOW = {
    f"{name.replace('_', ' ')}, with Airflow": f"tests/integration/test_{name}.py"
    for name in ("launcher", "stall_sensor", "decisions", "alerts")
}
"""Those that start Airflow, beside the end-to-end tests."""
TESTS = {
    # -n 3: a third of the time on two cores is waiting
    "unit, dags, integration": (
        "tests/unit", "tests/dags", "tests/integration", "-n", "3",
        *(f"--ignore={file}" for file in AIRFLOW.values()),
    ),
}  # fmt: skip
# Following every branch costs a quarter of the time, so that it is a command of its own
COVERAGE = ("--cov", "--cov-report=term-missing:skip-covered")
WITH_AIRFLOW = {
    "e2e": ("tests/e2e",),
    "faults": ("tests/faults",),
    **{name: (file,) for name, file in AIRFLOW.items()},
}
"""Each part starts an Airflow of its own, and its tests build on each other; the longest first."""
CORES = 2


@dataclass
class Outcome:
    """How one check or one part of the tests ended; the counts are of tests."""

    name: str
    code: int
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __str__(self) -> str:
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped" if self.tests else ""
        word = "ok" if self.code == 0 else f"FAILED (exit code {self.code})"
        return f"{self.name:26} {word:24} {self.seconds:6.1f} s  {counts}".rstrip()

    @property
    def tests(self) -> int:
        """Number of tests."""
        return self.passed + self.failed + self.skipped


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lint-only", action="store_true", help="no tests")
    parser.add_argument("--coverage", action="store_true", help="only the tests without Airflow, measured")
    options = parser.parse_args(arguments)
    env = environment()
    if options.coverage:
        outcomes = [test(name, (*chosen, *COVERAGE), env, None) for name, chosen in TESTS.items()]
        print(f"\n{outcomes[0]}", flush=True)
        return 1 if outcomes[0].code else 0
    outcomes = [check(name, command, env) for name, command in CHECKS.items()]
    if not options.lint_only:
        outcomes += [test(name, chosen, env, None) for name, chosen in TESTS.items()]
        outcomes += side_by_side(WITH_AIRFLOW, env)
    print("\n" + "\n".join(map(str, outcomes)), flush=True)
    if not options.lint_only:
        total = [sum(getattr(o, part) for o in outcomes) for part in ("passed", "failed", "skipped")]
        print("\n{} passed, {} failed, {} skipped".format(*total), flush=True)
    return 1 if any(outcome.code for outcome in outcomes) else 0


def environment() -> dict[str, str]:
    """Environment of all checks and tests."""
    env = dict(os.environ)
    env.setdefault("STEADYCAST_REAL_DATA", str(ROOT.parent / "shared" / "data"))
    env.setdefault("STEADYCAST_DEMO_DATA", str(ROOT / ".steadycast" / "demo"))
    env["PATH"] = os.pathsep.join([str(BIN), env.get("PATH", os.defpath)])
    # what is checked is this checkout's package, also where the environment was made for another one
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT / "include"), env.get("PYTHONPATH")]))
    env["MPLBACKEND"] = "agg"
    # two test processes share two cores: one thread for linear algebra each
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        env.setdefault(name, "1")
    return env


def check(name: str, command: Sequence[str], env: Mapping[str, str]) -> Outcome:
    """Run one check; its findings go straight to the reader."""
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, env=env)
    return Outcome(name, done.returncode, time.monotonic() - began)


def side_by_side(parts: Mapping[str, Sequence[str]], env: Mapping[str, str]) -> list[Outcome]:
    """Run parts of the tests, one per core at a time; each shows what it has to say when it has ended."""
    with ThreadPoolExecutor(CORES) as pool:
        return list(pool.map(lambda part: quietly(*part, env), parts.items()))


def quietly(name: str, chosen: Sequence[str], env: Mapping[str, str]) -> Outcome:
    """Run a part of the tests and show its output at its end."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        outcome = test(name, chosen, env, said)
        said.seek(0)
        print(f"\n== said by {name}\n{said.read()}", flush=True)
    return outcome


def test(name: str, chosen: Sequence[str], env: Mapping[str, str], out: IO[str] | None) -> Outcome:
    """Run one part of the tests, its output to ``out``, and count them from pytest's report."""
    print(f"\n== tests: {name}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *chosen]
        code = subprocess.run(command, cwd=ROOT, env=env, stdout=out, stderr=out).returncode
        outcome = Outcome(f"tests: {name}", code, time.monotonic() - began)
        if report.exists():
            count(outcome, report)
    if not outcome.tests:
        outcome.code = outcome.code or 1
        print(f"{name}: no test ran", flush=True)
    return outcome


def count(outcome: Outcome, report: Path) -> None:
    """Fill the outcome's counts from a JUnit report; an error while setting up or collecting is a failure."""
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314 written by the pytest that just ran
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        outcome.failed += bad
        outcome.skipped += skipped
        outcome.passed += int(suite.get("tests", 0)) - bad - skipped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
