"""The command line: serve, and set, clear and list the faults of a running sandbox."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sandbox.faults import OPTIONS, SOURCES
from sandbox.server import DEFAULT_PORT, CannotServe, serve
from sandbox.tables import DataMissing

_COMMANDS = ("fault", "clear", "faults")


class CannotAsk(Exception):
    """The running sandbox did not do what was asked; the text says why."""


def main(arguments: Sequence[str]) -> int:
    """Run a command.

    Returns:
        Exit code: 0 done, 2 it could not; the reason is on standard error.
    """
    try:
        if arguments and arguments[0] in _COMMANDS:
            _ask(_client_parser().parse_args(arguments))
        else:
            _serve(_server_parser().parse_args(arguments))
    except (CannotServe, CannotAsk, DataMissing) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2
    return 0


def _server_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Serve the demo's data providers. Other commands: fault, clear, faults.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of scripts/build_demo_data.py")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="(default: %(default)s)")
    parser.add_argument(
        "--allow-remote", action="store_true", help="listen where other machines can reach it"
    )
    return parser


def _client_parser() -> argparse.ArgumentParser:
    where = argparse.ArgumentParser(add_help=False)
    default = os.environ.get("STEADYCAST_SANDBOX_URL", f"http://127.0.0.1:{DEFAULT_PORT}")
    where.add_argument(
        "--url", default=default, help="of the sandbox; $STEADYCAST_SANDBOX_URL or %(default)s"
    )
    parser = argparse.ArgumentParser(prog="python -m sandbox")
    commands = parser.add_subparsers(dest="command", required=True)
    fault = commands.add_parser("fault", parents=[where], help="set the fault of a source")
    fault.add_argument("source", choices=SOURCES)
    fault.add_argument("kind", choices=tuple(OPTIONS))
    fault.add_argument("--option", "-o", action="append", default=[], metavar="NAME=VALUE")
    clear = commands.add_parser("clear", parents=[where], help="take back one fault, or all")
    clear.add_argument("source", nargs="?", choices=SOURCES)
    commands.add_parser("faults", parents=[where], help="list the faults set")
    return parser


def _serve(options: argparse.Namespace) -> None:
    serve(options.data, options.host, options.port, allow_remote=options.allow_remote)


def _ask(options: argparse.Namespace) -> None:
    if options.command == "fault":
        body = {"kind": options.kind, **dict(map(_option, options.option))}
        found = _call("PUT", f"{options.url}/admin/faults/{options.source}", body)
    elif options.command == "clear":
        found = _call(
            "DELETE", f"{options.url}/admin/faults" + (f"/{options.source}" if options.source else "")
        )
    else:
        found = _call("GET", f"{options.url}/admin/faults")["faults"]
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise CannotAsk(f"--option {text} has no value; write it like --option count=2")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value  # a word or a date


def _call(method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    import httpx  # the server does not need it, and starts a quarter sooner without

    try:
        # the sandbox is on this machine: no proxy
        answer = httpx.request(method, url, json=body, timeout=10, trust_env=False)
        found: dict[str, Any] = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CannotAsk(
            f"nothing answers at {url} ({error}); is the sandbox running? --url says where"
        ) from error
    except ValueError as error:
        raise CannotAsk(f"{url} answered {answer.status_code} without JSON; is that the sandbox?") from error
    if answer.is_error:
        raise CannotAsk(str(found.get("error", found)))
    return found
