"""Challenge: the week's challengers are trained and forecast beside the champion, and nobody is shown it.

Each sees the panel that the champion saw. It runs after publication, so that it delays nobody.

If it fails: the forecast is not affected; clear the task, it overwrites its own output.
"""

from __future__ import annotations

import datetime as dt

from steadycast import champion, drift, infer, models, train
from steadycast.lake import Lake
from steadycast.progress import Progress, silent
from steadycast.settings import Settings


def run(
    lake: Lake, settings: Settings, *, as_of: dt.date, git_commit: str, progress: Progress = silent
) -> str:
    """Train all models of the settings but the champion, and store their cards and forecasts.

    After a break a shorter memory is among them, without being declared.

    Returns: path of ``challengers.json``: the champion of the week, and per challenger its card and forecast.

    Raises:
        ArtefactMissing: the week has no panel or no champion's card.
        ModelError: the panel has no value of the target.
    """
    settings = drift.with_trial(lake, settings, as_of)
    panel = f"runs/{as_of}/impute/panel.parquet"
    in_office = lake.read_json(f"runs/{as_of}/train/card.json").get("champion", champion.BASE)
    others = [name for name in champion.names(settings) if name != in_office]
    made = {}
    for done, name in enumerate(others):
        progress(f"challenger {name}", done, len(others))
        card = train.run(
            lake, settings, panel, as_of=as_of, git_commit=git_commit, challenger=name, progress=progress
        )
        own = champion.variation(settings, name)
        rows = lake.read_frame(panel)
        table = infer.infer(
            models.known_history(rows, own, as_of),
            own,
            **infer.stored(lake, lake.read_json(card)),
            degraded=infer.degraded(lake, as_of),
            client=models.client_rows(rows, own),
        )
        forecast = lake.write_frame(champion.shadow_path(as_of, name), table)
        made[name] = {"card": card, "forecast": forecast}
    progress("challengers", len(others), len(others))
    told = {"as_of": as_of, "champion": in_office, "challengers": made}
    return lake.write_json(f"runs/{as_of}/challenge/challengers.json", told)
