"""Looks at the pipeline from outside Airflow, so that a dead or wedged Airflow is noticed and mended.

It imports no Airflow and needs none to be alive: what it sees comes from the health endpoint, the process
manager and the lake. ``core`` decides from what was seen, without a clock and without any input or output;
everything else sees or acts.
"""
