"""The two providers that the tests compare."""

import datetime as dt

import numpy as np
import pandas as pd

from steadycast import twins
from steadycast.settings import Settings

AS_OF = dt.date(2016, 6, 6)


def settings(twin="b", tolerance=None, entities=("m",), **changes):
    def source(name, variables, **more):
        return {
            "name": name,
            "kind": "local_file",
            "path": f"{name}.csv",
            "variables": [{"name": v, "unit": "degF", "weekly": "mean"} for v in variables],
            "entities": list(entities),
            "layout": {"entity_field": "e"},
            **more,
        }

    return Settings.model_validate(
        {
            "title": "t",
            "schedule": {"first_week": "2016-06-06"},
            "target": {"source": "rides", "variable": "rides", "unit": "rides per week"},
            "sources": [
                source("rides", ["rides"], role="fundamental"),
                source("a", ["warm", "wet"], twin=twin, twin_tolerance=tolerance or {}, **changes),
                source("b", ["warm", "wind"]),
            ],
        }
    )


WANTED = settings(tolerance={"warm": 3.0})


def days(count, value=20.0, entity="m", variable="warm"):
    dates = pd.date_range(end="2016-06-05", periods=count, unit="us")
    values = np.broadcast_to(np.asarray(value, dtype="float64"), count).copy()
    frame = pd.DataFrame({"entity": entity, "date": dates, "variable": variable, "value": values})
    return frame.astype({"entity": "str", "variable": "str"})


def compare(first, second, wanted=WANTED):
    pair = twins.build(first, second, wanted.source("a"), wanted.source("b"), AS_OF)
    return twins.measure(pair, twins.learn(pair, np.zeros(pair.x.shape, dtype=bool)))


def window(found, weeks, entity="m"):
    return found[(found["window_weeks"] == weeks) & (found["entity"] == entity)].iloc[0]
