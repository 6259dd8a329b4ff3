"""The dashboard page in a real browser: drag, type, save, share, break things."""

import re
import urllib.request
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import choose, ready
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser
VOLUME = "Queries a day"


def volume_slider(page: Page):
    return page.get_by_role("slider", name=f"{VOLUME}, slider")


def paths(page: Page) -> list[str]:
    """Return the curve's lines and bands as drawn."""
    script = """[...document.querySelector('.lp-plot .scatterlayer').querySelectorAll('.js-line, .js-fill')]
        .map(n => n.getAttribute('d'))"""
    return list(page.evaluate(script))


def test_every_line_is_drawn_and_no_other_host_is_asked(page: Page, demo_url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(demo_url)
    ready(page)
    page.wait_for_function("() => document.querySelectorAll('.lp-plot .main-svg').length >= 2")
    assert len(paths(page)) == 5
    assert all(path.count("L") + path.count("H") >= 1 for path in paths(page))
    assert page.locator(".lp-plot .hm image").count() == 1
    outside = [url for url in asked if not url.startswith((demo_url, "data:", "blob:"))]
    assert outside == []
    assert len(asked) < 12


def test_a_slider_moves_the_answer_the_chart_and_the_address(page: Page, demo_url: str) -> None:
    page.goto(demo_url)
    ready(page)
    before = paths(page)
    volume_slider(page).focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".lp-answer")).not_to_contain_text("50,000")
    page.get_by_role("slider", name="Cached share, slider").fill("900")
    moved = "before => document.querySelector('.lp-plot .js-line').getAttribute('d') !== before"
    page.wait_for_function(moved, arg=before[1])
    page.wait_for_function("() => /queries_per_day=(?!50000)/.test(location.search)")


def test_the_quick_repaint_agrees_with_plotly(page: Page, demo_url: str) -> None:
    page.goto(demo_url)
    ready(page)
    boxes = """() => [...document.querySelector('.lp-plot')
        .querySelectorAll('.scatterlayer .js-line, .js-fill, .shapelayer path, path.point, path.yerror')]
        .map(n => { const b = n.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })"""
    plot = page.locator(".lp-plot").first
    count = int(plot.get_attribute("data-paints") or 0)
    page.get_by_role("slider", name="Cached share, slider").fill("700")
    page.wait_for_function("n => +document.querySelector('.lp-plot').dataset.paints > n", arg=count)
    quick = page.evaluate(boxes)
    assert plot.get_attribute("data-settles") is None
    plot.hover()
    page.wait_for_function("() => +document.querySelector('.lp-plot').dataset.settles > 0")
    settled = page.evaluate(boxes)
    assert len(quick) == len(settled) == 6 + 3 + 3
    for one, other in zip(quick, settled, strict=True):
        assert one == pytest.approx(other, abs=1.5)


def turned_to(page: Page, name: str) -> None:
    expect(page.get_by_role("button", name=name)).to_have_attribute("aria-current", "page")


def test_a_quick_walk_ends_where_it_was_last_asked_to(page: Page, demo_url: str) -> None:
    held: list[Route] = []
    late = re.compile("/snapshot.*page=two")
    page.route(late, lambda route: held.append(route))
    page.goto(demo_url)
    ready(page)

    def release() -> None:
        with page.expect_response(late):
            held.pop().continue_()
        page.wait_for_timeout(300)

    page.get_by_role("button", name="Two").click()
    page.get_by_role("button", name="One").click()
    release()
    turned_to(page, "One")
    page.get_by_role("button", name="Two").click()
    volume_slider(page).focus()
    page.keyboard.press("ArrowRight")  # has a session started, which turns the page too
    expect(page.locator(".lp-answer")).not_to_contain_text("50,000")
    turned_to(page, "Two")
    moved = page.locator(".lp-answer").inner_text()
    release()
    expect(page.locator(".lp-answer")).to_have_text(moved)


def test_a_page_that_could_not_be_prepared_is_opened_by_a_session(page: Page, demo_url: str) -> None:
    page.route(re.compile("/snapshot.*page=two"), lambda route: route.fulfill(status=503))
    page.goto(demo_url)
    ready(page)
    page.get_by_role("button", name="Two").click()
    turned_to(page, "Two")
    page.problems.clear()  # type: ignore[attr-defined]


