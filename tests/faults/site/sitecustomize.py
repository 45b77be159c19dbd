"""Python imports this at its start: it puts planned faults before the ``run`` of each stage.

It is on the path of the fault stack only; nothing of the product is changed. A hook of the import is used,
since a stage can be called in a task's process as well as in one that the task has spawned.
"""

from __future__ import annotations

import functools
import importlib.machinery
import os
import sys

STAGES = {
    f"steadycast.{stage}"
    for stage in (
        "ingest", "validate", "compare_sources", "impute", "train", "infer", "check_forecast", "publish",
    )
}  # fmt: skip


def _key(stage, arguments, named):
    """Week and stage, with the source for the stages that run once per source."""
    source = getattr(arguments[1], "name", None) if stage in ("ingest", "validate") else None
    return ".".join(filter(None, (str(named["as_of"]), stage, source)))


def _with_faults(module):
    from steadycast.progress import silent
    from tests.faults.strike import strike

    stage, real = module.__name__.rpartition(".")[2], module.run

    @functools.wraps(real)
    def run(*arguments, **named):
        strike(_key(stage, arguments, named), named.get("progress", silent))
        return real(*arguments, **named)

    module.run = run


class _Finder:
    @staticmethod
    def find_spec(name, path, target=None):
        if name not in STAGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            _with_faults(module)

        spec.loader.exec_module = exec_module
        return spec


if os.environ.get("STEADYCAST_FAULTS"):
    sys.meta_path.insert(0, _Finder)
