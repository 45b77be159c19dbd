"""Every error of the package, under one root; each says what happened and what to do next.

Callers read the attributes, people read the text, and the alert shows the same text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class SteadycastError(Exception):
    """Root of all errors raised by the package.

    Args:
        what: what happened, in one sentence that names the source, the field and the row where there are any.
        remedy: the next step for the reader; shown after ``Next:``.
    """

    def __init__(self, what: str, *, remedy: str) -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what}\nNext: {remedy}")

    def __reduce__(self) -> tuple[Any, ...]:
        # workers send errors to each other; the default would call __init__ with the text alone and fail
        return _restored, (type(self), self.args, dict(vars(self)))


def _restored(
    kind: type[SteadycastError], args: tuple[Any, ...], attributes: dict[str, Any]
) -> SteadycastError:
    error = kind.__new__(kind, *args)
    vars(error).update(attributes)
    return error


class SettingsError(SteadycastError):
    """The settings file has mistakes; ``problems`` lists all of them with their place."""

    def __init__(self, file: str, problems: Sequence[str]) -> None:
        self.file = file
        self.problems = list(problems)
        super().__init__(
            f"{file} has {len(self.problems)} problem(s):\n- " + "\n- ".join(self.problems),
            remedy=f"correct these places in {file}; `make schema` writes a schema for editors' completion",
        )


class LakeError(SteadycastError):
    """The lake could not be read or written."""


class LakeDenied(LakeError):
    """The lake's folder or bucket refuses our user or credential. A retry does not help."""


class LakeFull(LakeError):
    """No room is left: disk full, quota used up or a file size limit reached."""


class LakeUnreachable(LakeError):
    """The store does not answer, or answers that it is overloaded. Worth a retry later."""


class LakeMisplaced(LakeError):
    """The lake's address is wrong: no such bucket, a file where a folder belongs, an unknown scheme."""


class ArtefactUnreadable(LakeError):
    """An artefact is there but is not what its path promises."""

    def __init__(self, path: str, why: str) -> None:
        self.path = path
        super().__init__(
            f"{path} can not be read: {why}",
            remedy="it was not written by this project or was edited; clear the task that writes it",
        )


class ArtefactMissing(LakeError):
    """An artefact that a stage needs is not in the lake."""

    def __init__(self, path: str, *, remedy: str = "run the stage that writes it for this week") -> None:
        self.path = path
        super().__init__(f"{path} is not in the lake", remedy=remedy)


class ArtefactConflict(LakeError):
    """Something else is already stored under a path that is written only once."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path} is already in the lake with another content",
            remedy="two attempts wrote at once and the first one stands; clear the task to go on from it",
        )


class SourceError(SteadycastError):
    """A source could not be read; ``source`` is its name in pipeline.yaml."""

    def __init__(self, source: str, what: str, *, remedy: str) -> None:
        self.source = source
        super().__init__(f"source {source}: {what}", remedy=remedy)


class SourceUnreachable(SourceError):
    """No usable answer: refused or dropped connection, 5xx after all attempts. Worth a retry later."""


class SourceTimeout(SourceUnreachable):
    """The source did not answer, or not completely, within its connect, read or total limit."""


class SourceRateLimited(SourceUnreachable):
    """The source answered 429 after all attempts; ``retry_after_s`` is its wish in seconds, if given."""

    def __init__(self, source: str, what: str, *, remedy: str, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(source, what, remedy=remedy)


class SourceUnknown(SourceError):
    """Neither a source nor a candidate of pipeline.yaml has this name."""

    def __init__(self, source: str, known: Sequence[str]) -> None:
        super().__init__(
            source,
            "is neither a source nor a candidate of pipeline.yaml",
            remedy=f"name one of {', '.join(known)}",
        )


class BadCredential(SourceError):
    """The source refused our credential (401, 403, missing key). A retry does not help."""


class BadResponse(SourceError):
    """An answer that is not the data: an HTML page, a cut body, a body over the limit, broken JSON or CSV."""


class SchemaDrift(SourceError):
    """The source's columns are not those that pipeline.yaml names; ``field`` is the missing one.

    ``cells`` are the newest cells of each column as they came, if the answer is a table.
    """

    def __init__(
        self,
        source: str,
        field: str,
        *,
        found: Sequence[str],
        remedy: str,
        cells: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        self.field = field
        self.found = list(found)
        self.cells = dict(cells or {})
        super().__init__(
            source, f"field {field!r} is missing; the answer has {', '.join(self.found)}", remedy=remedy
        )


class GateFailed(SteadycastError):
    """A gate found critical failures; ``failures`` lists all of them."""

    def __init__(self, gate: str, failures: Sequence[str], *, remedy: str) -> None:
        self.gate = gate
        self.failures = list(failures)
        super().__init__(
            f"{gate}: {len(self.failures)} check(s) failed\n- " + "\n- ".join(self.failures), remedy=remedy
        )


class SourceAbsent(SourceError):
    """A fundamental source has no usable data for this week; the run can not go on."""


class DecisionRefused(SteadycastError):
    """A decision about a quarantined value can not be taken as it was said."""


class ModelError(SteadycastError):
    """A model could not be trained or loaded."""


class MoveRefused(SteadycastError):
    """A what-if can not be answered as it was asked; ``field`` is the part of the move that is wrong."""

    def __init__(self, field: str, what: str, *, remedy: str) -> None:
        self.field = field
        super().__init__(f"{field}: {what}", remedy=remedy)


class StageDied(SteadycastError):
    """The process that a stage ran in ended without an answer; ``stage`` is its name. Worth another try."""

    def __init__(self, stage: str, what: str, *, remedy: str) -> None:
        self.stage = stage
        super().__init__(f"{stage}: {what}", remedy=remedy)


class StageStuck(StageDied):
    """A stage took too long, or was silent for too long, and its process was killed."""


class PublicationError(SteadycastError):
    """The forecast could not be handed to its readers, in full or in part."""


class AlertsMisconfigured(SteadycastError):
    """A channel of the alerts has a connection that can not be used."""


class MuteRefused(SteadycastError):
    """A mute has no end, no owner, or no reason."""
