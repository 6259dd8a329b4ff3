"""Take the guide's pictures: `python -m tools.screenshots [FOLDER]` opens every page at three widths.

The pages that docs/guide.md and the README show go to docs/images; with a FOLDER all pages at all widths go there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from llmplan.app.dashboard import PAGES
from llmplan.catalog import notebooks_dir
from tools.browser import browser_path, serving

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
WIDTHS = (360, 800, 1440)
HEIGHT = 1080
TALL = 5000
SETTLE_MS = 4000


def take(browser: Browser, url: str, name: str, width: int, target: Path, whole: bool) -> None:
    """Open a page at a width and save what it shows; `whole` saves all of it, not the first screen.

    The window is tall at first: charts are drawn when they come near the screen.
    """
    page = browser.new_page(viewport={"width": width, "height": TALL})
    page.goto(f"{url}/?page={name}")
    page.wait_for_function("() => !document.documentElement.classList.contains('lp-waiting')")
    page.wait_for_timeout(SETTLE_MS)
    height = int(page.evaluate("document.querySelector('.lp-layout, .lp-content').scrollHeight")) + 120
    page.set_viewport_size({"width": width, "height": height if whole else HEIGHT})
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=target, full_page=whole)
    page.close()


def main(folder: str | None = None) -> None:
    """Take the pictures of the guide, or of all pages at all widths into a folder."""
    target = Path(folder) if folder else IMAGES
    target.mkdir(parents=True, exist_ok=True)
    with serving(notebooks_dir() / "dashboard.ipynb") as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        for name in PAGES:
            for width in WIDTHS if folder else (1440,):
                take(browser, url, name, width, target / f"{name}-{width}.png", whole=folder is not None)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:2])
