"""``python -m watchdog``: look, again and again, until it is told to end.

Environment: STEADYCAST_SETTINGS, STEADYCAST_LAKE, and with the prefix STEADYCAST_WATCHDOG_: AIRFLOW (address
of the API server), USER, PASSWORD or PASSWORDS_FILE (JSON, user: password), SUPERVISOR (unix socket; without
it nothing is restarted), STATE (folder), WEBHOOK, SMTP, MAIL_FROM, MAIL_TO, DEADMAN, BROKER
(of the Celery workers; else AIRFLOW__CELERY__BROKER_URL).
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from steadycast.errors import SettingsError
from steadycast.settings import Settings, load
from watchdog.airflow import Airflow
from watchdog.alerts import Alerts, Mail
from watchdog.deadman import DeadMan
from watchdog.manager import Manager
from watchdog.memory import Memory
from watchdog.store import Store
from watchdog.watch import Watch
from watchdog.workers import Workers

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "STEADYCAST_WATCHDOG_"
log = logging.getLogger("watchdog")


def main(arguments: Sequence[str] | None = None) -> int:
    """Look until a signal comes; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m watchdog", description="Watch Steadycast from outside.")
    parser.add_argument("--once", action="store_true", help="one look; 1 if a problem is open")
    parser.add_argument("--healthy", action="store_true", help="1 if the last look is too old")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    environ = {k: v for k, v in os.environ.items() if v}
    file = Path(environ.get("STEADYCAST_SETTINGS") or ROOT / "include/config/pipeline.yaml")
    try:
        settings = load(file)
    except SettingsError as error:
        log.error("%s", error)
        return 2
    state = Path(environ.get(f"{PREFIX}STATE") or ROOT / ".steadycast/watchdog")
    if chosen.healthy:
        return 0 if _looks(state / "memory.json", settings.watchdog.interval_s) else 1
    watch = assembled(settings, file, state, environ)
    if chosen.once:
        memory = watch.look(dt.datetime.now(dt.UTC), settings.watchdog.settle_s)
        return 1 if memory.open else 0
    _listen(watch, settings.watchdog.interval_s)
    return 0


def assembled(settings: Settings, file: Path, state: Path, environ: Mapping[str, str]) -> Watch:
    """A watch over what the environment names."""
    given = {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)}
    mail = None
    if given.get("SMTP") and given.get("MAIL_TO"):
        mail = Mail(given["SMTP"], given.get("MAIL_FROM") or given["MAIL_TO"].split(",")[0], given["MAIL_TO"])
    user = given.get("USER", "admin")
    broker = given.get("BROKER") or environ.get("AIRFLOW__CELERY__BROKER_URL")
    return Watch(
        settings,
        airflow=Airflow(given.get("AIRFLOW", "http://127.0.0.1:8080"), user, _password(given, user)),
        store=Store(environ.get("STEADYCAST_LAKE") or str(ROOT / ".steadycast/lake"), file, environ),
        alerts=Alerts(settings.title, state / "alerts.jsonl", webhook=given.get("WEBHOOK"), mail=mail),
        deadman=DeadMan(given.get("DEADMAN"), settings.watchdog.ping_every_s),
        manager=Manager(Path(given["SUPERVISOR"])) if "SUPERVISOR" in given else None,
        memory=state / "memory.json",
        workers=Workers(broker, settings.watchdog.celery_workers) if broker else None,
    )


def _password(given: Mapping[str, str], user: str) -> Callable[[], str]:
    def read() -> str:
        if "PASSWORD" in given:
            return given["PASSWORD"]
        return str(json.loads(Path(given["PASSWORDS_FILE"]).read_text(encoding="utf-8"))[user])

    return read


def _listen(watch: Watch, interval_s: float) -> None:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    began = time.monotonic()
    open_before: Memory | None = None
    log.info("watching, a look every %g s", interval_s)
    while not ended.is_set():
        try:
            memory = watch.look(dt.datetime.now(dt.UTC), time.monotonic() - began)
            if open_before is None or memory.open != open_before.open:
                log.info("%s", f"open: {'; '.join(memory.open.values())}" if memory.open else "all is well")
            open_before = memory
        except Exception:
            # a watchdog that ends by its own mistake watches nothing; the dead-man's switch hears of no look
            log.exception("this look failed")
        ended.wait(interval_s)


def _looks(memory: Path, interval_s: float) -> bool:
    """Is the last look younger than ten intervals, or five minutes? One that restarts something is long."""
    try:
        age_s = time.time() - memory.stat().st_mtime
    except OSError:
        return False
    return age_s < max(10 * interval_s, 300)


if __name__ == "__main__":
    sys.exit(main())
