"""``when_up.py URL PROGRAM [ARGUMENT ...]``: becomes the program as soon as the address answers.

The scheduler starts behind it. At its start it runs the tasks again that an earlier scheduler was cut off
from; an API server that does not listen yet would fail them at once. Uses the standard library only: it
runs as a file.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.request

PAUSE_S = 0.3
ANSWER_S = 10


def answers(url: str) -> bool:
    """Does a server answer at the address without an error?"""
    # a proxy of the environment is for the way out, never for a server on this machine
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=ANSWER_S):
            return True
    except OSError:  # urllib's errors and all time-outs are among them
        return False


def main(arguments: list[str]) -> int:
    """Wait and become the program; returns only for a wrong call."""
    if len(arguments) < 2:
        sys.stderr.write("usage: when_up.py URL PROGRAM [ARGUMENT ...]\n")
        return 2
    url, *command = arguments
    while not answers(url):
        time.sleep(PAUSE_S)
    os.execv(command[0], command)  # noqa: S606 no shell is wanted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