def test_values_are_typed_with_suffixes_and_refused_with_words(page: Page, demo_url: str) -> None:
    page.goto(demo_url)
    ready(page)
    box = page.get_by_role("textbox", name=VOLUME)
    box.fill("1.2M")
    box.press("Enter")
    expect(page.locator(".lp-answer")).to_contain_text("1,200,000")
    box.fill("minus two")
    box.press("Tab")
    expect(box).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".lp-help", has_text="Type a number from 100")).to_be_visible()
    expect(page.locator(".lp-answer")).to_contain_text("1,200,000")


def test_a_link_opens_with_its_scenario_and_a_bad_one_with_words(page: Page, demo_url: str) -> None:
    page.goto(f"{demo_url}/?queries_per_day=250000")
    ready(page)
    expect(page.locator(".lp-answer")).to_contain_text("250,000")
    expect(page.get_by_role("textbox", name=VOLUME)).to_have_value("250,000")
    page.get_by_role("button", name="Copy link").click()
    assert "queries_per_day=250000" in page.evaluate("navigator.clipboard.readText()")
    page.goto(f"{demo_url}/?queries_per_day=%3Cscript%3E")
    ready(page)
    expect(page.locator(".lp-answer")).to_contain_text("50,000")
    expect(page.locator(".lp-view-url .lp-error")).to_be_visible()


def test_files_are_saved_in_the_browser(page: Page, demo_url: str, tmp_path: Path) -> None:
    page.goto(demo_url)
    ready(page)

    def saved(name: str) -> bytes:
        with page.expect_download() as waiting:
            page.get_by_role("button", name=name, exact=True).click() if name == "Save CSV" else choose(
                page, name
            )
        target = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(target)
        return target.read_bytes()

    assert saved("Save CSV") == b"a,b\n1,2\n"
    assert saved("PNG").startswith(b"\x89PNG")
    assert b"<svg" in saved("SVG")
    lines = saved("CSV").decode().splitlines()
    assert lines[0] == "series,Queries a day,USD a month" and len(lines) == 4 * 120 + 3 + 1
    page.locator("input[type=file]").set_input_files(
        {"name": "a.toml", "mimeType": "text/plain", "buffer": b"x = 1"}
    )
    expect(page.get_by_text("5 bytes read")).to_be_visible()


def test_the_data_table_stands_behind_the_chart(page: Page, demo_url: str) -> None:
    page.goto(demo_url)
    ready(page)
    toggle = choose(page, "Data table")
    expect(toggle).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("region", name="Data table: The API is cheaper")).to_be_visible()
    expect(page.locator(".lp-data tbody tr")).to_have_count(300)
    choose(page, "Data table", 1)
    expect(page.get_by_role("region", name="Data table: Map")).to_contain_text("=own")
    with page.expect_download() as waiting:
        choose(page, "CSV", 1)
    assert Path(waiting.value.path()).read_text() == "size,cheapest\n1,API\n2,'=own\n"
    expect(page.get_by_role("img", name="Two lines")).to_be_visible()


def test_a_failing_part_says_so_in_place(page: Page, demo_url: str) -> None:
    page.goto(demo_url)
    ready(page)
    page.get_by_role("button", name="Break the chart").click()
    chart = page.locator(".lp-view-chart").first
    expect(chart.get_by_role("alert")).to_contain_text("could not be computed")
    expect(page.locator(".lp-plot").first).to_be_hidden()
    volume_slider(page).focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".lp-answer")).not_to_contain_text("50,000")
    assert "/secret" not in page.content() and "Traceback" not in page.content()


