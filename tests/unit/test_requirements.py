"""requirements.txt: pinned, hashed, for every supported Python, and from no particular index."""

from __future__ import annotations

import ast
import re
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENTRY = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==(?P<version>\S+)", re.MULTILINE)


def wanted(file: str) -> list[str]:
    lines = [line.split("#")[0].strip() for line in (ROOT / file).read_text().splitlines()]
    lines = [line for line in lines if not line.startswith("-c ")]
    names = [re.split(r"[\[=<>~!; ]", line)[0] for line in lines if line]
    return [re.sub(r"[-_.]+", "-", name).lower() for name in names]


@pytest.mark.parametrize("name", ["requirements", "requirements-bench", "requirements-demo"])
def test_every_wanted_package_is_locked(name: str) -> None:
    locked = {match["name"] for match in ENTRY.finditer((ROOT / f"{name}.txt").read_text())}
    assert sorted(set(wanted(f"{name}.in")) - locked) == [], "run `make lock`"


@pytest.mark.parametrize("name", ["requirements", "requirements-bench", "requirements-demo"])
def test_every_entry_has_a_hash(name: str) -> None:
    text = re.sub(r"\\\n\s+", " ", (ROOT / f"{name}.txt").read_text())
    entries = [line for line in text.splitlines() if ENTRY.match(line)]
    assert entries
    assert [line.split()[0] for line in entries if "--hash=sha256:" not in line] == []


@pytest.mark.parametrize(
    "name",
    [f"requirements{of}.{kind}" for of in ("", "-bench", "-demo") for kind in ("in", "txt")],
)
def test_no_package_index_is_named(name: str) -> None:
    assert not re.search(r"://|--(?:extra-)?index|--find-links|--trusted-host", (ROOT / name).read_text())


def test_each_group_of_requirements_says_what_it_is_for() -> None:
    groups = (ROOT / "requirements.in").read_text().strip().split("\n\n")
    assert all(group.startswith("#") for group in groups)


def test_uv_is_locked_with_hashes_so_that_pip_can_check_it() -> None:
    text = (ROOT / "requirements.txt").read_text()
    assert re.search(r"^uv==[\d.]+ \\\n    --hash=sha256:", text, re.MULTILINE)


def imported() -> dict[str, str]:
    """Top-level modules imported anywhere in the project, each with a file that does."""
    found: dict[str, str] = {}
    for folder in ("include", "plugins", "dags", "scripts", "benchmarks", "tests"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [node.module]
                else:
                    continue
                found |= {name.split(".")[0]: str(file.relative_to(ROOT)) for name in names}
    return found


def test_whatever_is_imported_is_asked_for_by_name() -> None:
    asked = {*wanted("requirements.in"), *wanted("requirements-bench.in")}
    distributions = packages_distributions()
    strangers = {
        module: file
        for module, file in imported().items()
        if module in distributions
        and not asked & {re.sub(r"[-_.]+", "-", name).lower() for name in distributions[module]}
        and not any((ROOT / folder / module).exists() for folder in (".", "include", "scripts"))
    }
    assert strangers == {}, "what only a dependency brings can go with its next version"


def test_the_benchmarks_peers_take_the_versions_of_the_project() -> None:
    ours = dict(ENTRY.findall((ROOT / "requirements.txt").read_text()))
    peers = dict(ENTRY.findall((ROOT / "requirements-bench.txt").read_text()))
    assert {name: version for name, version in peers.items() if ours.get(name, version) != version} == {}
