"""The runner of all checks and tests: its counts and its exit code are honest."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts/check.py"


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("check", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "check", module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "CHECKS", {"always well": ("python", "-c", "raise SystemExit(0)")})
    return module


def part(module: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    (tmp_path / "test_sample.py").write_text(text)
    monkeypatch.setattr(module, "TESTS", {"sample": ("test_sample.py", "-p", "no:cacheprovider")})
    monkeypatch.setattr(module, "WITH_AIRFLOW", {})


def test_all_well_is_zero_and_counted(
    check: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    part(
        check,
        monkeypatch,
        tmp_path,
        "import pytest\ndef test_a(): assert 1\n@pytest.mark.skip\ndef test_b(): ...\n",
    )
    assert check.main([]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "1 passed, 0 failed, 1 skipped"


def test_parts_side_by_side_are_counted_and_show_what_they_say(
    check: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    part(check, monkeypatch, tmp_path, "def test_a(): assert 1\n")
    (tmp_path / "test_beside.py").write_text("def test_b(): assert 'so many' == 'too many'\n")
    beside = {"good": check.TESTS["sample"], "bad": ("test_beside.py", "-p", "no:cacheprovider")}
    monkeypatch.setattr(check, "WITH_AIRFLOW", beside)
    assert check.main([]) == 1
    said = capfd.readouterr().out
    assert "AssertionError: assert 'so many' == 'too many'" in said
    assert said.splitlines()[-1] == "2 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize(
    ("text", "last"),
    [
        pytest.param("def test_a(): assert 0\n", "0 passed, 1 failed, 0 skipped", id="failure"),
        pytest.param("import nothing_of_that_name\n", "0 passed, 1 failed, 0 skipped", id="collection_error"),
        pytest.param("", "0 passed, 0 failed, 0 skipped", id="no_test_ran"),
    ],
)
def test_anything_else_is_one(
    check: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    text: str,
    last: str,
) -> None:
    part(check, monkeypatch, tmp_path, text)
    assert check.main([]) == 1
    assert capfd.readouterr().out.splitlines()[-1] == last


def test_a_failing_check_is_one_though_all_tests_pass(
    check: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    part(check, monkeypatch, tmp_path, "def test_a(): assert 1\n")
    monkeypatch.setattr(check, "CHECKS", {"never well": ("python", "-c", "raise SystemExit(3)")})
    assert check.main([]) == 1
    said = capfd.readouterr().out
    assert "never well                 FAILED (exit code 3)" in said
    assert said.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"


def test_coverage_runs_only_the_tests_without_airflow_and_measures(
    check: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    part(check, monkeypatch, tmp_path, "def test_a(): assert 1\n")
    (tmp_path / "unreached.py").write_text("a = 1\n")
    for name in [name for name in os.environ if name.startswith("COV")]:
        monkeypatch.delenv(name)  # of a measurement that this test is itself part of
    (tmp_path / ".coveragerc").write_text("[run]\nsource = .\n[report]\nfail_under = 100\n")
    monkeypatch.setattr(check, "WITH_AIRFLOW", {"never": ("no_such_file.py",)})
    assert check.main(["--coverage"]) == 1
    said = capfd.readouterr().out
    assert "unreached.py" in said
    assert "never" not in said
    (tmp_path / ".coveragerc").write_text("[run]\nsource = .\n[report]\nfail_under = 1\n")
    assert check.main(["--coverage"]) == 0
