"""The dashboard under Voila alone, without this project's server: a kernel for each page from the start."""

import re

import pytest
from playwright.sync_api import Page, expect

from llmplan.catalog import notebooks_dir
from tools.browser import ready, serving_plainly

pytestmark = pytest.mark.browser


def test_the_dashboard_lives_under_plain_voila(page: Page) -> None:
    with serving_plainly(notebooks_dir() / "dashboard.ipynb") as url:
        page.goto(f"{url}/?queries_per_day=61000")
        ready(page)
        volume = page.get_by_role("textbox", name="Volume", exact=True)
        expect(volume).to_have_value("61,000")
        volume.fill("70000")
        volume.press("Enter")
        page.wait_for_url(re.compile("queries_per_day=70000"))
        expect(page.locator("main")).to_contain_text("70,000 queries/day")
        assert page.locator(".lp-error:visible").all_text_contents() == []
        page.goto("about:blank")
