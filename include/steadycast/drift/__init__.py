"""Is the world still the one that the model was trained on?

Live errors against what is expected for the season and the horizon, the level behind the forecasts, and the
inputs; all against the same season, and with few weeks in mind.
"""

from steadycast.drift.breaks import Break
from steadycast.drift.expected import Band
from steadycast.drift.inputs import Drifted
from steadycast.drift.week import Drift, assess, findings_of, shorter_memory, with_trial, write

__all__ = [
    "Band",
    "Break",
    "Drift",
    "Drifted",
    "assess",
    "findings_of",
    "shorter_memory",
    "with_trial",
    "write",
]
