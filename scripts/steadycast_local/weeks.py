"""Brings the demo's weeks up to date: the first week, the others as a backfill, then the last backtest."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from steadycast.settings import Settings
from steadycast_local.api import TASK_DONE, TASK_FAILED, AirflowApi, ApiError, Run, Task

FORECAST = "weekly_forecast"
BACKTEST = "backtest"
DAG_TIMEOUT_S = 90
RUN_TIMEOUT_S = 1800
LOG_LINES = 15
NOT_BEGUN = {None, "scheduled", "queued"}

Say = Callable[[str], None]


class RunFailed(Exception):
    """A run failed; the message holds the failed tasks, the end of their logs and where to look."""


class NoRun(Exception):
    """A DAG can not be read, or a run did not end in time; the message says why."""


@dataclass(frozen=True)
class Demo:
    """The weeks to bring up to date.

    Args:
        weeks: Mondays, oldest first.
        lake: folder of the lake.
    """

    weeks: tuple[str, ...]
    lake: Path

    @classmethod
    def of(cls, settings: Settings, lake: Path, today: dt.date) -> Demo:
        """The weeks of the settings' schedule, up to this week if it has no end."""
        week = settings.schedule.first_week
        last = min(settings.schedule.last_week or today, today)
        weeks = []
        while week <= last:
            weeks.append(week.isoformat())
            week += dt.timedelta(weeks=1)
        return cls(tuple(weeks), lake)

    @property
    def after(self) -> str:
        """The Monday after the last week: by then the last week's actuals are known."""
        return (dt.date.fromisoformat(self.weeks[-1]) + dt.timedelta(weeks=1)).isoformat()

    @property
    def forecast_file(self) -> Path:
        """The newest published forecast."""
        return self.lake / "published" / "latest" / "forecast.csv"

    def is_published(self, week: str) -> bool:
        """Has the week's own run published its forecast? A fallback is only a stand-in."""
        manifest = self.lake / "published" / week / "manifest.json"
        return manifest.exists() and json.loads(manifest.read_text("utf-8")).get("verdict") != "fallback"

    def is_scored(self) -> bool:
        """Has the backtest after the last week been made?"""
        return (self.lake / "backtest" / self.after / "report.json").exists()


