"""``python -m steadycast.alerts``: deliver, list, mute, resolve, and what else people do with alerts.

Environment: STEADYCAST_LAKE, STEADYCAST_SETTINGS, the channels' connections as AIRFLOW_CONN_<ID>, and for a
lake in S3 AIRFLOW_CONN_LAKE or AWS' own variables.
"""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from steadycast.alerts import canary, mutes, runs, telling, trial
from steadycast.alerts.credentials import connection
from steadycast.alerts.deliverer import STATUS, Deliverer
from steadycast.alerts.ledger import Journal
from steadycast.alerts.outbox import Outbox
from steadycast.alerts.planning import plan
from steadycast.errors import ArtefactMissing, LakeError, SteadycastError
from steadycast.lake import Lake, open_lake
from steadycast.settings import Settings, load

ROOT = Path(__file__).resolve().parents[3]
log = logging.getLogger("steadycast.alerts")
SILENT = dt.timedelta(minutes=3)
"""A deliverer whose last sign of life is older is not well."""
RECENT = dt.timedelta(minutes=2)
"""What was told about a run so long before it failed is about this failure."""


@dataclass(frozen=True)
class Place:
    """What a command works with."""

    lake: Lake
    settings: Settings
    environ: Mapping[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    chosen = _parser().parse_args(arguments)
    environ = {name: value for name, value in os.environ.items() if value}
    try:
        code: int = chosen.does(place(environ, chosen.lake, chosen.settings), chosen)
    except SteadycastError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return code


def place(environ: Mapping[str, str], lake: str | None = None, settings: Path | None = None) -> Place:
    """Lake and settings that the environment names, or the arguments before it."""
    url = lake or environ.get("STEADYCAST_LAKE") or str(ROOT / ".steadycast/lake")
    file = settings or Path(environ.get("STEADYCAST_SETTINGS") or ROOT / "include/config/pipeline.yaml")
    return Place(lake_of(url, environ), load(file), environ)


def lake_of(url: str, environ: Mapping[str, str]) -> Lake:
    """The lake, with the credential of AIRFLOW_CONN_LAKE if it is in S3."""
    found = connection("lake", environ) if url.startswith("s3://") else None
    if found is None:
        return open_lake(url)
    return open_lake(
        url, endpoint_url=found.extra.get("endpoint_url"), access_key=found.login,
        secret_key=found.password, region=found.extra.get("region_name"),
    )  # fmt: skip


def now() -> dt.datetime:
    """The moment."""
    return dt.datetime.now(dt.UTC)  # noqa: TID251 the edge: everything below takes it as an argument


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m steadycast.alerts", description="Alerts.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--lake", help="file:///folder or s3://bucket/prefix; else STEADYCAST_LAKE")
    common.add_argument("--settings", type=Path, help="pipeline.yaml; else STEADYCAST_SETTINGS")
    commands = parser.add_subparsers(required=True)

    deliver = commands.add_parser("deliver", parents=[common], help="send what the outbox holds, for ever")
    deliver.add_argument("--once", action="store_true", help="one look")
    deliver.set_defaults(does=_deliver)

    well = commands.add_parser("healthy", parents=[common], help="1 if nobody has sent alerts for minutes")
    well.set_defaults(does=_healthy)

    trial_ = commands.add_parser("test", parents=[common], help="one of each kind to every channel")
    trial_.set_defaults(does=_test)

    back = commands.add_parser("confirm", parents=[common], help="answer the weekly canary")
    back.add_argument("code", help="as the canary shows it")
    back.set_defaults(does=_confirm)

    failed = commands.add_parser("failed", parents=[common], help="tell that a run failed, if nobody has")
    failed.add_argument("dag")
    failed.add_argument("run")
    failed.add_argument("--week", type=dt.date.fromisoformat, help="the run's Monday")
    failed.add_argument("--site", default="", help="address of the web UI")
    failed.add_argument("--why", default="", help="what Airflow said")
    failed.add_argument("--wait", type=float, default=0, help="seconds that others have to tell it first")
    failed.set_defaults(does=_failed)

    listing = commands.add_parser("list", parents=[common], help="what is open, unsent, muted")
    listing.set_defaults(does=_list)

    quiet = commands.add_parser("mute", parents=[common], help="keep events quiet for a while")
    for name, text in (("kind", "of event"), ("source", "that it is about"), ("key", "of one thing")):
        quiet.add_argument(f"--{name}", help=f"{name} {text}; * stands for any letters")
    quiet.add_argument("--until", type=_moment, required=True, help="ISO 8601 with time zone; within 60 days")
    quiet.add_argument("--owner", required=True, help="who mutes")
    quiet.add_argument("--why", required=True, help="for whoever asks")
    quiet.set_defaults(does=_mute)

    unmute = commands.add_parser("unmute", parents=[common], help="let a mute end now")
    unmute.add_argument("path", help="as mute and list show it")
    unmute.set_defaults(does=_unmute)

    over = commands.add_parser("resolve", parents=[common], help="say that a thing is over")
    over.add_argument("key", help="as list shows it")
    over.add_argument("--owner", required=True, help="who says so")
    over.add_argument("--why", required=True, help="for whoever asks")
    over.set_defaults(does=_resolve)
    return parser


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no time; write e.g. 2016-06-07T09:00Z") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no time zone; write {text}Z for UTC")
    return moment


