"""Which column took the place of one that is gone: by its name and by its values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import yaml

from steadycast import schema as c
from steadycast.settings import SourceSettings, TableLayout

FIELD: Final = "field"
SETTING: Final = "setting"
MISSING: Final = "missing"
PROPOSED: Final = "proposed"
NAME_LIKE: Final = "name_likeness"
VALUES_LIKE: Final = "values_likeness"
PROPOSAL: Final = "proposal"

_COLUMNS: Final = [FIELD, SETTING, MISSING, PROPOSED, NAME_LIKE, VALUES_LIKE, PROPOSAL]
_NAME_WEIGHT = 0.4
"""The values count for more: names are chosen freely, what is measured is not."""
_ENOUGH = 0.4
_RECENT = 400


@dataclass(frozen=True)
class Answer:
    """What is looked at: the answer's newest cells by column, and what was known before.

    Attributes:
        columns: column name to cells as they came.
        known: entity, date, variable, value accepted before; may be empty.
    """

    columns: Mapping[str, Sequence[Any]]
    known: pd.DataFrame


def fields(source: SourceSettings, layout: TableLayout, answer: Answer) -> pd.DataFrame:
    """Each column that pipeline.yaml names, whether it is there, and what takes its place.

    Returns: field (the column), setting (where pipeline.yaml names it), missing (0 or 1), proposed (column,
        '' if none comes near), name_likeness and values_likeness (0..1, NaN if there is nothing to compare),
        proposal (YAML for pipeline.yaml).
    """
    wanted = _wanted(source, layout)
    taken = {field for field, *_ in wanted}
    free = [name for name in answer.columns if name not in taken]
    rows = []
    for field, setting, variable in wanted:
        if field in answer.columns:
            rows.append((field, setting, 0, "", np.nan, np.nan, ""))
            continue
        best = _best(field, setting, variable, free, source, answer)
        if best is None:
            rows.append((field, setting, 1, "", np.nan, np.nan, ""))
            continue
        column, name_like, values_like = best
        rows.append(
            (field, setting, 1, column, name_like, values_like, _yaml(source, setting, variable, column))
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


def sentence(row: Mapping[str, Any]) -> str:
    """One missing column in words, with the proposal."""
    gone = f"column {row[FIELD]!r} ({row[SETTING]}) is missing"
    if not row[PROPOSED]:
        return f"{gone}, and no other column is like it"
    like = [f"name {row[NAME_LIKE]:.0%} alike"]
    if not pd.isna(row[VALUES_LIKE]):
        like.append(f"values {row[VALUES_LIKE]:.0%} alike")
    return f"{gone}; {row[PROPOSED]!r} is most like it ({', '.join(like)}): {row[PROPOSAL]}"


def _wanted(source: SourceSettings, layout: TableLayout) -> list[tuple[str, str, str | None]]:
    """Column, the setting that names it, and the variable that it is, if it is one."""
    found: list[tuple[str, str, str | None]] = [(layout.date_field, "layout.date_field", None)]
    if layout.entity_field is not None:
        found.append((layout.entity_field, "layout.entity_field", None))
    if layout.variable_field is not None and layout.value_field is not None:
        found.append((layout.variable_field, "layout.variable_field", None))
        found.append((layout.value_field, "layout.value_field", None))
        return found
    return found + [(v.source_field, f"variables.{v.name}.field", v.name) for v in source.variables]


def _best(
    field: str,
    setting: str,
    variable: str | None,
    free: Sequence[str],
    source: SourceSettings,
    answer: Answer,
) -> tuple[str, float, float] | None:
    scored = []
    for column in free:
        name_like = _names_alike(field, column)
        values_like = _values_alike(setting, variable, answer.columns[column], source, answer.known)
        score = name_like
        if not np.isnan(values_like):
            score = _NAME_WEIGHT * name_like + (1 - _NAME_WEIGHT) * values_like
        scored.append((score, column, name_like, values_like))
    if not scored:
        return None
    score, column, name_like, values_like = max(scored)
    return (column, name_like, values_like) if score >= _ENOUGH else None


def _names_alike(one: str, other: str) -> float:
    """Likeness of two names, 0..1; also by their words, so that ``temp_max`` is like ``max_temp``."""
    words = [
        re.findall(r"[a-z]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()) for name in (one, other)
    ]
    plain = difflib.SequenceMatcher(None, "_".join(words[0]), "_".join(words[1])).ratio()
    ordered = difflib.SequenceMatcher(None, "_".join(sorted(words[0])), "_".join(sorted(words[1]))).ratio()
    shared = len(set(words[0]) & set(words[1])) / max(min(len(words[0]), len(words[1])), 1)
    return max(plain, ordered, 0.9 * shared)


def _values_alike(
    setting: str, variable: str | None, cells: Sequence[Any], source: SourceSettings, known: pd.DataFrame
) -> float:
    """Likeness of a column's cells to what the setting wants, 0..1; NaN if nothing is known of it."""
    texts = pd.Series([str(cell).strip() for cell in cells[-_RECENT:] if cell not in (None, "")], dtype="str")
    if texts.empty:
        return float("nan")
    if setting == "layout.date_field":
        return float(texts.str.fullmatch(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|\d{8}").mean())
    if setting == "layout.entity_field":
        entities = set(source.entities or known[c.ENTITY].unique())
        return float(texts.isin(entities).mean()) if entities else float("nan")
    if setting == "layout.variable_field":
        return float(texts.isin({v.source_field for v in source.variables}).mean())
    numbers = pd.to_numeric(texts, errors="coerce").dropna()
    if len(numbers) < len(texts) / 2:
        return 0.0
    usual = known if variable is None else known[known[c.VARIABLE] == variable]
    if usual.empty:
        return float("nan")
    lately = usual.sort_values(c.DATE)[c.VALUE].tail(max(_RECENT, len(numbers)))
    return 1.0 - _apart(numbers.to_numpy(dtype="float64"), lately.to_numpy(dtype="float64"))


def _apart(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Largest distance of the two distribution functions (Kolmogorov, 1933; Smirnov, 1948), 0..1."""
    grid = np.sort(np.concatenate([one, other]))
    below = [np.searchsorted(np.sort(sample), grid, side="right") / len(sample) for sample in (one, other)]
    return float(np.abs(below[0] - below[1]).max())


def _yaml(source: SourceSettings, setting: str, variable: str | None, column: str) -> str:
    """The changed line as it goes into pipeline.yaml."""
    if variable is None:
        return f"layout: {{{setting.removeprefix('layout.')}: {_scalar(column)}}}"
    return "- " + variable_yaml(source, variable, field=column)


def variable_yaml(source: SourceSettings, variable: str, **changes: object) -> str:
    """A variable's line of pipeline.yaml with some settings changed, as one flow mapping."""
    entry = source.variable(variable).model_dump(mode="json", exclude_unset=True)
    order = ["name", "field", "unit", "scale", "offset"]
    entry = {**entry, **changes}
    ordered = {key: entry[key] for key in [*order, *entry] if key in entry}
    text: str = yaml.safe_dump(
        ordered, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True
    )
    return text.strip()


def _scalar(value: str) -> str:
    text: str = yaml.safe_dump([value], default_flow_style=True, width=10_000, allow_unicode=True)
    return text.strip()[1:-1]
