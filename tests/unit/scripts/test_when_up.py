"""The scheduler's waiting room."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from steadycast_local import free_port

SCRIPT = Path(__file__).resolve().parents[3] / "scripts/steadycast_local/when_up.py"


class Answer(BaseHTTPRequestHandler):
    """503 first, as a server that is just starting; then 200."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(503 if self.asked == 1 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


def test_program_starts_in_the_same_process_once_the_server_answers_well() -> None:
    port = free_port()
    command = [sys.executable, str(SCRIPT), f"http://127.0.0.1:{port}/", sys.executable, "-c"]
    with subprocess.Popen(
        [*command, "import os; print(os.getpid())"], stdout=subprocess.PIPE, text=True
    ) as waiting:
        time.sleep(1)
        assert waiting.poll() is None, "nothing listens yet"
        with HTTPServer(("127.0.0.1", port), Answer) as server:
            serving = threading.Thread(target=server.serve_forever)
            serving.start()
            said, _ = waiting.communicate(timeout=60)
            server.shutdown()
            serving.join()
    assert int(said) == waiting.pid
    assert Answer.asked == 2


def test_wrong_call_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "http://127.0.0.1:1/"], capture_output=True, timeout=60
    )
    assert done.returncode == 2