def _deliver(where: Place, chosen: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for chatty in ("slack_sdk", "httpx", "botocore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    deliverer = Deliverer(where.lake, where.settings, where.environ, now)
    names = ", ".join(deliverer.usable.channels)
    log.info("alerts go to %s, a look every %g s", names, where.settings.alerts.every_s)
    for name, missing in deliverer.usable.left_out.items():
        log.info("%s is left out: %s", name, missing)
    try:
        while True:
            try:
                deliverer.look()
            except LakeError as error:
                log.error("%s", error)
                if chosen.once:
                    return 1
            except Exception:
                # one look that fails by our own mistake must not be the last; the watchdog sees no progress
                log.exception("this look failed")
                if chosen.once:
                    return 1
            if chosen.once or ended.wait(where.settings.alerts.every_s):
                return 0
    finally:
        deliverer.close()


def _healthy(where: Place, chosen: argparse.Namespace) -> int:
    try:
        status = where.lake.read_json(STATUS)
    except ArtefactMissing:
        return 1
    age = now() - dt.datetime.fromisoformat(status["at"])
    return 1 if status.get("stopped") or age > SILENT else 0


def _test(where: Place, chosen: argparse.Namespace) -> int:
    text = trial.run(where.lake, where.settings, where.environ, now)
    sys.stdout.write(f"{text}\n")
    return 0 if trial.ok(text) else 1


def _confirm(where: Place, chosen: argparse.Namespace) -> int:
    for event, _ in canary.waiting(Journal(where.lake).read()):
        if canary.code_of(event.key) == chosen.code:
            telling.tell(
                where.lake, [canary.answered(event, "Somebody has confirmed it by its code.")], now()
            )
            return 0
    sys.stderr.write(f"no canary with code {chosen.code} waits for an answer\n")
    return 1


def _failed(where: Place, chosen: argparse.Namespace) -> int:
    began = now()
    time.sleep(chosen.wait)
    as_of, outbox = chosen.week, Outbox(where.lake)
    key = runs.run_key(chosen.dag, str(as_of or chosen.run))
    paths = outbox.paths_of(key)
    if paths and outbox.read(paths[-1]).at > began - RECENT:
        return 0
    event = runs.run_failed(where.lake, chosen.dag, chosen.run, as_of=as_of, site=chosen.site, why=chosen.why)
    telling.tell(where.lake, [event], now())
    return 0


def _list(where: Place, chosen: argparse.Namespace) -> int:
    rules, at = where.settings.alerts, now()
    quiet = [*rules.mutes, *mutes.every(where.lake)]
    found = plan(Journal(where.lake).read(), rules, quiet, at, where.settings.schedule.timezone)
    lines = [f"{len(found.open)} open, {len(found.unsent)} unsent, {found.waiting} wait for the digest"]
    for episode in found.open:
        event = episode.newest.event
        lines.append(f"  {event.severity:8} since {episode.since:%Y-%m-%d %H:%M}  {event.key}  {event.title}")
    lines += [f"  not told  {quiet.posted.event.key}  {quiet.why}" for quiet in found.quiet]
    for path in where.lake.list(mutes.FOLDER):
        told = where.lake.read_json(path)
        if dt.datetime.fromisoformat(told["until"]) > at:
            lines.append(f"  mute      {path}  until {told['until']}, {told['owner']}: {told['why']}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _mute(where: Place, chosen: argparse.Namespace) -> int:
    path = mutes.mute(
        where.lake, owner=chosen.owner, why=chosen.why, since=now(), until=chosen.until,
        kind=chosen.kind, source=chosen.source, key=chosen.key,
    )  # fmt: skip
    sys.stdout.write(f"{path}\n")
    return 0


def _unmute(where: Place, chosen: argparse.Namespace) -> int:
    mutes.end(where.lake, chosen.path, now())
    return 0


def _resolve(where: Place, chosen: argparse.Namespace) -> int:
    outbox = Outbox(where.lake)
    event = outbox.newest(chosen.key)
    if event is None or event.resolves:
        sys.stderr.write(f"nothing is open under {chosen.key}; `list` shows what is\n")
        return 1
    text = f"{chosen.owner} says that it is over: {chosen.why}"
    outbox.put(replace(event, text=text, next="", picture=None, resolves=True), now())
    return 0


if __name__ == "__main__":
    sys.exit(main())
