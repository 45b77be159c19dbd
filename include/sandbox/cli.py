"""The command line: serve, and set, clear and list faults of a running sandbox."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox.server import DEFAULT_PORT, CannotServe, serve
from sandbox.tables import DataMissing


def main(arguments: Sequence[str]) -> int:
    """Run a command.

    Returns:
        Exit code: 0 done, 2 it could not; the reason is on standard error.
    """
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Serve the demo's providers.")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that scripts/build_demo_data.py wrote"
    )
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (default %(default)s)"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--allow-remote", action="store_true", help="listen on an address others can reach")
    options = parser.parse_args(arguments)
    try:
        serve(options.data, options.host, options.port, allow_remote=options.allow_remote)
    except (CannotServe, DataMissing) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2
    return 0
