"""What a stored model was made from, and the name that follows from it."""

from __future__ import annotations

import hashlib
import json
from importlib import resources

import lightgbm as lgb
import numpy as np

from steadycast.features import History
from steadycast.settings import Settings

CODE = ("steadycast.features", "steadycast.models")
MODULES = ("intervals.py", "train.py", "infer.py")


def data_sha256(history: History) -> str:
    """Fingerprint of all that is known; values of later weeks have no part in it."""
    digest = hashlib.sha256()
    digest.update(np.ascontiguousarray(history.weeks.astype("int64")).tobytes())
    digest.update("\x00".join(history.entities).encode())
    digest.update(np.ascontiguousarray(history.target).tobytes())
    for name, values in (*sorted(history.drivers.items()), *sorted(history.ahead.items())):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def settings_sha256(settings: Settings) -> str:
    """Fingerprint of the settings that a forecast depends on."""
    parts = settings.model_dump(mode="json", include={"target", "forecast", "benchmarks"})
    # Threads change how fast, not what
    parts["forecast"]["model"].pop("threads")
    # Who else is tried does not change what this model makes
    for beside in ("challengers", "promotion"):
        parts["forecast"].pop(beside)
    # Nor do names of groups, which only the explanation uses
    parts["forecast"].pop("groups")
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def code_sha256() -> str:
    """Fingerprint of the code that makes a forecast, and of LightGBM's version."""
    digest = hashlib.sha256(lgb.__version__.encode())
    files = [
        file for package in CODE for file in resources.files(package).iterdir() if file.name.endswith(".py")
    ]
    files += [resources.files("steadycast") / name for name in MODULES]
    for file in sorted(files, key=lambda f: f.name):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def model_id(*fingerprints: str) -> str:
    """A short name for a model, the same whenever it is made from the same things."""
    return hashlib.sha256("".join(fingerprints).encode()).hexdigest()[:12]
