"""The channels that have what they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from steadycast.alerts.credentials import Credential, credential, wanted
from steadycast.errors import AlertsMisconfigured
from steadycast.settings import ChannelSettings, Settings

_RECIPIENT = {"mail": "to", "ses": "to", "sns": "topic_arn", "slack": "channel"}


@dataclass(frozen=True)
class Channel:
    """A channel with its recipient and its credential."""

    settings: ChannelSettings
    to: str
    credential: Credential

    @property
    def askable(self) -> bool:
        """Can it be asked whether a message has arrived?"""
        return self.settings.kind == "slack" and not self.credential.extra.get("webhook")


@dataclass(frozen=True)
class Usable:
    """What can be sent with.

    Attributes:
        channels: By name, in order. The log only if there is no other.
        left_out: Name and what is missing, of the others.
    """

    channels: Mapping[str, Channel]
    left_out: Mapping[str, str]

    @property
    def left_out_log(self) -> bool:
        """Is there anything better than the log?"""
        return any(channel.settings.kind != "log" for channel in self.channels.values())


def usable(settings: Settings, environ: Mapping[str, str]) -> Usable:
    """The channels of pipeline.yaml whose connections are in the environment."""
    channels: dict[str, Channel] = {}
    left_out: dict[str, str] = {}
    for channel in settings.alerts.channels:
        if channel.kind == "log":
            continue
        try:
            found = credential(channel, environ)
        except AlertsMisconfigured as error:
            left_out[channel.name] = str(error)
            continue
        if found is None:
            left_out[channel.name] = f"set {wanted(channel)}"
            continue
        to = _recipient(channel, found, settings)
        if to:
            channels[channel.name] = Channel(channel, to, found)
        else:
            left_out[channel.name] = f"it has no recipient; set {wanted(channel)}"
    if not channels:
        logs = [channel for channel in settings.alerts.channels if channel.kind == "log"]
        kept = logs[0] if logs else ChannelSettings(name="log", kind="log")
        channels = {kept.name: Channel(kept, "the log", Credential())}
    return Usable(channels, left_out)


def _recipient(channel: ChannelSettings, found: Credential, settings: Settings) -> str:
    if channel.to:
        return channel.to
    if channel.kind == "webhook":
        return found.host
    named = found.extra.get(_RECIPIENT[channel.kind])
    return str(named or (settings.slack_channel if channel.kind == "slack" else ""))
