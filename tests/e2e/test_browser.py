"""The web UI as a person sees it, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import WEEKLY, Pipeline

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2400)]

STAGES = ("watch", "ingest", "validate", "compare_sources", "quarantine", "impute", "train", "infer",
          "check_forecast", "publish")  # fmt: skip


@pytest.fixture(scope="module")
def page(pipeline: Pipeline) -> Iterator[Any]:
    import screenshots

    program = screenshots.chromium()
    if program is None:
        pytest.skip("no Chromium on this machine; STEADYCAST_CHROMIUM names one that is not on PATH")
    with screenshots.browser_page(program) as page:
        screenshots.log_in(page, pipeline.stack.options.url, *pipeline.login)
        yield page


def test_the_grid_shows_every_stage_as_a_success(pipeline: Pipeline, page, first_run, tmp_path: Path) -> None:
    import screenshots

    states = screenshots.open_run(page, pipeline.stack.options.url, WEEKLY, first_run.id)
    assert states == {stage: {"Success"} for stage in STAGES}
    for stage in STAGES:
        assert page.locator(f'[data-testid="grid-{first_run.id}-{stage}"]').is_visible()
    screenshots.save(page, tmp_path / "grid.png")
    assert (tmp_path / "grid.png").stat().st_size > 20_000


def test_a_gates_task_has_a_button_and_a_tab_that_lead_to_its_data_docs(
    pipeline: Pipeline, page, first_run
) -> None:
    from urllib.parse import quote

    url = pipeline.stack.options.url
    task = f"{url}/dags/{WEEKLY}/runs/{quote(first_run.id, safe='')}/tasks/validate/mapped/0"
    page.goto(f"{task}/details")
    button = page.get_by_role("link", name="Data Docs").and_(page.locator('[href*="/steadycast/docs/"]'))
    assert button.get_attribute("href") == f"{url}/steadycast/docs/{first_run.week}/ridership/index.html"
    page.get_by_role("link", name="Data Docs").and_(page.locator('[href*="/plugin/"]')).click()
    frame = page.frame_locator("iframe")
    frame.get_by_text("ridership").first.wait_for()
    frame.get_by_role("link", name="Data Docs").click()
    frame.get_by_text("Data Docs").first.wait_for()


def test_the_forecast_has_its_page_in_the_ui(pipeline: Pipeline, page, first_run) -> None:
    page.goto(f"{pipeline.stack.options.url}/plugin/forecast")
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="forecast of").wait_for()
    frame.locator("select").select_option("Clark_Lake")
    frame.get_by_role("button", name="Show").click()
    frame.get_by_role("heading", name="Clark_Lake").wait_for()
    drawn = frame.locator("img.plot")
    drawn.wait_for()
    assert drawn.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
