"""What was decided about each segment: a small file of its own, so that a segment is never touched again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from steadycast.errors import ArtefactUnreadable
from steadycast.lake.backend import Backend, checked

Verdict = Literal["accepted", "rejected"]


class Verdicts:
    """The verdicts of one source; a segment without one is pending.

    Args:
        backend: the store.
        source: name of the source in pipeline.yaml.
    """

    def __init__(self, backend: Backend, source: str) -> None:
        self._backend = backend
        self._folder = f"verdicts/{checked(source)}"

    def write(self, segment: str, verdict: Verdict, by: str, why: Sequence[str]) -> None:
        """Store a verdict over an earlier one."""
        text = {"segment": segment, "verdict": verdict, "by": by, "why": list(why)}
        data = json.dumps(text, sort_keys=True, ensure_ascii=False, indent=2) + "\n"
        self._backend.write(self._path(segment), data.encode())

    def read(self, segments: Iterable[str]) -> dict[str, Verdict | Literal["pending"]]:
        """The verdict of each segment."""
        wanted = list(segments)
        there = set(self._backend.list(self._folder) if wanted else ())
        decided = [name for name in wanted if self._path(name) in there]
        with ThreadPoolExecutor(8) as pool:
            found = dict(zip(decided, pool.map(self._read_one, decided), strict=True))
        return {name: found.get(name, "pending") for name in wanted}

    def _read_one(self, segment: str) -> Verdict:
        path = self._path(segment)
        try:
            verdict = json.loads(self._backend.read(path))["verdict"]
        except (ValueError, KeyError, TypeError) as error:
            raise ArtefactUnreadable(path, f"not a verdict ({error})") from error
        if verdict == "accepted":
            return "accepted"
        if verdict == "rejected":
            return "rejected"
        raise ArtefactUnreadable(path, f"the verdict is {verdict!r}; expected accepted or rejected")

    def _path(self, segment: str) -> str:
        return f"{self._folder}/{segment}.json"
