"""``python -m steadycast_local run|stop|status``; ``make run`` and ``make stop`` call this."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

from steadycast.errors import SettingsError
from steadycast.settings import load
from steadycast_local.api import ApiError
from steadycast_local.credentials import USER
from steadycast_local.options import ROOT, BadOption, Options
from steadycast_local.ports import PortBusy
from steadycast_local.stack import ComponentFailed, Stack
from steadycast_local.weeks import Demo, NoRun, RunFailed, Weeks

STOPPED = 130
WATCH_S = 2.0


class Interrupted(BaseException):
    """Ctrl-C, or the terminal was closed, or someone asked us to end."""


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m steadycast_local", description=__doc__)
    parser.add_argument("command", choices=("run", "stop", "status"))
    parser.add_argument(
        "--once", action="store_true", help="run: end after the last week, with 1 if a week failed"
    )
    parser.add_argument("--dags", type=Path, help="run: folder of the DAG files (default: the project's)")
    parser.add_argument(
        "--plugins", type=Path, help="run: folder of the Airflow plugins (default: the project's)"
    )
    parser.add_argument("--no-sandbox", action="store_true", help="run: without the provider simulator")
    chosen = parser.parse_args(arguments)
    once = chosen.once or os.environ.get("STEADYCAST_ONCE", "") not in {"", "0"}
    try:
        options = Options.from_environment()
        options = replace(
            options,
            dags=(chosen.dags or options.dags).resolve(),
            plugins=(chosen.plugins or options.plugins).resolve(),
            sandbox=not chosen.no_sandbox,
        )
        if chosen.command == "stop":
            return stop(options)
        if chosen.command == "status":
            return status(options)
        return run(options, once=once)
    except (BadOption, PortBusy, ComponentFailed, SettingsError, NoRun) as error:
        say(f"\nmake {chosen.command} can not go on: {error}")
        return 1


def run(options: Options, *, once: bool) -> int:
    """Start everything, bring the weeks up to date, stay until asked to end; leaves no process behind."""
    settings = load(Path(os.environ.get("STEADYCAST_SETTINGS") or ROOT / "include/config/pipeline.yaml"))
    demo = Demo.of(settings, options.lake, dt.datetime.now(tz=dt.UTC).date())
    options.run_dir.mkdir(parents=True, exist_ok=True)
    with _only_one(options.run_dir / "launcher.lock") as alone:
        if not alone:
            return _already_running(Stack(options))
        _listen_to_signals()
        stack = Stack(options)
        try:
            stack = _start_or_join(stack)
            code = _bring_up_to_date(stack, demo)
            if not once:
                say("Ctrl-C stops everything.")
                _stay(stack)
            return code
        except Interrupted:
            say("\nStopping ...")
            return STOPPED
        finally:
            _ignore_signals()
            count = stack.stop()
            say(f"Stopped {count} processes. `make run` goes on from here.")


def stop(options: Options) -> int:
    """End everything that belongs to the home, whoever started it."""
    stack = Stack(options)
    count = stack.stop()
    say(f"Stopped {count} processes." if count else "Nothing was running.")
    return 0


def status(options: Options) -> int:
    """Say what runs; 0 if all components are healthy."""
    stack = Stack(options)
    if not stack.is_running():
        say("Not running. `make run` starts everything.")
        return 1
    stack = _of_record(stack)
    healthy = stack.healthy()
    for state in stack.manager.states():
        word = "healthy" if state.name in healthy else "NOT healthy"
        say(f"{state.name:14} {word:12} {state.state} {state.text}")
    _say_where(stack)
    return 0 if {c.name for c in stack.components} <= healthy else 1


def say(text: str) -> None:
    """Show a line at once, also when the output is a file."""
    with contextlib.suppress(OSError):  # the terminal may be gone, and stopping must go on all the same
        print(text, flush=True)


def _start_or_join(stack: Stack) -> Stack:
    if stack.is_running():
        stack = _of_record(stack)
        say("The components are running already; going on with them.")
        stack.wait_until_healthy(say=say)
    else:
        # leftovers of a process manager that was killed would hold the ports and the database
        left = stack.stop()
        if left:
            say(f"Ended {left} processes that an earlier run had left.")
        stack.check_ports()
        stack.prepare(say)
        say(f"Starting {len(stack.components)} components, logs in {stack.options.logs}")
        stack.start()
        stack.wait_until_healthy(say=say)
    _say_where(stack)
    return stack


def _bring_up_to_date(stack: Stack, demo: Demo) -> int:
    weeks = Weeks(stack.api, demo, say)
    try:
        weeks.wait_for_dags()
        say(f"Week {demo.weeks[0]}, published under {demo.lake}")
        weeks.first_week()
        say(f"\nThe forecast:  {demo.forecast_file}")
        _say_where(stack)
        say(f"\nThe other {len(demo.weeks) - 1} weeks, as a backfill")
        weeks.remaining_weeks()
        say(f"Backtest of all weeks, as known on {demo.after}")
        weeks.last_backtest()
    except (RunFailed, NoRun, ApiError) as error:
        if not stack.is_running():
            say("\nThe components were stopped before the weeks were done.")
            return 1
        say(f"\n{error}\n\nEverything stays up, so that you can look.")
        return 1
    say(f"All weeks are done. Scores:  {demo.lake / 'backtest' / demo.after / 'summary.csv'}")
    return 0


def _stay(stack: Stack) -> None:
    """Wait for Ctrl-C; end too when someone else stops the components."""
    while stack.is_running():
        time.sleep(WATCH_S)
    say("The components were stopped.")


def _say_where(stack: Stack) -> None:
    say(f"The web UI:    {stack.options.url}   user {USER}, password {stack.credentials.password}")


def _already_running(stack: Stack) -> int:
    if not stack.is_running():
        say("Another `make run` is just starting or stopping here; `make status` tells how far it is.")
        return 1
    say("Already running. `make stop` ends it.")
    _say_where(_of_record(stack))
    return 0


def _of_record(stack: Stack) -> Stack:
    """The stack with the ports that it was started with, whatever the environment says now."""
    record = stack.record()
    if record is None:
        return stack
    kept = ("port", "sandbox_port", "sandbox")
    return Stack(replace(stack.options, **{name: record[name] for name in kept}))


@contextlib.contextmanager
def _only_one(lock: Path) -> Iterator[bool]:
    """Hold the lock file; False if another launcher does."""
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _listen_to_signals() -> None:
    # set also where a background shell has SIGINT ignored
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


def _ignore_signals() -> None:
    """A second Ctrl-C must not leave processes behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, frame: FrameType | None) -> None:
    _ignore_signals()
    raise Interrupted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
