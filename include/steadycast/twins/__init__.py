"""Two providers of the same thing: how far apart they normally are, who is off when, and who is believed."""

from steadycast.twins import impact, spans, telling
from steadycast.twins.arbitration import Arbitration, arbitrate, mark, nothing, of_week
from steadycast.twins.judging import Case, Witness, first_values
from steadycast.twins.measuring import AGREE, DISAGREE, ROWS, UNDECIDED, empty, measure
from steadycast.twins.normal import Normal, learn
from steadycast.twins.pair import Pair, build, shared_variables, wide
from steadycast.twins.spans import Span

__all__ = [
    "AGREE",
    "DISAGREE",
    "ROWS",
    "UNDECIDED",
    "Arbitration",
    "Case",
    "Normal",
    "Pair",
    "Span",
    "Witness",
    "arbitrate",
    "build",
    "empty",
    "first_values",
    "impact",
    "learn",
    "mark",
    "measure",
    "nothing",
    "of_week",
    "shared_variables",
    "spans",
    "telling",
    "wide",
]
