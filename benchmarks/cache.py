"""Forecasts of the peers, kept under results/peers as long as data, code and versions stay the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent / "results" / "peers"
PACKAGES = ("statsforecast", "mlforecast", "lightgbm", "prophet", "skforecast", "holidays")
Tables = dict[str, pd.DataFrame]


def kept(name: str, module: Path, known: pd.DataFrame, make: Callable[[], Tables]) -> Tables:
    """What ``make`` gives, from the file of an earlier run if it had the same to go on.

    Args:
        name: of the peer, and part of the file's name.
        module: source file that the peer is written in.
        known: all that it may see.
        make: forecasts, as tables weeks × series by name.
    """
    digest = hashlib.sha256(module.read_bytes())
    digest.update(repr([_version(package) for package in PACKAGES]).encode())
    digest.update("\x00".join(known.columns).encode())
    digest.update(known.index.to_numpy().astype("int64").tobytes() + known.to_numpy().tobytes())
    file = FOLDER / f"{name}-{known.index[-1].date()}-{digest.hexdigest()[:12]}.parquet"
    if file.exists():
        stored = pd.read_parquet(file)
        return {str(model): _table(part) for model, part in stored.groupby("model", sort=False)}
    made = make()
    parts = [t.rename_axis(index="ds", columns="id").stack().rename("y").reset_index() for t in made.values()]
    frame = pd.concat(
        [part.assign(model=model) for model, part in zip(made, parts, strict=True)], ignore_index=True
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(file)
    return {str(model): _table(part) for model, part in frame.groupby("model", sort=False)}


def _table(part: pd.DataFrame) -> pd.DataFrame:
    return part.pivot(index="ds", columns="id", values="y")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
