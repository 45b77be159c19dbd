"""The ways to hang that are put into a stage; each is the real thing and never comes back by itself."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

FOREVER_S = 3600


@dataclass(frozen=True)
class Hang:
    """One way to hang."""

    words: str
    begin: Callable[[], None]


def _sleep() -> None:
    time.sleep(FOREVER_S)


def _busy_loop() -> None:
    end = time.monotonic() + FOREVER_S
    while time.monotonic() < end:
        sum(range(1000))


def _lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def _c_deadlock() -> None:
    # PyDLL keeps the interpreter's lock during the call: no other thread and no signal handler runs any more
    libc = ctypes.PyDLL(None)
    mutex = ctypes.create_string_buffer(128)
    libc.pthread_mutex_init(mutex, None)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)


def _long_c_call() -> None:
    import numpy as np

    # nine million millions of steps, about an hour, without one look at the signals that have come
    np.convolve(np.ones(3_000_000), np.ones(3_000_000))


def _swallows_everything() -> None:
    end = time.monotonic() + FOREVER_S
    while time.monotonic() < end:
        try:
            time.sleep(1)
        except BaseException:  # noqa: S112 the mistake that this hang is about
            continue


def _signals_blocked() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(FOREVER_S)


def _alarm_replaced() -> None:
    signal.signal(signal.SIGALRM, lambda *_: None)
    time.sleep(FOREVER_S)


def _grandchild() -> None:
    # it inherits our standard output and lives in a session of its own, which no kill of our group reaches
    command = [sys.executable, "-c", f"import time; time.sleep({FOREVER_S})"]
    subprocess.Popen(command, start_new_session=True).wait()


def _fork_after_threads() -> None:
    import lightgbm
    import numpy as np

    def train() -> None:
        values = np.random.default_rng(0).normal(size=(20_000, 20))
        data = lightgbm.Dataset(values, values[:, 0])
        lightgbm.train({"verbosity": -1, "num_threads": 2}, data, num_boost_round=5)

    train()
    child = os.fork()
    if child == 0:
        train()
        os._exit(0)
    os.waitpid(child, 0)
    raise AssertionError("LightGBM trained in a forked child; this hang does not hang here")


def _silent_socket() -> None:
    _listen(b"")


def _dripping_socket() -> None:
    _listen(b"x")


def _listen(drip: bytes) -> None:
    """Read to the end from a server that sends so many bytes a second for ever."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        answering, _ = server.accept()
        while True:
            time.sleep(1)
            answering.sendall(drip)

    threading.Thread(target=serve, daemon=True).start()
    with socket.create_connection(server.getsockname()) as client:
        client.settimeout(FOREVER_S if not drip else 10)
        while client.recv(1024):
            continue


HANGS: dict[str, Hang] = {
    "sleep": Hang("sleeps", _sleep),
    "busy_loop": Hang("busy loop", _busy_loop),
    "lock": Hang("lock never released", _lock),
    "c_deadlock": Hang("deadlock in C, interpreter's lock held", _c_deadlock),
    "long_c_call": Hang("one long C call", _long_c_call),
    "swallows": Hang("loop that swallows BaseException", _swallows_everything),
    "signals_blocked": Hang("all signals blocked", _signals_blocked),
    "alarm_replaced": Hang("SIGALRM replaced", _alarm_replaced),
    "grandchild": Hang("grandchild in its own session holds stdout", _grandchild),
    "fork": Hang("LightGBM in a fork after LightGBM", _fork_after_threads),
    "silent_socket": Hang("socket that never answers", _silent_socket),
    "dripping_socket": Hang("socket that drips a byte a second", _dripping_socket),
}
