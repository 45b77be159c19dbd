"""Runs a stage in a process of its own, which is killed when it hangs.

A hang inside a C library never gives Python's lock back: no signal handler and no time limit of the same
process ends it. Another process can. The child is started anew and not forked, since LightGBM in a forked
process hangs on the threads that its parent had.

``python -m steadycast.child FD`` is the child's side.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import importlib
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection, Pipe
from typing import Any, Final

from steadycast.errors import StageDied, StageStuck
from steadycast.lake import open_lake
from steadycast.progress import Progress, silent

_PR_SET_PDEATHSIG: Final = 1
_TRACE_S: Final = 0.5
_LOOK_S: Final = 1.0


def run_stage(
    module: str,
    lake: tuple[str, Mapping[str, Any]],
    *arguments: object,
    deadline_s: float,
    silence_s: float | None = None,
    progress: Progress = silent,
    **named: object,
) -> str:
    """Call a stage's ``run`` in a child process.

    Args:
        module: the stage's module, e.g. ``steadycast.train``.
        lake: address and further arguments of ``open_lake``; the child opens it itself.
        arguments: of ``run`` after the lake; they are pickled, as are the named ones.
        deadline_s: the child is killed after this many seconds.
        silence_s: it is killed, too, when it reports no progress for this many seconds.
        progress: told what the child reports.
        named: of ``run``.

    Returns: what ``run`` returned.

    Raises:
        StageStuck: it took too long, or was silent for too long; its stack is on standard error.
        StageDied: it ended without an answer, e.g. because the machine had no memory left.
        Exception: whatever ``run`` raised, as itself.
    """
    stage = module.rpartition(".")[2]
    ours, theirs = Pipe()
    with ours, theirs:
        began = time.monotonic()
        child = subprocess.Popen(  # noqa: S603 our own interpreter and module
            [sys.executable, "-m", "steadycast.child", str(theirs.fileno()), str(os.getpid())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        try:
            theirs.close()
            with contextlib.suppress(BrokenPipeError):
                ours.send((module, lake, arguments, named))
            return _answer(ours, child, stage, began + deadline_s, silence_s, progress)
        finally:
            # also when this process is told to stop, by a time limit of its own or by Ctrl-C
            child.kill()
            child.wait()


def _answer(
    ours: Connection[Any, Any],
    child: subprocess.Popen[bytes],
    stage: str,
    end: float,
    silence_s: float | None,
    progress: Progress,
) -> str:
    began = heard = time.monotonic()
    while True:
        now = time.monotonic()
        if now > end:
            raise _stuck(child, stage, f"took longer than {end - began:.0f} s")
        if silence_s is not None and now - heard > silence_s:
            raise _stuck(child, stage, f"reported no progress for {silence_s:.0f} s")
        if not ours.poll(_LOOK_S):
            continue
        try:
            kind, told = ours.recv()
        except EOFError:
            raise _died(child, stage) from None
        heard = time.monotonic()
        if kind == "progress":
            progress(*told)
        elif kind == "error":
            raise told
        else:
            return str(told)


def _stuck(child: subprocess.Popen[bytes], stage: str, what: str) -> StageStuck:
    # the child's handler is C code: it writes where every thread is, whatever holds Python's lock
    child.send_signal(signal.SIGUSR1)
    time.sleep(_TRACE_S)
    return StageStuck(
        stage,
        f"{what} and was killed",
        remedy="the log shows where it hung; clear the task to run it again",
    )


def _died(child: subprocess.Popen[bytes], stage: str) -> StageDied:
    try:
        code = child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return StageDied(stage, "closed its connection", remedy="see the task's log")
    if code == -signal.SIGKILL:
        return StageDied(
            stage,
            "its process was killed (SIGKILL), most likely because the machine had no memory left",
            remedy="give the worker more memory or lower forecast.model.history_weeks, then clear the task",
        )
    by = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return StageDied(stage, f"its process ended with {by} and no answer", remedy="see the task's log")


def main(arguments: list[str]) -> int:
    """The child: one job from the pipe, its progress and its end into the pipe."""
    connection: Connection[Any, Any] = Connection(int(arguments[0]))
    _die_with(int(arguments[1]))
    faulthandler.register(signal.SIGUSR1)
    # standard output, since what comes on standard error is shown as an error
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(name)s: %(message)s")
    lock = threading.Lock()

    def tell(kind: str, told: object) -> None:
        with lock:
            connection.send((kind, told))

    module, (url, storage), given, named = connection.recv()
    threading.Thread(target=_end_with_parent, args=[connection], daemon=True).start()
    try:
        run = importlib.import_module(module).run
        path = run(open_lake(url, **storage), *given, progress=lambda *told: tell("progress", told), **named)
    except Exception as error:
        tell("error", _sendable(error, module))
        return 1
    tell("path", path)
    return 0


def _sendable(error: Exception, module: str) -> Exception:
    """The error itself with the child's traceback as a note, or a copy in words if it can not be sent."""
    error.add_note("".join(traceback.format_exception(error)).rstrip())
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 our own bytes
    except Exception:
        words = StageDied(module, f"{type(error).__name__}: {error}", remedy="see the task's log")
        words.__notes__ = error.__notes__
        return words
    return error


def _die_with(parent: int) -> None:
    """Let the kernel kill us when the parent dies, however it dies; elsewhere than Linux the pipe tells."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def _end_with_parent(connection: Connection[Any, Any]) -> None:
    with contextlib.suppress(EOFError, OSError):
        connection.recv()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
