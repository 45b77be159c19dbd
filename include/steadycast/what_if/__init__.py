"""What if a driver had been otherwise? The same model, the same week, other inputs; nothing is stored.

``python -m steadycast.what_if --lake URL --settings FILE --week 2016-06-06 --by weather.tmax_f=10``
"""

from steadycast.what_if.asking import WhatIf, of_week, what_if
from steadycast.what_if.moves import Move
from steadycast.what_if.telling import table

__all__ = ["Move", "WhatIf", "of_week", "table", "what_if"]
