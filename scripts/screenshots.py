"""Renews the README's pictures from the running demo: ``python scripts/screenshots.py``, after ``make run``.

``docs/images/run-grid.png`` is the newest week's run as the web UI shows it, taken with the system's
Chromium; ``docs/images/forecast.png`` is the picture that was published with the forecast.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
WAIT_MS = 60_000
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """Path of the system's Chromium, None if there is none."""
    return os.environ.get("STEADYCAST_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)


@contextmanager
def browser_page(program: str) -> Iterator[Page]:
    """A page of a headless browser that ends with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(WAIT_MS)
            yield page
        finally:
            browser.close()


def log_in(page: Page, url: str, user: str, password: str) -> None:
    """Log in as a person does, through the form."""
    page.goto(url)
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.get_by_role("link", name="Dags", exact=True).first.wait_for()


def open_run(page: Page, url: str, dag: str, run_id: str) -> dict[str, set[str]]:
    """Open a run's page with its grid; returns the states that it shows, by task."""
    page.goto(f"{url}/dags/{dag}/runs/{quote(run_id, safe='')}")
    page.locator(f'[data-testid="grid-{run_id}-publish"]').wait_for()
    rows = page.locator("tbody tr").filter(has=page.get_by_test_id("table-cell-state"))
    rows.first.wait_for()
    states: dict[str, set[str]] = {}
    for row in rows.all():
        task = row.get_by_test_id("table-cell-task_display_name").inner_text().strip()
        states.setdefault(task, set()).add(row.get_by_test_id("table-cell-state").inner_text().strip())
    return states


def save(page: Page, file: Path) -> None:
    """Take the picture once everything has stopped moving."""
    page.wait_for_load_state("networkidle")
    page.mouse.move(0, 0)
    page.wait_for_timeout(1000)
    file.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(file), animations="disabled")


def main() -> int:
    """Take all pictures; returns the exit code."""
    from steadycast_local.options import Options
    from steadycast_local.stack import Stack

    program = chromium()
    if program is None:
        print("There is no Chromium on PATH. Next: install it, or name it in STEADYCAST_CHROMIUM")
        return 1
    stack = Stack(Options.from_environment())
    if not stack.is_running():
        print("Nothing is running. Next: `make run` in another terminal; come back when a week is published")
        return 1
    runs = [run for run in stack.api.runs("weekly_forecast") if run.state == "success"]
    latest = stack.options.lake / "published" / "latest"
    if not runs or not latest.exists():
        print("No week is published yet. Next: wait until `make run` says so")
        return 1
    newest = json.loads((latest / "manifest.json").read_text(encoding="utf-8"))["as_of"]
    run = next((run for run in reversed(runs) if run.week == newest), runs[-1])
    user, password = "admin", stack.credentials.password
    with browser_page(program) as page:
        log_in(page, stack.options.url, user, password)
        open_run(page, stack.options.url, run.dag, run.id)
        save(page, IMAGES / "run-grid.png")
    shutil.copyfile(latest / "forecast.png", IMAGES / "forecast.png")
    print(f"{IMAGES.relative_to(ROOT)}/run-grid.png and forecast.png show the week {newest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
