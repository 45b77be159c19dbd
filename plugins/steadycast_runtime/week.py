"""The week of the running task: which one it is, and how its stage is called."""

from __future__ import annotations

import datetime as dt
import importlib
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowTaskTimeout

from steadycast.errors import SourceAbsent, SteadycastError
from steadycast.settings import AnySource, Settings
from steadycast_runtime import failures
from steadycast_runtime.connections import source_connection
from steadycast_runtime.places import lake, lake_arguments, settings
from steadycast_runtime.retry import helps_to_retry

if TYPE_CHECKING:
    from steadycast.lake import Lake
    from steadycast.progress import Progress
    from steadycast.sources import Connection

log = logging.getLogger(__name__)

REPORT_EVERY_S = 1.0
"""A progress report is a request to the API server: at most one a second, whatever the stage's pace."""


class WeekUnknown(SteadycastError):
    """The run's partition key is missing or names no Monday."""


def week_of(partition_key: str | None) -> dt.date:
    """The Monday that a partition key names.

    Raises:
        WeekUnknown: there is no key, or it is no Monday; says what to type.
    """
    remedy = (
        "trigger the DAG again and type the week's Monday as YYYY-MM-DD, e.g. 2016-08-22, in the field "
        '`Partition Key` of the trigger form (REST: "partition_key": "2016-08-22")'
    )
    if not partition_key:
        raise WeekUnknown("this run has no partition key, so it does not know its week", remedy=remedy)
    try:
        day = dt.datetime.strptime(partition_key, "%Y-%m-%d").date()  # noqa: DTZ007 a date has no timezone
    except ValueError:
        raise WeekUnknown(f"partition key {partition_key!r} is no date", remedy=remedy) from None
    if day.weekday():
        monday = day - dt.timedelta(days=day.weekday())
        raise WeekUnknown(
            f"partition key {partition_key} is a {day:%A}; its week's Monday is {monday}", remedy=remedy
        )
    return day


@dataclass(frozen=True)
class Week:
    """What the stages of one run need."""

    as_of: dt.date
    settings: Settings
    lake: Lake
    progress: Progress
    context: Mapping[str, Any]

    def run(self, stage: str, *arguments: object, **named: object) -> str:
        """Run ``steadycast.<stage>``, imported only now, and return the path of what it wrote."""
        module = importlib.import_module(f"steadycast.{stage}")
        path: str = module.run(self.lake, *arguments, as_of=self.as_of, progress=self.progress, **named)
        return path

    def run_apart(self, stage: str, *arguments: object, **named: object) -> str:
        """As ``run``, in a process of its own that is killed when it hangs."""
        from steadycast.child import run_stage

        recovery = self.settings.recovery
        return run_stage(
            f"steadycast.{stage}", lake_arguments(), self.settings, *arguments,
            deadline_s=recovery.training_deadline_s, silence_s=recovery.limits(stage).progress_timeout_s,
            as_of=self.as_of, progress=self.progress, **named,
        )  # fmt: skip

    def settle_gates(self) -> None:
        """Make sure that each source has a verdict and that the fundamental ones are accepted.

        The trigger rules let the run come this far whatever the gates said. One that was killed said nothing:
        its optional source then counts as absent.

        Raises:
            SourceAbsent: a fundamental source has no accepted data; names the first such source.
        """
        from steadycast import ingest, validate

        for source in self.settings.sources:
            path = validate.path(self.as_of, source.name)
            verdict = self.lake.read_json(path)["verdict"] if self.lake.exists(path) else "missing"
            if source.role == "fundamental" and verdict not in {"pass", "warn"}:
                raise SourceAbsent(
                    source.name,
                    f"no accepted data for the week {self.as_of}, the verdict of its gate is {verdict}",
                    remedy="see its ingest and validate; when they are mended, clear ingest and all after it",
                )
            if verdict == "missing":
                reason = "its gate did not come to an end, so that nobody knows whether the data are right"
                log.warning("The run goes on without %s: %s", source.name, reason)
                ingest.absent(self.lake, source, as_of=self.as_of, reason=reason)
                validate.run(self.lake, source, as_of=self.as_of, progress=self.progress)

    def publish_connection(self) -> Connection | None:
        """The database that the forecast also goes to, if pipeline.yaml names one."""
        return source_connection(self.settings.publish.sql_connection)

    def wait_for(self, name: str, *, waited: bool) -> dt.datetime | None:
        """When to look at a source again that is not ready; None if the run goes on.

        Args:
            name: the source.
            waited: this task has looked at it before.

        Raises:
            SourceAbsent: a fundamental source is not there by the publish deadline; a fallback is published.
        """
        from steadycast_runtime.waiting import next_look

        return next_look(self, self.settings.source(name), dt.datetime.now(dt.UTC), waited=waited)

    def poll(self, name: str) -> str:
        """Ingest one source; go on without an optional one when trying again can not help or no try is left.

        Raises:
            SourceError: the source is fundamental, or tries are left.
        """
        from steadycast import ingest

        source = self.settings.source(name)
        try:
            return ingest.run(
                self.lake, source, as_of=self.as_of, retrieved_at=_retrieved_at(source, self.as_of),
                connection=source_connection(source.connection),
                repoll=bool(self.context["params"].get("repoll")), progress=self.progress,
            )  # fmt: skip
        except (Exception, AirflowTaskTimeout) as error:
            ti = self.context["ti"]
            tries_left = ti.max_tries + 1 - ti.try_number
            if source.role == "fundamental" or (tries_left > 0 and helps_to_retry(error)):
                raise
            reason = failures.describe(error)["what"]
            log.warning("%s", error, exc_info=error)
            log.warning("The run goes on without %s; the forecast is marked degraded", name)
            self.context["source_label"] = f"{name} (absent)"
            self.context["task_state_store"].set("absent", reason)
            return ingest.absent(self.lake, source, as_of=self.as_of, reason=reason)


