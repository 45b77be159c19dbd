"""Settings of the alerts: the ways to people in order, what is told at once, what waits, what is muted."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from steadycast.settings.base import Name, Strict

ChannelKind = Literal["slack", "mail", "sns", "ses", "webhook", "log"]
SeverityName = Literal["info", "warning", "hold", "failure"]
LONGEST_MUTE: Final = dt.timedelta(days=60)


class ChannelSettings(Strict):
    """One way to people. Without its connection in the deliverer's environment it is left out."""

    name: Name
    kind: ChannelKind
    connection: str | None = Field(
        None, description="Id of the connection, AIRFLOW_CONN_<ID> of the deliverer; the name if left out."
    )
    to: str | None = Field(
        None,
        description="Slack channel, addresses of mails, topic ARN of sns; else the connection's.",
    )
    deadline_s: PositiveFloat = Field(
        120, description="Seconds in which it has to take a message; then the next channel is tried."
    )
    attempt_s: PositiveFloat = Field(15, description="Seconds that one attempt may take, whatever hangs.")

    @property
    def conn_id(self) -> str:
        """Id of its connection."""
        return self.connection or self.name


class RouteSettings(Strict):
    """What happens to events that it fits; the first route that fits decides."""

    severities: tuple[SeverityName, ...] = Field((), description="All if left out.")
    kinds: tuple[str, ...] = Field((), description="All if left out.")
    sources: tuple[str, ...] = Field((), description="All, and events without one, if left out.")
    send: Literal["at_once", "digest"] = "at_once"
    channels: tuple[Name, ...] = Field((), description="Channels in order; all if left out.")


class Match(Strict):
    """Which events are meant: all that is given has to fit."""

    kind: str | None = Field(None, description="Kind of event, with * for any letters.")
    source: str | None = Field(None, description="Name of a source, with * for any letters.")
    key: str | None = Field(None, description="Key, with * for any letters, e.g. run/weekly_forecast/*.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.kind is None and self.source is None and self.key is None:
            raise ValueError("would mute everything; give kind, source or key")
        return self


class MuteSettings(Match):
    """Events that nobody wants to hear of for a while; they are told afterwards if they are still open."""

    owner: str = Field(min_length=1, description="Who muted it.")
    why: str = Field(min_length=1, description="One sentence for whoever asks.")
    since: AwareDatetime = Field(description="From when, with time zone, e.g. 2016-06-06T09:00Z.")
    until: AwareDatetime = Field(description="To when; at most 60 days later.")

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if not dt.timedelta(0) < self.until - self.since <= LONGEST_MUTE:
            raise ValueError(
                f"lasts from {self.since} to {self.until}; a mute ends after its beginning and within "
                f"{LONGEST_MUTE.days} days, so that it can not be forgotten"
            )
        return self


class InhibitSettings(Strict):
    """While one thing is open, what follows from it for the same source is not told of its own."""

    open: tuple[str, ...] = Field(description="Kinds of the cause.")
    mutes: tuple[str, ...] = Field(description="Kinds of what follows.")


class CanarySettings(Strict):
    """The weekly message that has to come back."""

    answer_within_h: PositiveFloat = Field(
        24, description="Hours in which somebody answers: a reaction in Slack, or the robot's inbox."
    )
    inbox_url: str | None = Field(
        None, description="Address that a robot fills with what arrived; it has to contain the canary's code."
    )
    missing_after_days: PositiveFloat = Field(
        8, description="Days after the last canary at which a new one has to have come."
    )


Hour = Annotated[int, Field(ge=0, le=23)]


class AlertsSettings(Strict):
    """How people hear of what happened."""

    channels: Annotated[tuple[ChannelSettings, ...], Field(min_length=1)] = (
        ChannelSettings(name="slack", kind="slack"),
        ChannelSettings(name="mail", kind="mail", connection="alert_mail"),
        ChannelSettings(name="sns", kind="sns", connection="alert_sns"),
        ChannelSettings(name="webhook", kind="webhook", connection="alert_webhook"),
        ChannelSettings(name="log", kind="log"),
    )
    routes: tuple[RouteSettings, ...] = Field(
        (),
        description="Tried in order; then hold, failure and the week's outcome go at once, the rest waits.",
    )
    digest_hour: Hour = Field(8, description="Hour of the schedule's timezone at which the digest comes.")
    group_wait_s: float = Field(10, ge=0, description="Seconds in which what belongs together is collected.")
    group_most: PositiveInt = Field(200, description="Events in one message.")
    flood: PositiveInt = Field(
        20, description="From so many messages at once they are told by severity only."
    )
    repeat_h: PositiveFloat = Field(4, description="Hours after which an open hold or failure is told again.")
    repeat_most: NonNegativeInt = Field(42, description="Repeats of one event, by default a week of them.")
    deadline_min: PositiveFloat = Field(
        10, description="Minutes in which some channel has taken an event; then the watchdog's light is red."
    )
    backoff_s: PositiveFloat = Field(
        2, description="Seconds before the second attempt on a channel; doubles."
    )
    backoff_most_s: PositiveFloat = Field(300, description="Longest time between two attempts on a channel.")
    every_s: PositiveFloat = Field(5, description="Seconds between two looks into the outbox.")
    keep_days: PositiveInt = Field(90, description="Days that what is over is kept in the lake.")
    mutes: tuple[MuteSettings, ...] = ()
    inhibit: tuple[InhibitSettings, ...] = (
        InhibitSettings(
            open=("source_down",),
            mutes=("feature_missing", "freshness", "divergence", "revision", "drift"),
        ),
    )
    canary: CanarySettings = CanarySettings()

    @model_validator(mode="after")
    def _channels_are_known(self) -> Self:
        names = [channel.name for channel in self.channels]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two channels have the name {name!r}; rename one")
        for route in self.routes:
            for name in route.channels:
                if name not in names:
                    raise ValueError(f"there is no channel {name!r}; the channels are {', '.join(names)}")
        return self

    def channel(self, name: str) -> ChannelSettings:
        """The channel of that name; KeyError if there is none."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        raise KeyError(name)
