"""The outbox: every event is safe in the lake before anybody tries to send it.

One file per event, ``alerts/events/<key>/<number>.json``, never changed. The numbers of a key say in which
order its events came: writers at the same moment take different numbers, since a file is only made where
there is none.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Final

from steadycast.alerts.event import Event, folder_of, from_record
from steadycast.lake import Lake

FOLDER: Final = "alerts/events"
_ATTEMPTS: Final = 50


@dataclass(frozen=True)
class Posted:
    """An event in the outbox.

    Attributes:
        id: ``<key's folder>/<number>``.
        at: When it was put there; aware.
        event: What happened.
    """

    id: str
    at: dt.datetime
    event: Event


class Outbox:
    """Takes events.

    Args:
        lake: where they are kept.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def put(self, event: Event, at: dt.datetime) -> str:
        """Keep an event; returns its path. The last event of a key, put again, changes nothing.

        Args:
            event: what happened.
            at: now; aware.

        Raises:
            ValueError: ``at`` has no timezone.
            LakeError: the lake can not be written.
        """
        if at.tzinfo is None:
            raise ValueError(f"event {event.key!r}: the time {at} has no timezone")
        record = event.record()
        text = json.dumps({**record, "at": at.isoformat()}, sort_keys=True, ensure_ascii=False, indent=2)
        for _ in range(_ATTEMPTS):
            paths = self._lake.list(f"{FOLDER}/{event.folder}")
            if paths and from_record(self._lake.read_json(paths[-1])) == event:
                return paths[-1]
            path = f"{FOLDER}/{event.folder}/{_number(paths) + 1:06}.json"
            if self._lake.write_bytes_if_absent(path, f"{text}\n".encode()):
                return path
        raise RuntimeError(f"{_ATTEMPTS} other writers were faster with event {event.key!r}")

    def read(self, path: str) -> Posted:
        """The event at a path that ``put`` returned."""
        record = self._lake.read_json(path)
        name = path.removeprefix(f"{FOLDER}/").removesuffix(".json")
        return Posted(name, dt.datetime.fromisoformat(record["at"]), from_record(record))

    def paths_of(self, key: str) -> list[str]:
        """Paths of a key's events, oldest first."""
        return self._lake.list(f"{FOLDER}/{folder_of(key)}")

    def newest(self, key: str) -> Event | None:
        """The last event of a key; None if there is none."""
        paths = self.paths_of(key)
        return self.read(paths[-1]).event if paths else None

    def paths(self) -> list[str]:
        """Paths of all events, by key and number."""
        return self._lake.list(FOLDER)


def _number(paths: list[str]) -> int:
    return int(paths[-1].rsplit("/", 1)[-1].removesuffix(".json")) if paths else 0