class Weeks:
    """Follows the demo's runs over the REST API; each step goes on from whatever is there already."""

    def __init__(self, api: AirflowApi, demo: Demo, say: Say = print) -> None:
        self.api = api
        self.demo = demo
        self.say = say

    def wait_for_dags(self) -> None:
        """Wait until both DAGs have been read.

        Raises:
            NoRun: one has mistakes (they are in the message), or is not read in time.
        """
        deadline = time.monotonic() + DAG_TIMEOUT_S
        for dag in (FORECAST, BACKTEST):
            while not self.api.has_dag(dag):
                errors = self.api.import_errors()
                if errors:
                    raise NoRun("the DAG files can not be read:\n" + "\n".join(errors))
                if time.monotonic() > deadline:
                    raise NoRun(f"the DAG {dag} is not read after {DAG_TIMEOUT_S} s; see dag-processor.log")
                time.sleep(0.5)

    def first_week(self) -> None:
        """Publish the first week, task by task.

        Raises:
            RunFailed: the run failed.
        """
        week = self.demo.weeks[0]
        if not self.demo.is_published(week):
            self._follow(self._run_of(FORECAST, week))

    def remaining_weeks(self) -> None:
        """Publish all other weeks, one after another.

        Raises:
            RunFailed: at least one week failed; the others were run all the same.
        """
        todo = [week for week in self.demo.weeks[1:] if not self.demo.is_published(week)]
        if not todo:
            return
        runs = self._newest_runs(FORECAST)
        for week in todo:
            if week in runs and runs[week].state == "failed":
                self.say(f"  {week} had failed: its failed tasks run again")
                self.api.clear_failed(runs[week])
        if any(week not in runs for week in todo) and not self.api.open_backfills(FORECAST):
            self.api.backfill(FORECAST, todo[0], todo[-1])
        self._follow_weeks(todo)

    def last_backtest(self) -> None:
        """Score all published weeks with the actuals known after the last one.

        Raises:
            RunFailed: the run failed.
        """
        if not self.demo.is_scored():
            self._follow(self._run_of(BACKTEST, self.demo.after))

    def _run_of(self, dag: str, week: str) -> Run:
        """The week's run that is under way; else its failed one, cleared; else a new one."""
        run = self._newest_runs(dag).get(week)
        if run is not None and not run.ended:
            return run
        if run is not None and run.state == "failed":
            self.say(f"  {dag} {week} had failed: its failed tasks run again")
            self.api.clear_failed(run)
            return run
        return self.api.trigger(dag, week)

    def _newest_runs(self, dag: str) -> dict[str, Run]:
        return {run.week: run for run in self.api.runs(dag) if run.week}

    def _follow(self, run: Run) -> None:
        began = time.monotonic()
        shown: dict[str, str] = {}

        def show(_: Run) -> None:
            nonlocal shown
            now = progress(self.api.tasks(run))
            news = [text for name, text in now.items() if shown.get(name) != text]
            if news:
                self.say(f"  {time.monotonic() - began:4.0f} s  {' · '.join(news)}")
                shown = now

        try:
            ended = self.api.wait(run, timeout_s=RUN_TIMEOUT_S, on_poll=show)
        except ApiError as error:
            raise NoRun(str(error)) from error
        if ended.state == "failed":
            raise RunFailed(self._failure(ended))

    def _follow_weeks(self, weeks: Sequence[str]) -> None:
        """Say each week as it ends; the time limit starts anew with each."""
        open_weeks, failed = list(weeks), []
        began = deadline_from = time.monotonic()
        while open_weeks:
            runs = self._newest_runs(FORECAST)
            for week in [w for w in open_weeks if w in runs and runs[w].ended]:
                open_weeks.remove(week)
                deadline_from = time.monotonic()
                well = runs[week].state == "success"
                if not well:
                    failed.append(runs[week])
                done = len(self.demo.weeks) - len(open_weeks)
                word = "published" if well else "FAILED"
                count = f"({done}/{len(self.demo.weeks)})"
                self.say(f"  {time.monotonic() - began:4.0f} s  {week} {word} {count}")
            if time.monotonic() - deadline_from > RUN_TIMEOUT_S:
                raise NoRun(f"no week has ended for {RUN_TIMEOUT_S} s; still open: {', '.join(open_weeks)}")
            time.sleep(1)
        if failed:
            raise RunFailed("\n".join(map(self._failure, failed)))

    def _failure(self, run: Run) -> str:
        lines = [f"{run.dag} {run.week} failed"]
        for task in self.api.tasks(run):
            if task.state == "failed":
                lines.append(f"- {describe(task)}; the end of its log:")
                try:
                    log = self.api.log(run, task)
                except ApiError as error:
                    log = [str(error)]
                lines += [f"    {line}" for line in log[-LOG_LINES:]]
        lines.append(f"Next: correct it, then clear the failed task at {self.api.run_page(run)}")
        return "\n".join(lines)


def progress(tasks: Sequence[Task]) -> dict[str, str]:
    """How far each task is that has begun, e.g. ``ingest 3/5``, in the order in which they began."""
    total = Counter(task.id for task in tasks)
    done = Counter(task.id for task in tasks if task.state in TASK_DONE)
    failed = Counter(task.id for task in tasks if task.state in TASK_FAILED)
    begun = [task for task in tasks if task.state not in NOT_BEGUN]
    texts = {}
    for name in dict.fromkeys(task.id for task in sorted(begun, key=lambda t: t.started or "9")):
        text = f"{name} {done[name]}/{total[name]}" if total[name] > 1 else name
        if failed[name]:
            text += f" ({failed[name]} failed)"
        elif done[name] == total[name] == 1:
            text += " done"
        texts[name] = text
    return texts


def describe(task: Task) -> str:
    """A task's name as in the web UI."""
    return task.id if task.map_index < 0 else f"{task.id} [{task.label}]"
