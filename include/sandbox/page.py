"""The page at /: what is served, which faults are set, and lines to copy."""

from __future__ import annotations

import json
from html import escape
from typing import Any, Final

from sandbox.faults import OPTIONS

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
body{color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #d5dae0}
pre{background:#f3f5f7;padding:.8rem;overflow-x:auto;border-radius:4px}.fault{color:#9a1b1b;font-weight:600}
.scroll{overflow-x:auto}
"""


def page(address: str, sources: dict[str, dict[str, Any]], faults: dict[str, dict[str, Any]]) -> str:
    """The page's HTML.

    Args:
        address: base address of the sandbox as the reader's browser knows it.
        sources: route, rows, first and last date by source.
        faults: the faults set, by source.
    """
    rows = "".join(_source_row(name, facts, faults.get(name)) for name, facts in sources.items())
    kinds = "".join(
        f"<tr><td><code>{kind}</code></td><td>{', '.join(options) or '–'}</td></tr>"
        for kind, options in OPTIONS.items()
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Steadycast sandbox</title><style>{_STYLE}</style></head><body>
<h1>Sandbox: the demo's data providers</h1>
<p>Real recorded data. With <code>as_of=2016-06-06</code> a provider answers as it would have on that day.</p>
<div class="scroll"><table>
<thead><tr><th>Source</th><th>Route</th><th>Rows</th><th>Dates</th><th>Fault</th></tr></thead>
<tbody>{rows}</tbody></table></div>
<h2>Ask</h2><pre>{escape(_asking(address))}</pre>
<h2>Break and mend</h2><pre>{escape(_breaking(address))}</pre>
<h2>Kinds of faults and their options</h2>
<p>All have <code>first</code>, <code>count</code> (requests), <code>from</code>, <code>to</code> (as_of) and
<code>seed</code>.</p>
<div class="scroll"><table>
<thead><tr><th>Kind</th><th>Options</th></tr></thead><tbody>{kinds}</tbody></table></div>
</body></html>
"""


def _source_row(name: str, facts: dict[str, Any], fault: dict[str, Any] | None) -> str:
    state = f'<span class="fault">{escape(json.dumps(fault))}</span>' if fault else "none"
    return (
        f"<tr><td>{escape(name)}</td><td><code>{facts['route']}</code></td><td>{facts['rows']}</td>"
        f"<td>{facts['first']} to {facts['last']}</td><td>{state}</td></tr>"
    )


def _asking(address: str) -> str:
    window = "as_of=2016-06-06&start=2016-05-30&end=2016-06-06"
    day = "realtime_start=2016-06-06&realtime_end=2016-06-06"
    return f"""curl '{address}/ridership/daily?{window}&page=1&per_page=40'
curl '{address}/weather_a/daily?{window}'
curl '{address}/weather_b/daily.csv?{window}'
curl '{address}/fuel/weekly.csv?as_of=2016-06-06&start=2016-05-01'
curl '{address}/fred/series/observations?series_id=UNRATE&api_key={"a" * 32}&file_type=json&{day}'"""


def _breaking(address: str) -> str:
    return f"""curl -X PUT '{address}/admin/faults/weather_a' -d '{{"kind": "html", "count": 2}}'
curl -X PUT '{address}/admin/faults/weather_a' -d '{{"kind": "rewritten", "from": "2016-07-04"}}'
curl '{address}/admin/faults'
curl -X DELETE '{address}/admin/faults'
python -m sandbox fault ridership typing_error --option share=0.02 --url {address}
python -m sandbox faults --url {address}
python -m sandbox clear --url {address}"""
