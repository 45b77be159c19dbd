"""Compiles the .in files to pinned, hashed requirements: ``make lock``.

``make lock LOCK=--upgrade`` takes new versions.

One resolution serves Python 3.11 to 3.13 on every system. The files name no package index: they can be
installed from any mirror, and the hashes make sure that it hands out the same files.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKED = {
    "requirements": ["--universal"],
    "requirements-bench": ["--universal"],
    # read by path and never imported, so what they depend on is not wanted
    "requirements-demo": ["--universal", "--no-deps"],
}


def main(extra: Sequence[str]) -> int:
    """Compile all files; returns the exit code of the first that fails."""
    for name, options in LOCKED.items():
        command = [
            str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet",
            "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links",
            "--custom-compile-command", "make lock", *options, *extra,
            f"{name}.in", "--output-file", f"{name}.txt",
        ]  # fmt: skip
        code = subprocess.run(command, cwd=ROOT).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
