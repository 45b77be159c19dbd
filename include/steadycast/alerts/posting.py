"""One channel's part of a look: attempts in order, each written down before and after."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from steadycast.alerts import canary
from steadycast.alerts.answer import Answer
from steadycast.alerts.choosing import Choice
from steadycast.alerts.event import Event
from steadycast.alerts.ledger import Attempt, Journal, Ledger, Message, Outcome
from steadycast.alerts.outbox import Posted
from steadycast.alerts.planning import Plan
from steadycast.alerts.sending import Job, Sender, What
from steadycast.alerts.usable import Channel
from steadycast.alerts.wording import Rendered, render
from steadycast.errors import LakeError
from steadycast.lake import Lake
from steadycast.settings import Settings

log = logging.getLogger(__name__)

LOOK_S: Final = 30.0
"""After so long the rest waits for the next look: new and louder events come first then."""
_BIGGEST_PICTURE: Final = 8_000_000


@dataclass(frozen=True)
class Step:
    """A message, its attempts so far, and what was chosen for it."""

    message: Message
    attempts: Sequence[Attempt]
    choice: Choice


class Poster:
    """Sends to one channel.

    Args:
        lake: holds the pictures.
        journal: takes the records.
        settings: the pipeline's.
        channel: where to.
        clock: the moment, aware.
    """

    def __init__(
        self,
        lake: Lake,
        journal: Journal,
        settings: Settings,
        channel: Channel,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._lake, self._journal, self._settings = lake, journal, settings
        self._channel, self._clock = channel, clock
        self._sender = Sender(channel.settings.kind)
        self._sender.warm()
        self._unwritten: list[tuple[Message, Attempt]] = []
        self._threads: dict[dt.date, tuple[str, str]] = {}

    def close(self) -> None:
        """End the process that sends."""
        self._sender.close()

    def came_back(self, event: Event, attempt: Attempt, inbox_url: str | None) -> str | None:
        """How a canary that was delivered here has been answered; None if not, or if nobody knows."""
        if self._channel.askable and attempt.answer.get("ts"):
            about = {"channel": attempt.answer["channel"], "ts": attempt.answer["ts"]}
            answer = self._do(self._job("reactions", about=about))
            if answer.outcome == "delivered" and answer.facts.get("reactions"):
                return f"A reaction in {self._channel.settings.name}: {answer.text}."
        if inbox_url:
            about = {"url": inbox_url, "code": canary.code_of(event.key)}
            if self._do(self._job("inbox", about=about)).outcome == "delivered":
                return f"It was found in the robot's inbox, sent by {self._channel.settings.name}."
        return None

    def write_down(self) -> None:
        """Write the receipts that the lake did not take before.

        Raises:
            LakeError: it does not take them now either.
        """
        while self._unwritten:
            self._journal.end(*self._unwritten[0])
            del self._unwritten[0]

    def work(self, steps: Sequence[Step], found: Plan, ledger: Ledger) -> None:
        """Go through the steps, until the channel is in trouble or the look has taken long enough."""
        known = {posted.id: posted for posted in ledger.posted}
        self._threads = self._threads_of(ledger)
        began = time.monotonic()
        for step in steps:
            well = self._ask(step) if step.choice.ask else self._send(step, found, known)
            if not well or self._unwritten or time.monotonic() - began > LOOK_S:
                return

    def _send(self, step: Step, found: Plan, known: Mapping[str, Posted]) -> bool:
        """One attempt; False if the channel is in trouble."""
        number = max((attempt.number for attempt in step.attempts), default=0) + 1
        name = self._channel.settings.name
        attempt = Attempt(number, name, self._clock(), maybe=step.choice.maybe)
        if not self._journal.begin(step.message, attempt):
            log.warning("another deliverer is at message %s", step.message.id)
            return True
        rendered = self._rendered(step, found, [known[event] for event in step.message.events])
        answer = self._do(self._job("send", message=rendered))
        self._end(step.message, attempt, answer)
        if answer.outcome == "delivered":
            log.info("%s was told: %s", name, rendered.headline)
            self._remember(step.message, answer.facts)
        else:
            log.warning("%s did not take %s: %s, %s", name, step.message.id, answer.outcome, answer.text)
        return answer.outcome in ("delivered", "refused")

    def _ask(self, step: Step) -> bool:
        """Ask whether an attempt that nobody confirmed has arrived; False if the channel can not say."""
        attempt = step.choice.ask
        if attempt is None:
            return True
        about = {"id": step.message.id, "since": attempt.at.timestamp()}
        answer = self._do(self._job("find", about=about))
        outcomes: dict[Outcome, Outcome] = {"delivered": "delivered", "unreachable": "absent"}
        known = outcomes.get(answer.outcome)
        if known is None:
            undecided = replace(attempt, outcome="unclear", asked=True, ended=attempt.ended or self._clock())
            self._keep(step.message, undecided)
            return False
        self._end(step.message, attempt, replace(answer, outcome=known))
        return True

    def _end(self, message: Message, attempt: Attempt, answer: Answer) -> None:
        self._keep(
            message,
            replace(
                attempt, outcome=answer.outcome, ended=self._clock(), text=answer.text,
                retry_after_s=answer.retry_after_s, answer=answer.facts, asked=False,
            ),
        )  # fmt: skip

    def _keep(self, message: Message, attempt: Attempt) -> None:
        try:
            self._journal.end(message, attempt)
        except LakeError as error:
            # what was sent must not be sent again: nothing goes out before this is written
            log.error("a receipt could not be written: %s", error)
            self._unwritten.append((message, attempt))

    def _job(
        self,
        what: What,
        message: Rendered | None = None,
        about: Mapping[str, object] | None = None,
    ) -> Job:
        channel = self._channel
        timeout_s = channel.settings.attempt_s
        return Job(
            what, channel.settings.kind, channel.to, channel.credential, timeout_s, message, about,
        )  # fmt: skip

    def _do(self, job: Job) -> Answer:
        return self._sender.do(job, self._channel.settings.attempt_s)

    def _rendered(self, step: Step, found: Plan, events: Sequence[Posted]) -> Rendered:
        message = step.message
        ids = set(message.events)
        also = [q.posted.event.title for q in found.quiet if ids & set(q.cause)]
        rendered = render(message, events, title=self._settings.title, maybe=step.choice.maybe, also=also)
        thread = self._threads.get(message.as_of) if message.as_of and message.purpose != "digest" else None
        return replace(rendered, thread=thread, picture=self._picture(events))

    def _picture(self, events: Sequence[Posted]) -> bytes | None:
        for posted in events:
            if posted.event.picture and not posted.event.resolves:
                try:
                    data = self._lake.read_bytes(posted.event.picture)
                except LakeError as error:
                    log.warning("the message goes without its picture: %s", error)
                    continue
                return data if len(data) <= _BIGGEST_PICTURE else None
        return None

    def _threads_of(self, ledger: Ledger) -> dict[dt.date, tuple[str, str]]:
        """The first message of each week on this channel, which the others of the week go below."""
        found: dict[dt.date, tuple[str, str]] = {}
        if self._channel.settings.kind != "slack":
            return found
        told = [
            (delivery.delivered.at, delivery.message.as_of, delivery.delivered)
            for delivery in ledger.deliveries.values()
            if delivery.delivered and delivery.message.as_of and delivery.message.purpose != "digest"
        ]
        for _, as_of, attempt in sorted(told, key=lambda one: one[0]):
            if attempt.channel == self._channel.settings.name and attempt.answer.get("ts"):
                facts = attempt.answer
                found.setdefault(as_of, (str(facts["channel"]), str(facts.get("thread_ts") or facts["ts"])))
        return found

    def _remember(self, message: Message, facts: Mapping[str, object]) -> None:
        if message.as_of and message.purpose != "digest" and facts.get("ts"):
            ts = facts.get("thread_ts") or facts["ts"]
            self._threads.setdefault(message.as_of, (str(facts["channel"]), str(ts)))
