"""``python -m steadycast.settings PIPELINE_YAML`` checks the file and renews the editors' schema."""

from __future__ import annotations

import sys
from pathlib import Path

from steadycast.errors import SettingsError
from steadycast.settings.loading import load, schema_json


def main(arguments: list[str]) -> int:
    """Write the schema, then check the file; 0 if it has no mistake, 1 if it has, 2 for a wrong call."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m steadycast.settings include/config/pipeline.yaml\n")
        return 2
    file = Path(arguments[0])
    file.with_suffix(".schema.json").write_text(schema_json(), encoding="utf-8")
    try:
        load(file)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