def test_slow_work_shows_that_it_is_under_way(page: Page, demo_url: str) -> None:
    page.goto(demo_url)
    ready(page)
    page.get_by_role("button", name="Be slow").click()
    expect(page.get_by_role("status").filter(has_text="Calculating")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Calculating")).to_be_hidden(timeout=5000)


def touch(page: Page) -> str:
    """Move a slider, which starts a session; return the session's key."""
    with page.expect_response(lambda got: got.request.method == "POST") as started:
        volume_slider(page).focus()
        page.keyboard.press("ArrowRight")
    expect(page.locator(".lp-answer")).not_to_contain_text("50,000")
    return str(started.value.json()["id"])


def test_reading_needs_no_session_and_touching_keeps_what_was_touched(page: Page, demo_url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    page.on("websocket", lambda _socket: asked.append("websocket"))
    page.goto(demo_url)
    ready(page)
    page.get_by_role("button", name="Two").click()
    expect(page.get_by_role("button", name="Two")).to_have_attribute("aria-current", "page")
    choose(page, "Data table", 1)
    expect(page.get_by_role("region", name="Data table: Map")).to_contain_text("=own")
    assert set(asked) == {"GET"}
    slider = volume_slider(page)
    slider.focus()
    mark = "document.querySelector('.lp-plot .main-svg').dataset.mark = 'the same drawing'"
    page.evaluate(mark)
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".lp-answer")).not_to_contain_text("50,000")
    assert asked.count("POST") == 1 and "websocket" in asked
    assert page.evaluate("document.activeElement.dataset.key") == "queries_per_day"
    assert page.locator("[data-mark]").count() == 1, "the chart was redrawn in place"


def test_an_ended_session_is_said_and_starts_again_with_the_scenario(page: Page, demo_url: str) -> None:
    page.goto(f"{demo_url}/?queries_per_day=123000")
    ready(page)
    key = touch(page)
    expect(page.locator(".lp-answer")).not_to_contain_text("123,000")
    said = page.locator(".lp-answer").text_content() or ""
    urllib.request.urlopen(
        urllib.request.Request(f"{demo_url}/voila/api/shutdown/{key}", method="POST")
    ).close()
    banner = page.locator("#lp-banner")
    expect(banner).to_contain_text("starts again with your scenario", timeout=3_000)
    expect(banner).to_have_count(0, timeout=15_000)
    expect(page.locator(".lp-answer")).to_have_text(said)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".lp-answer")).not_to_have_text(said)


WATCHED = """const W = WebSocket;
window.WebSocket = class extends W { constructor(...a) { super(...a); window.lastSocket = this; } };"""


def test_a_dropped_connection_heals(page: Page, demo_url: str) -> None:
    page.add_init_script(WATCHED)
    page.goto(demo_url)
    ready(page)
    touch(page)
    said = page.locator(".lp-answer").text_content() or ""
    page.evaluate("window.lastSocket.close()")
    page.wait_for_function("() => window.lastSocket.readyState === WebSocket.OPEN", timeout=8000)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".lp-answer")).not_to_have_text(said)
    expect(page.locator("#lp-banner")).to_have_count(0)


def test_what_a_dropped_connection_took_along_is_sent_again(page: Page, demo_url: str) -> None:
    page.add_init_script(WATCHED)
    page.goto(demo_url)
    ready(page)
    touch(page)
    box = page.get_by_role("textbox", name=VOLUME)
    box.fill("70000")
    page.evaluate("window.lastSocket.close()")
    box.press("Enter")
    expect(page.locator(".lp-answer")).to_contain_text("70,000", timeout=15_000)
    box.fill("80000")
    box.press("Enter")
    expect(page.locator(".lp-answer")).to_contain_text("80,000")


FOCUSED = """() => {
    const node = document.activeElement;
    return (node.getAttribute('aria-label') || node.labels?.[0]?.textContent || node.textContent || '').trim();
}"""


def test_keyboard_alone_reaches_every_control(page: Page, demo_url: str) -> None:
    page.goto(demo_url)
    ready(page)
    reached: set[str] = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(FOCUSED))
    wanted = {
        "Skip to the content",
        "One",
        VOLUME,
        f"{VOLUME}, slider",
        "Preset",
        "Save CSV",
        "File",
        "Copy link",
    }
    assert wanted - reached == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_accessibility_and_fit(page: Page, demo_url: str, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(demo_url)
    ready(page)
    choose(page, "Data table")
    result = Axe().run(page)
    found = result.response["violations"]
    assert found == [], [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in found]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), (
        "the page scrolls sideways"
    )
    assert page.evaluate("document.documentElement.dataset.lpTheme") == scheme