@contextmanager
def this_week() -> Iterator[Week]:
    """The running task's week; an error that leaves it is noted for the alert, and logged in plain words."""
    from steadycast_sensors.wake import wake_watch

    context = get_current_context()
    for chatty in ("great_expectations", "matplotlib", "botocore"):
        # hundreds of lines about their own insides would bury what the stages say
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        as_of = week_of(context["dag_run"].partition_key)
    except WeekUnknown as error:
        log.error("%s", error)
        raise
    store = lake()
    place = failures.place(as_of, context["ti"])
    report = _progress(context)
    report(f"{context['ti'].task_id} started", 0, 0)
    wake_watch(context)
    try:
        yield Week(as_of, settings(), store, report, context)
    except (Exception, AirflowTaskTimeout) as error:
        log.error("%s", error)
        source = getattr(context["task"], "op_kwargs", {}).get("source", "")
        failures.note(store, place, error, task=f"{context['ti'].task_id} {source}".strip())
        raise
    failures.forget(store, place)


def _retrieved_at(source: AnySource, as_of: dt.date) -> dt.datetime:
    """The week's Monday for a provider that can be asked as of a past day; now for one that can not."""
    if source.answers_as_of:
        return dt.datetime.combine(as_of, dt.time(), tzinfo=dt.UTC)
    return dt.datetime.now(dt.UTC)


def _progress(context: Mapping[str, Any]) -> Progress:
    """Tell the task's state store and its log how far the stage is; never fail the stage for it."""
    last = -REPORT_EVERY_S
    since = dt.datetime.now(dt.UTC).isoformat()

    def report(what: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < REPORT_EVERY_S and done != total:
            return
        last = now
        log.info("%s: %s of %s", what, done, total or "?")
        try:
            told = {"what": what, "done": done, "total": total, "since": since}
            context["task_state_store"].set("progress", told)
        except Exception as error:
            log.warning("progress could not be stored, which only the display misses: %s", error)

    return report
