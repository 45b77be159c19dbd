"""Decides per source whether its poll may be used: the Great Expectations gate, and what follows from it.

A poll that passes, with warnings or without, is accepted and counts from now on. One with critical failures
is rejected with its reasons: a fundamental source stops the run, an optional one goes on with what was
accepted before.

Values that the source revised beyond its usual, or that look faulty, are told and kept out (``revisions``):
then the rest of the poll counts in its place, unless a person has accepted the whole.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from steadycast import revisions
from steadycast.errors import ArtefactConflict, GateFailed, SourceAbsent
from steadycast.expectations import Outcome, Suite, run_suites
from steadycast.expectations.evidence import Evidence, Revised
from steadycast.expectations.own_suites import columns_suite
from steadycast.expectations.source_gate import suites
from steadycast.lake import Lake
from steadycast.progress import Progress, silent
from steadycast.settings import AnySource

_BY = "validate"


def path(as_of: dt.date, source: str) -> str:
    """Where the verdict on a source is stored."""
    return f"runs/{as_of}/validate/{source}.json"


def run(lake: Lake, source: AnySource, *, as_of: dt.date, progress: Progress = silent) -> str:
    """Judge the week's poll of a source.

    Returns: path of the verdict.

    Raises:
        GateFailed: a fundamental source has critical failures; all of them are listed.
        SourceAbsent: a fundamental source has no poll this week.
        ArtefactConflict: two polls were stored at the same time.
    """
    manifest = _manifest(lake, source.name, as_of)
    if manifest["status"] == "absent":
        return _absent(lake, source, as_of, manifest)
    progress(f"{source.name}: checking", 0, 3)
    judged = revisions.judge(lake, source, manifest, as_of=as_of)
    progress(f"{source.name}: revisions checked", 1, 3)
    outcome, docs = _judge(lake, source, as_of, manifest, judged, progress)
    progress(f"{source.name}: checked", 2, 3)
    before, other = list(manifest["segments_before"]), None
    if outcome.failures:
        lake.observations(source.name).reject(manifest["segment"], by=_BY, why=list(outcome.failures))
        verdict, segments = "fail", before
    else:
        counts, other = _accept(lake, source, manifest, judged)
        verdict = "warn" if outcome.warnings else "pass"
        segments = sorted({*before, counts})
    told = _verdict(source.name, verdict, outcome, segments, docs) | {"revisions": judged.path}
    if other is not None:
        told["otherwise"] = sorted({*before, other})
    written = lake.write_json(path(as_of, source.name), told)
    progress(f"{source.name}: {verdict}", 3, 3)
    if outcome.failures and source.role == "fundamental":
        raise GateFailed(
            f"gate of {source.name}, week {as_of}",
            outcome.failures,
            remedy=f"look at {lake.link(f'{docs}/index.html')}; when the provider has corrected it, clear "
            f"ingest of {source.name}; if the values are right, widen its limits in pipeline.yaml and clear "
            "validate",
        )
    return written


def _manifest(lake: Lake, source: str, as_of: dt.date) -> dict[str, Any]:
    where = f"runs/{as_of}/ingest/{source}.json"
    if not lake.exists(where):
        # ingest failed for good and nobody wrote down why; what was accepted before may still serve
        return {
            "status": "absent",
            "reason": "ingest left nothing behind",
            "segments_before": lake.observations(source).segments(),
        }
    manifest: dict[str, Any] = lake.read_json(where)
    return manifest


def _absent(lake: Lake, source: AnySource, as_of: dt.date, manifest: Mapping[str, Any]) -> str:
    why = f"{source.name} has no new data for the week {as_of}: {manifest['reason']}"
    drifted, docs = _columns(lake, source, as_of, manifest["reason"])
    outcome = Outcome((why, *drifted), ())
    written = lake.write_json(
        path(as_of, source.name),
        _verdict(source.name, "absent", outcome, list(manifest["segments_before"]), docs),
    )
    if source.role == "fundamental":
        raise SourceAbsent(
            source.name,
            f"no data for the week {as_of}: {manifest['reason']}",
            remedy=f"clear ingest of {source.name} when the provider answers again",
        )
    return written


def _columns(
    lake: Lake, source: AnySource, as_of: dt.date, reason: str
) -> tuple[tuple[str, ...], str | None]:
    """What is told, with its pages, of an answer whose columns were not those of pipeline.yaml."""
    place = f"runs/{as_of}/ingest/{source.name}.drift.parquet"
    # an earlier attempt may have found a drift, and the last one another reason
    if "is missing; the answer has" not in reason or not lake.exists(place):
        return (), None
    suite = columns_suite(source, lake.read_frame(place))
    monday = dt.datetime.combine(as_of, dt.time(), dt.UTC)
    outcome, docs = _run(lake, source, as_of, [suite], monday, silent)
    return outcome.failures, docs


def _judge(
    lake: Lake,
    source: AnySource,
    as_of: dt.date,
    manifest: Mapping[str, Any],
    judged: revisions.Judged,
    progress: Progress,
) -> tuple[Outcome, str]:
    data = lake.read_bytes(manifest["poll"])
    if hashlib.sha256(data).hexdigest() != manifest["poll_sha256"]:
        raise ArtefactConflict(manifest["poll"])
    evidence = Evidence(
        source,
        as_of,
        dt.date.fromisoformat(manifest["window"]["start"]),
        lake.read_frame(manifest["poll"]),
        lake.observations(source.name).read(segments=manifest["segments_before"], end=as_of),
        Revised(judged.series, judged.report["sentences"]),
    )
    at = dt.datetime.fromisoformat(manifest["retrieved_at"])
    return _run(lake, source, as_of, suites(evidence), at, progress)


def _run(
    lake: Lake,
    source: AnySource,
    as_of: dt.date,
    todo: Sequence[Suite],
    at: dt.datetime,
    progress: Progress,
) -> tuple[Outcome, str]:
    docs = f"runs/{as_of}/validate/docs/{source.name}"
    with tempfile.TemporaryDirectory(prefix="steadycast-docs-") as folder:
        outcome = run_suites(
            todo,
            run_name=as_of.isoformat(),
            run_time=at,
            docs=Path(folder),
            progress=progress,
        )
        lake.write_folder(docs, Path(folder))
    return outcome, docs


def _accept(
    lake: Lake, source: AnySource, manifest: Mapping[str, Any], judged: revisions.Judged
) -> tuple[str, str | None]:
    """The segment that counts from now on, and the one that would count if we believed otherwise."""
    own = str(manifest["segment"])
    person = revisions.believed(lake, source.name, own, by=_BY)
    held, doubted = judged.cells[judged.cells["held"]], revisions.suspicious(judged.cells)
    if len(held) and person is None:
        rest = revisions.without(lake, source.name, own, held)
        why = judged.report["sentences"]
        return revisions.settle(lake, source.name, own, rest, why, by=_BY), own
    counts = revisions.settle(lake, source.name, own, None, (), by=person or _BY)
    return counts, revisions.without(lake, source.name, own, doubted) if len(doubted) else None


def _verdict(
    source: str, verdict: str, outcome: Outcome, segments: list[str], docs: str | None
) -> dict[str, Any]:
    return {
        "source": source,
        "verdict": verdict,
        "failures": list(outcome.failures),
        "warnings": list(outcome.warnings),
        "segments": segments,
        "docs": docs,
    }
