"""The sandbox as a real process on a free port, for tests; ended by its own pid.

In a test folder's conftest.py::

    from tests.sandbox_server import running_sandbox, start_sandbox   # or: fixtures of your own scope
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

REPO = Path(__file__).resolve().parents[1]


@dataclass
class Sandbox:
    """A running sandbox."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def fred_url(self) -> str:
        """Base address for the FRED kind."""
        return f"{self.url}/fred"

    def fault(self, source: str, kind: str, **options: Any) -> dict[str, Any]:
        """Set a fault; write ``from_`` for the option ``from``."""
        body = {"kind": kind, **{name.rstrip("_"): value for name, value in options.items()}}
        answer = httpx.put(f"{self.url}/admin/faults/{source}", json=body, timeout=10, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def clear(self, source: str | None = None) -> None:
        """Take back the fault of a source, or all."""
        url = f"{self.url}/admin/faults" + (f"/{source}" if source else "")
        answer = httpx.delete(url, timeout=10, trust_env=False)
        assert answer.status_code == 200, answer.text

    def stop(self) -> float:
        """End the process; returns the seconds that took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        if self.process.stdout:
            self.process.stdout.close()
        return time.monotonic() - began


def start_sandbox(data: Path, log: Path, *, port: int = 0, wait_s: float = 30) -> Sandbox:
    """Start a sandbox on a data folder; port 0 takes a free one. The caller stops it.

    Args:
        data: folder with the five files, from ``write_small_data`` or the demo's.
        log: file that takes the server's log.
        port: where to listen.
        wait_s: longest wait for it to listen.
    """
    environment = {**os.environ, "PYTHONPATH": str(REPO / "include")}
    command = [sys.executable, "-m", "sandbox", "--data", str(data), "--port", str(port)]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sink, env=environment, cwd=REPO)
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], wait_s)
    line = process.stdout.readline().decode() if ready else ""
    found = re.match(r"Sandbox on (http://\S+)", line)
    sandbox = Sandbox(found[1] if found else "", process, log)
    if not found:
        sandbox.stop()
        raise AssertionError(f"the sandbox did not start: {line!r}\n{log.read_text()}")
    return sandbox


@contextmanager
def running_sandbox(data: Path, log: Path) -> Iterator[Sandbox]:
    """A sandbox that ends with the block."""
    sandbox = start_sandbox(data, log)
    try:
        yield sandbox
    finally:
        sandbox.stop()
