"""Train: the model of the week, its out-of-sample errors, and a card that says what it was made from.

If it fails: the error names what is missing in the panel; look at the impute task of the same week first.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import lightgbm as lgb
import pandas as pd

from steadycast import champion, models, schema
from steadycast.features import History
from steadycast.lake import Lake
from steadycast.progress import Progress, silent
from steadycast.settings import Settings

SCORED = (schema.POINT, *schema.BENCHMARKS)


@dataclass(frozen=True)
class Trained:
    """What training makes.

    Attributes:
        models: LightGBM's text per booster, and how much each counts; empty if the history is too short.
        residuals: past forecasts of weeks that their model had not seen, with actual, residual and
            benchmarks.
        feature_names: of the models.
        scores: WAPE of the point and of each benchmark on the residuals' rows.
        curve_shares: how much the view from the yearly curve counts, per horizon.
    """

    models: dict[str, str]
    residuals: pd.DataFrame
    feature_names: tuple[str, ...]
    scores: dict[str, float | None]
    curve_shares: tuple[float, ...]


def train(
    history: History,
    settings: Settings,
    *,
    client: pd.DataFrame | None = None,
    progress: Progress = silent,
) -> Trained:
    """Train on all of the history, and replay past origins for the errors.

    Args:
        history: all that is known.
        settings: the pipeline's.
        client: entity, week, value of the client's own forecast, also of past weeks.
        progress: told what is done.
    """
    forecaster = models.forecaster(history, settings)
    past = models.past_errors(
        forecaster,
        count=settings.forecast.model.calibration_origins,
        moving_average_weeks=settings.benchmarks.moving_average_weeks,
        progress=progress,
    )
    residuals = models.with_client(past.errors, client)
    progress("training on the whole history", 0, 1)
    bases = models.BASES if any(past.shares) else (models.DRIFT,)
    texts = forecaster.train(len(history.weeks), progress, bases=bases)
    if len(texts) > 1:
        texts[models.SHARES] = models.shares_text(past.shares)
    progress("training on the whole history", 1, 1)
    scores = {name: models.wape(residuals, name) for name in SCORED}
    return Trained(texts, residuals, forecaster.feature_names, scores, past.shares)


def run(
    lake: Lake,
    settings: Settings,
    panel: str,
    *,
    as_of: dt.date,
    git_commit: str,
    challenger: str | None = None,
    progress: Progress = silent,
) -> str:
    """Train the week's champion, or a challenger, on the panel's weeks before ``as_of`` and store the model.

    Returns: path of the card, ``runs/<as_of>/train/card.json``; a challenger's is
        ``runs/<as_of>/challenge/<name>/card.json``.

    Raises:
        ModelError: the panel has no value of the target before ``as_of``.
    """
    name = challenger or champion.champion(lake, settings, as_of)
    settings = champion.variation(settings, name)
    rows = lake.read_frame(panel)
    history = models.known_history(rows, settings, as_of)
    trained = train(history, settings, client=models.client_rows(rows, settings), progress=progress)
    promoted = models.promotion(trained.residuals)
    path = champion.card_path(as_of, name) if challenger else f"runs/{as_of.isoformat()}/train/card.json"
    folder = path.rpartition("/")[0]
    texts = {k: lake.write_bytes(f"{folder}/{k}.txt", text.encode()) for k, text in trained.models.items()}
    made_from = {
        "data_sha256": models.data_sha256(history),
        "settings_sha256": models.settings_sha256(settings),
        "code_sha256": models.code_sha256(),
    }
    card = {
        **made_from,
        "model_id": models.model_id(*made_from.values()),
        "as_of": as_of,
        "champion": name,
        "git_commit": git_commit,
        "lightgbm": lgb.__version__,
        "panel": panel,
        "weeks": len(history.weeks),
        "entities": len(history.entities),
        "forecast": settings.forecast.model_dump(mode="json", exclude={"challengers", "promotion"}),
        "features": list(trained.feature_names),
        "models": texts,
        "curve_shares": trained.curve_shares,
        "residuals": lake.write_frame(f"{folder}/residuals.parquet", trained.residuals),
        "out_of_sample_wape": trained.scores,
        "published": promoted.column,
        "not_promoted_because": promoted.reason,
    }
    return lake.write_json(path, card)
