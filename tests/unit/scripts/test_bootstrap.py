"""The installer: what can be checked of it without installing."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts/bootstrap.py"


@pytest.fixture
def bootstrap(tmp_path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.VENV = tmp_path / "venv"
    module.PYTHON = tmp_path / "venv/bin/python"
    module.REQUIREMENTS = tmp_path / "requirements.txt"
    return module


def test_it_runs_on_the_standard_library_alone() -> None:
    tree = ast.parse(SCRIPT.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    "version", [pytest.param((3, 7, 3), id="too_old"), pytest.param((3, 14, 0), id="too_new")]
)
def test_another_python_is_refused_with_the_way_out(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int]
) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", version)
    with pytest.raises(
        bootstrap.SetupFailed, match=r"this is Python 3\.(7|14);(?s:.*) PYTHON=/path/to/python3.12 make run"
    ):
        bootstrap.check_python()


def test_its_text_can_be_read_by_python_3_7_so_that_it_gets_as_far_as_the_message() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 7))


def test_uv_is_taken_with_all_its_hashes_and_nothing_else(bootstrap: ModuleType) -> None:
    bootstrap.REQUIREMENTS.write_text(
        "uuu==1 \\\n    --hash=sha256:aa\nuv==0.9.1 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
        "    # via -r requirements.in\nuvicorn==3 \\\n    --hash=sha256:dd\n"
    )
    assert bootstrap.pinned("uv") == "uv==0.9.1 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"


def test_a_file_without_the_package_says_what_to_do(bootstrap: ModuleType) -> None:
    bootstrap.REQUIREMENTS.write_text("uvicorn==3 \\\n    --hash=sha256:dd\n")
    with pytest.raises(bootstrap.SetupFailed, match=r"requirements\.txt has no uv\.\nNext: make lock"):
        bootstrap.pinned("uv")


def test_a_virtual_environment_that_does_not_start_is_named(bootstrap: ModuleType) -> None:
    bootstrap.PYTHON.parent.mkdir(parents=True)
    bootstrap.PYTHON.write_text("#!/bin/sh\nexit 3\n")
    bootstrap.PYTHON.chmod(0o755)
    with pytest.raises(bootstrap.SetupFailed, match=r"does not start\.\nNext: remove the folder"):
        bootstrap.make_venv()


def test_changed_requirements_are_installed_again(bootstrap: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("a==1\n")
    before = bootstrap.fingerprint(file)
    assert bootstrap.fingerprint(file) == before
    file.write_text("a==2\n")
    assert bootstrap.fingerprint(file) != before


def test_a_failing_program_is_named_with_its_exit_code(bootstrap: ModuleType) -> None:
    bootstrap.PYTHON = Path(sys.executable)
    with pytest.raises(bootstrap.SetupFailed, match=r"raise SystemExit\(4\)\nended with 4"):
        bootstrap.run([sys.executable, "-c", "raise SystemExit(4)"])


def test_set_up_that_is_in_place_is_not_done_again() -> None:
    # the tests run in an environment that was set up: a second call has nothing to say
    done = subprocess.run([sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "--demo" in done.stdout
