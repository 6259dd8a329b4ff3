"""The published folder: whole, readable by a browser from any web server, and never in place of something else."""

import functools
import json
import re
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import apart, choose, demo_notebook, ready
from playwright.sync_api import Page, expect

from llmplan.app.server.publish import Published, publish
from llmplan.errors import InputError

pytestmark = pytest.mark.browser


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_words: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("publish")
    notebook = demo_notebook(folder)
    return apart(lambda: publish(notebook, folder / "site", live="https://live.example/plan"))


@pytest.fixture(scope="module")
def site(published: Published) -> Iterator[str]:
    """Return the address of a plain web server of that folder."""
    handler = functools.partial(Quiet, directory=str(published.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_every_preset_and_page_is_there(published: Published) -> None:
    assert [(name, page) for name, page, _ in published.pages] == [("chat", "chat.html"), ("rag", "rag.html")]
    assert all("a day" in answer for _, _, answer in published.pages)
    config = json.loads(
        (published.folder / "chat.html").read_text().split('id="lp-config">')[1].split("</script>")[0]
    )
    assert set(config["files"]) == {
        "preset=chat",
        "page=two&preset=chat",
        "preset=rag",
        "page=two&preset=rag",
    }
    for name in config["files"].values():
        assert (published.folder / name).is_file() and (published.folder / f"{name}.tables").is_file()
    index = (published.folder / "index.html").read_text()
    assert "50,000 a day" in index and re.findall(r'https?://[^"\s]+', index) == ["https://live.example/plan"]


def test_it_is_read_without_python_and_leads_to_the_live_one(page: Page, site: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    page.goto(f"{site}/chat.html")
    ready(page)
    page.get_by_role("button", name="Two").click()
    expect(page.get_by_role("button", name="Two")).to_have_attribute("aria-current", "page")
    choose(page, "Data table", 1)
    expect(page.get_by_role("region", name="Data table: Map")).to_contain_text("=own")
    page.get_by_role("slider", name="Queries a day, slider").focus()
    page.keyboard.press("ArrowRight")
    banner = page.locator("#lp-banner")
    expect(banner).to_contain_text("published copy")
    expect(banner.get_by_role("link")).to_have_attribute("href", re.compile("^https://live.example/plan"))
    assert all(line.startswith(f"GET {site}/") for line in asked)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="holds something else"):
        publish(tmp_path / "no.ipynb", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
