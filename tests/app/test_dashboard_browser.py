"""The executive dashboard in a real browser: every page, drawn lines, answers that move, links."""

import random
import re
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import choose, ready
from playwright.sync_api import Locator, Page, Route, expect
from pptx import Presentation

from llmplan.app.dashboard import PAGES
from llmplan.app.model import AppModel
from llmplan.recommend import recommend
from llmplan.wording import without_hardware

pytestmark = pytest.mark.browser
QUICK_PAGES = {
    "decision": (r"month", 2),
    "cost_curves": (r"present volume", 2),
    "hardware": (r"fits|cannot run", 5),
    "routing": (r"Sending", 2),
    "article": (r"claims", 3),
    "sources": (r"rows", 0),
}
"""Page: text that it must show, and how many charts."""
WORDS = {name: words for name, (words, _) in QUICK_PAGES.items()} | {
    "risk": r"10,000 cases, each",
    "growth": r"What each option costs over the plan",
    "traffic": r"traffic",
}
DRAWN = """() => [...document.querySelectorAll('.lp-plot')].map(p =>
    p.querySelectorAll('.js-line, .js-fill, .point path, path.point, .hm image, .sankey-link').length)"""


def open_page(page: Page, url: str, query: str = "") -> None:
    page.goto(f"{url}/{query}")
    page.wait_for_function("() => !document.documentElement.classList.contains('lp-waiting')")


def scroll_through(page: Page) -> None:
    """Scroll down so that every chart is drawn."""
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    for top in range(0, height, 600):
        page.evaluate(f"scrollTo(0, {top})")
        page.wait_for_timeout(60)


def no_error(page: Page) -> None:
    shown = page.locator(".lp-error:visible").all_text_contents()
    assert shown == []
    assert "Traceback" not in page.content()


@pytest.mark.parametrize("name", QUICK_PAGES)
def test_a_page_opens_with_its_charts_drawn(page: Page, dashboard_url: str, name: str) -> None:
    text, count = QUICK_PAGES[name]
    open_page(page, dashboard_url, f"?page={name}")
    expect(page.locator("main")).to_contain_text(re.compile(text))
    page.wait_for_function("n => document.querySelectorAll('.lp-plot').length >= n", arg=count)
    scroll_through(page)
    page.wait_for_function(f"() => ({DRAWN})().every(n => n > 0)")
    assert len(page.evaluate(DRAWN)) >= count
    no_error(page)


def test_the_navigation_reaches_the_pages_and_the_scenario_travels(page: Page, dashboard_url: str) -> None:
    open_page(page, dashboard_url, "?queries_per_day=200000")
    ready(page)
    for name in ("cost_curves", "hardware", "routing", "decision"):
        page.get_by_role("button", name=PAGES[name][0], exact=True).click()
        expect(page.get_by_role("textbox", name="Volume", exact=True)).to_have_value("200,000")
        page.wait_for_function(f"() => ({DRAWN})().some(n => n > 0)")
        expect(page).to_have_title(f"{PAGES[name][0]} · llmplan")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{PAGES[name][0]} · llmplan")
        no_error(page)
    for name, go in (("routing", page.go_back), ("hardware", page.go_back), ("routing", page.go_forward)):
        go()
        expect(page).to_have_title(f"{PAGES[name][0]} · llmplan")
        expect(page.get_by_role("textbox", name="Volume", exact=True)).to_have_value("200,000")
    page.set_viewport_size({"width": 800, "height": 900})
    page.get_by_role("combobox", name="Page").select_option("decision")
    expect(page).to_have_title("Decision · llmplan")
    choose(page, "Add to slides")
    expect(page.locator("#lp-announcer")).to_have_text("1 chart added to the slides")
    page.locator(".lp-menu summary", has_text="Export").click()
    page.evaluate(
        "document.querySelectorAll('.lp-menu-list input').forEach((box) => { box.checked = false; })"
    )
    page.get_by_role("checkbox", name="Cost over volume").check()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Slides (PPTX)").click()
    titles = [slide.shapes.title.text for slide in Presentation(waiting.value.path()).slides]
    assert (
        len(titles) == 2 and "Self-hosting" in titles[0] and titles[1]
    )  # the chosen one, then the added chart


DRAG_AND_UNDO_TWICE = """(slider) => {
    slider.dispatchEvent(new PointerEvent("pointerdown"));
    for (const position of [400, 300, 200]) {
        slider.value = position;
        slider.dispatchEvent(new Event("input"));
    }
    for (const _ of [1, 2]) {
        slider.dispatchEvent(new KeyboardEvent("keydown", { key: "z", ctrlKey: true, bubbles: true }));
    }
}"""


NOTE_POSITIONS = """(slider) => {
    const { get, set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
    window.positions = [];
    Object.defineProperty(slider, "value", {
        get() { return get.call(this); },
        set(position) { window.positions.push(Number(position)); set.call(this, position); },
    });
}"""
"""Keep every position that the page gives a slider."""


def test_dragging_and_typing_change_the_answer_and_undo_brings_it_back(
    page: Page, dashboard_url: str
) -> None:
    open_page(page, dashboard_url)
    ready(page)
    answer = page.locator(".lp-answer").first
    before = answer.text_content() or ""
    slider = page.get_by_role("slider", name="Volume, slider")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(answer).not_to_have_text(before)
    line = "document.querySelector('.lp-plot .scatterlayer').innerHTML.length > 0"
    page.wait_for_function(f"() => {line}")
    box = page.get_by_role("textbox", name="Volume", exact=True)
    box.fill("2M")
    box.press("Enter")
    expect(page.locator("main")).to_contain_text("2,000,000 queries/day")
    page.keyboard.press("Control+z")
    expect(page.locator("main")).not_to_contain_text("2,000,000 queries/day")
    dragged_from = box.input_value()
    slider.drag_to(slider, target_position={"x": 20, "y": 8})
    expect(box).not_to_have_value(dragged_from)
    page.keyboard.press("Control+z")
    expect(box).to_have_value(dragged_from)
    # A drag and two steps back while the first answer is still under way: each counts as what it is.
    box.fill("3M")
    box.press("Enter")
    expect(page.locator("main")).to_contain_text("3,000,000 queries/day")
    slider.evaluate(DRAG_AND_UNDO_TWICE)
    expect(page.locator("main")).not_to_contain_text("3,000,000 queries/day")
    expect(box).to_have_value(dragged_from)
    expect(page.locator(".lp-ticks i")).not_to_have_count(0)  # the floor's ladder, once inputs rest
    page.get_by_role("button", name="Reset").click()
    expect(answer).to_have_text(before)


def test_a_key_shows_what_was_worked_out_ahead_while_its_answer_is_under_way(
    page: Page, dashboard_url: str
) -> None:
    heard: list[str | bytes] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: heard.append(data)))
    open_page(page, dashboard_url)
    ready(page)
    page.get_by_role("slider", name="Volume, slider").focus()
    page.keyboard.press("ArrowRight")
    limit = time.monotonic() + 60
    while not any(isinstance(each, bytes) and b'"parts":' in each for each in heard):
        assert time.monotonic() < limit, "nothing was worked out ahead"
        page.wait_for_timeout(50)
    page.wait_for_timeout(300)
    page.evaluate("WebSocket.prototype.send = () => {}")  # from now on no session answers
    address = page.url
    page.keyboard.press("ArrowRight")
    model = AppModel()
    volume = page.get_by_role("textbox", name="Volume", exact=True).input_value()
    model.change({"queries_per_day": float(volume.replace(",", ""))})
    best = model.report.comparison.best_usd
    chosen = page.locator(".lp-kpi", has=page.locator(".lp-badge-chosen")).locator(".lp-kpi-value span")
    expect(chosen).to_have_attribute("title", model.report.money.full(best))
    expect(page.locator(".lp-answer").first).to_have_text(f"{model.report.finding}.")
    assert page.url == address


def test_the_key_that_starts_a_session_does_not_move_the_slider_back(page: Page, dashboard_url: str) -> None:
    open_page(page, dashboard_url)
    ready(page)
    slider = page.get_by_role("slider", name="Volume, slider")
    before = float(slider.input_value())
    slider.evaluate(NOTE_POSITIONS)
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("main")).to_contain_text("Trying cases", timeout=60_000)  # the answer is there
    assert slider.input_value() == str(int(before) + 1)
    assert min([before + 1, *page.evaluate("window.positions")]) == before + 1


def test_any_path_of_inputs_ends_at_what_recommend_says(page: Page, dashboard_url: str) -> None:
    open_page(page, dashboard_url)
    ready(page)
    model, dice = AppModel(), random.Random(7)
    answer = page.locator(".lp-answer").first

    def typed(label: str, value: int) -> None:
        box = page.get_by_role("textbox", name=label, exact=True)
        box.fill(str(value))
        box.press("Enter")

    def follow(**changes: Any) -> None:
        model.change(changes)
        expect(answer).to_have_text(f"{model.report.finding}.", timeout=180_000)

    volume, floor = round(10 ** dice.uniform(3, 6.8)), dice.randint(60, 105)
    typed("Volume", volume)
    follow(queries_per_day=volume)
    typed("Quality floor", floor)
    follow(quality_floor=floor / 100)
    page.get_by_role("checkbox", name="Data must stay in house").check()
    follow(data_stays_in_house=True)
    advice = recommend(model.scenario, model.catalog, tipping=False)
    assert advice.option_id == model.answer["option_id"]
    assert without_hardware(advice.label or "") in model.report.finding


def test_an_answer_that_comes_while_a_number_is_edited_does_not_disturb_it(
    page: Page, dashboard_url: str
) -> None:
    open_page(page, dashboard_url)
    ready(page)
    answer = page.locator(".lp-answer").first
    before = answer.text_content() or ""
    box = page.get_by_role("textbox", name="Volume", exact=True)
    box.select_text()
    move = "range => { range.value = 900; range.dispatchEvent(new Event('input', { bubbles: true })); }"
    page.get_by_role("slider", name="Volume, slider").evaluate(move)
    expect(answer).not_to_have_text(before)
    page.keyboard.insert_text("2M")
    box.press("Enter")
    expect(page.locator("main")).to_contain_text("2,000,000 queries/day")
    expect(box).to_have_value("2,000,000")


def test_a_shared_link_opens_the_same_answer(page: Page, dashboard_url: str) -> None:
    open_page(page, dashboard_url, "?preset=rag")
    ready(page)
    box = page.get_by_role("textbox", name="Volume", exact=True)
    box.fill("75000")
    box.press("Enter")
    expect(page.locator("main")).to_contain_text("75,000 queries/day")
    page.wait_for_function("() => location.search.includes('queries_per_day=75000')")
    choose(page, "Copy link")
    link = page.evaluate("navigator.clipboard.readText()")
    said = page.locator(".lp-answer").first.text_content()
    page.goto(link)
    ready(page)
    expect(page.locator(".lp-answer").first).to_have_text(said or "")


def test_a_bad_link_says_what_was_ignored(page: Page, dashboard_url: str) -> None:
    open_page(page, dashboard_url, "?queries_per_day=60000&no_such_field=1&quality_floor=%3Cscript%3E")
    ready(page)
    expect(page.get_by_text("Ignored from the link")).to_be_visible()
    notice = page.locator(".lp-notice")
    expect(notice).to_contain_text("no_such_field")
    expect(page.get_by_role("textbox", name="Volume", exact=True)).to_have_value("60,000")
    expect(notice).to_contain_text("quality_floor")


def test_two_scenarios_are_compared(page: Page, dashboard_url: str) -> None:
    open_page(page, dashboard_url)
    ready(page)
    choose(page, "Compare two")
    box = page.get_by_role("textbox", name="Volume", exact=True)
    box.fill("500000")
    box.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("more than B a month"))).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("B, kept"))).to_contain_text("50,000")
    page.wait_for_function(
        "() => /compare=.*queries_per_day=500000|queries_per_day=500000.*compare=/.test(location.search)"
    )
    page.reload()  # its charts lie below the screen and wait until somebody scrolls
    expect(page.get_by_role("heading", name=re.compile("B, kept"))).to_contain_text("50,000", timeout=120_000)
    page.get_by_role("button", name="Stop comparing").click()
    expect(page.get_by_role("heading", name=re.compile("B, kept"))).to_have_count(0)


def test_what_would_flip_it_is_worked_out_while_the_reader_rests(page: Page, dashboard_url: str) -> None:
    asked: list[str] = []

    def refuse_the_second(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 2:
            route.fulfill(status=503)
        else:
            route.continue_()

    page.route("**/snapshot?*", refuse_the_second)
    open_page(page, dashboard_url, "?queries_per_day=61234")
    ready(page)
    card = page.locator(".lp-card", has=page.get_by_role("heading", name="What would flip it"))
    flip = card.get_by_role("listitem").filter(has_text=re.compile(" if |No single input"))
    expect(flip).not_to_have_count(0, timeout=300_000)
    assert len(asked) > 2, "a refused refresh is asked again"
    page.problems.clear()  # the browser's own line about the refusal
    said = flip.all_text_contents()
    box = page.get_by_role("textbox", name="Volume", exact=True)
    box.fill("9M")
    box.press("Enter")
    expect(page.locator("main")).to_contain_text("9,000,000 queries/day")
    expect(flip).not_to_have_count(0, timeout=300_000)
    assert flip.all_text_contents() != said
    no_error(page)


def test_every_table_is_saved_with_its_full_values(page: Page, dashboard_url: str) -> None:
    open_page(page, dashboard_url)
    ready(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV: The cheapest options").click()
    assert waiting.value.suggested_filename == "the-cheapest-options.csv"
    lines = Path(waiting.value.path()).read_text().splitlines()
    assert lines[0].startswith("Option,A month,")
    assert re.search(r"\$\d+\.\d\d", lines[1]) and "the answer" in lines[1]
    assert len(lines) > 5


def test_the_theme_is_chosen_and_kept(page: Page, dashboard_url: str) -> None:
    page.emulate_media(color_scheme="light")
    open_page(page, dashboard_url)
    button = page.get_by_role("button", name=re.compile("^Theme"))
    theme = "document.documentElement.dataset.lpTheme"
    assert page.evaluate(theme) == "light"
    button.click()
    expect(button).to_have_accessible_name("Theme: light")
    button.click()
    assert page.evaluate(theme) == "dark"
    page.reload()
    expect(button).to_have_accessible_name("Theme: dark")
    assert page.evaluate(theme) == "dark"


def test_on_a_phone_the_answer_is_on_the_first_screen(page: Page, dashboard_url: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    open_page(page, dashboard_url)
    page.wait_for_selector(".lp-kpi", timeout=120_000)  # its charts wait for their turn, below
    expect(page.locator(".lp-answer").first).to_be_in_viewport(ratio=1)
    above = "node => node.getBoundingClientRect().top"
    inputs = page.get_by_text("Inputs", exact=True)
    assert page.locator(".lp-answer").first.evaluate(above) < inputs.evaluate(above)
    expect(page.locator(".lp-kpi").first).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("textbox", name="Volume", exact=True)).to_be_hidden()
    page.get_by_text("Inputs", exact=True).click()
    expect(page.get_by_role("textbox", name="Volume", exact=True)).to_be_visible()


def test_claims_are_filtered_by_words_and_verdict(page: Page, dashboard_url: str) -> None:
    open_page(page, dashboard_url, "?page=article")
    table = page.get_by_role("region", name="The article's claims")
    expect(table).to_contain_text("Llama 3.1 405B")
    page.get_by_role("checkbox", name="does not hold").check()
    expect(table).not_to_contain_text("Llama 3.1 405B has")
    expect(table.locator("tbody tr").first).to_contain_text("✘ does not hold")
    words = page.get_by_role("textbox", name="Words")
    words.fill("mixtral")
    words.press("Enter")
    expect(table.locator("tbody tr")).to_have_count(1)  # it activates 39 billion parameters, not 36
    expect(table).to_contain_text("39.2 billion parameters")


def test_sources_are_filtered_by_typing(page: Page, dashboard_url: str) -> None:
    open_page(page, dashboard_url, "?page=sources")
    words = page.get_by_role("textbox", name="Words")
    words.fill("claude")
    words.press("Enter")
    table = page.get_by_role("region", name="API prices")
    expect(table).to_contain_text("claude")
    expect(table).not_to_contain_text("gpt-4o")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="API prices (CSV)").click()
    assert waiting.value.suggested_filename == "llmplan-apis.csv"


BESIDE = """[...document.querySelectorAll(".lp-scroll")].filter((table) =>
    getComputedStyle(table).overflowX !== "hidden" && table.scrollWidth > table.clientWidth + 1)
    .map((table) => table.getAttribute("aria-label"))"""
CUT_CELLS = """[...document.querySelectorAll(".lp-wide")].flatMap((wide) => {
    if (getComputedStyle(wide).overflowX !== "hidden") return [];
    const right = wide.getBoundingClientRect().right + 1;
    const parts = [...wide.querySelectorAll("td")].flatMap((cell) => [cell, ...cell.children]);
    return parts.filter((part) => part.getBoundingClientRect().right > right).map((part) => part.textContent);
})"""

CUT_NUMBERS = """[...document.querySelectorAll("td.lp-num")].flatMap((cell) => {
    const [texts, range] = [document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), document.createRange()];
    const cut = [];
    for (let text; (text = texts.nextNode());) for (const { 0: word, index } of text.data.matchAll(/\\S+/g)) {
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) cut.push(word);
    }
    return cut;
})"""


WORDS_CUT = """() => [...document.querySelectorAll(".lp-plot")].flatMap((plot) => {
    const frame = plot.getBoundingClientRect();
    const words = [...plot.querySelectorAll("text")].filter((text) => text.textContent.trim());
    const cut = words.map((text) => [text.textContent, text.getBoundingClientRect()])
        .filter(([, at]) => at.width && (at.left < frame.left - 1 || at.right > frame.right + 1));
    const title = plot.querySelector(".ytitle")?.getBoundingClientRect();
    const under = [...plot.querySelectorAll(".ytick text")].map((text) => [text.textContent, text.getBoundingClientRect()])
        .filter(([, at]) => title?.width && at.left < title.right);
    const small = words.map((text) => [`small: ${text.textContent}`, text.getScreenCTM(), getComputedStyle(text).fontSize])
        .filter(([, at, size]) => at && parseFloat(size) * Math.hypot(at.a, at.b) < 11.9);
    return [...cut, ...under, ...small].map(([text]) => text);
})"""


OVER_WORDS = """() => [...document.querySelectorAll(".lp-plot")].flatMap((plot, number) => {
    const words = [...plot.querySelectorAll("text")].filter((text) => text.textContent.trim()).map((text) => {
        const ground = text.closest(".annotation-text-g")?.querySelector("rect.bg");
        const opaque = ground && parseFloat(getComputedStyle(ground).fillOpacity) > 0.8;
        return { said: text.textContent, at: text.getBoundingClientRect(), opaque };
    }).filter(({ at }) => at.width);
    const found = words.flatMap((one, place) => words.slice(place + 1).filter((other) =>
        Math.min(one.at.right, other.at.right) - Math.max(one.at.left, other.at.left) > 2 &&
        Math.min(one.at.bottom, other.at.bottom) - Math.max(one.at.top, other.at.top) > 4)
        .map((other) => `chart ${number}: ${one.said} over ${other.said}`));
    const bare = words.filter(({ opaque }) => !opaque);
    for (const line of plot.querySelectorAll(".scatterlayer path.js-line, .scatterlayer path.point, .shapelayer path")) {
        const style = getComputedStyle(line), at = line.getScreenCTM();
        const drawn = line.matches(".point") || (style.stroke !== "none" && parseFloat(style.strokeOpacity) > 0.2);
        if (!at || !drawn || line.closest(".legend")) continue;
        for (let run = 0; run <= line.getTotalLength(); run += 2) {
            const { x, y } = line.getPointAtLength(run).matrixTransform(at);
            const hit = bare.find(({ at }) => x > at.left + 1 && x < at.right - 1 && y > at.top + 3 && y < at.bottom - 3);
            if (hit) { found.push(`chart ${number}: a mark over ${hit.said}`); break; }
        }
    }
    return found;
})"""


@pytest.mark.parametrize("name", ["decision", "cost_curves", "hardware", "routing", "risk", "growth"])
def test_no_word_of_a_chart_is_cut_covered_crossed_or_small(
    page: Page, dashboard_url: str, name: str
) -> None:
    for width in (360, 800, 1440):
        page.set_viewport_size({"width": width, "height": 10_000})
        open_page(page, dashboard_url, f"?page={name}")
        page.wait_for_function(
            f"() => {{ const n = ({DRAWN})(); return n.length > 1 && n.every(k => k > 0); }}"
        )
        assert page.evaluate(OVER_WORDS) == [], width
        if width == 360:
            assert_whole_on_a_phone(page, name)


def assert_whole_on_a_phone(page: Page, name: str) -> None:
    assert page.evaluate(WORDS_CUT) == []
    rows = page.locator(".lp-plot .hm image")
    assert name != "decision" or rows.first.bounding_box()["width"] > 100, "names leave the map no room"


def test_what_has_nothing_to_draw_has_nothing_to_save(page: Page, dashboard_url: str) -> None:
    open_page(page, dashboard_url, "?quality_floor=1.5")
    expect(page.locator(".lp-chart > .lp-menu")).to_have_count(4)
    expect(page.locator(".lp-chart > .lp-menu:visible")).to_have_count(1)
    expect(page.locator("main")).to_contain_text("below the floor of 150%")
    cards = sorted(
        (box["y"], box["x"], box["width"])
        for box in map(Locator.bounding_box, page.locator(".lp-view-chart").all())
    )
    assert all(y != at or x + width < right for (y, x, width), (at, right, _) in pairwise(cards)), cards
    assert page.get_by_label("Quality floor", exact=True).last.input_value() == "150"


def test_the_areas_of_a_chart_are_named_in_their_order(page: Page, dashboard_url: str) -> None:
    open_page(page, dashboard_url, "?page=hardware")
    ready(page)
    names = page.locator(".lp-plot").first.locator(".legendtext").all_text_contents()
    assert names[:2] == ["weights", "overhead"]


PAPER = {"width": 718, "height": 1000}
"""A4 upright within its margins, in px."""


@pytest.mark.parametrize("name", ["decision", "hardware", "risk"])
def test_on_paper_a_page_is_its_answer_charts_and_tables(page: Page, dashboard_url: str, name: str) -> None:
    open_page(page, dashboard_url, f"?page={name}")
    ready(page)
    expect(page.locator("main")).to_contain_text(re.compile(WORDS[name]), timeout=120_000)
    page.emulate_media(media="print")
    page.set_viewport_size(PAPER)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function(f"() => ({DRAWN})().every(n => n > 0)")
    for left_out in (".lp-nav ul", ".lp-toolbar", ".lp-view-controls", ".lp-menu", ".lp-theme"):
        assert page.locator(f"{left_out} >> visible=true").count() == 0, left_out
    expect(page.locator(".lp-answer").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the paper would shrink it"
    charts = [box for plot in page.locator(".lp-plot .main-svg").all() if (box := plot.bounding_box())]
    assert charts and all(box["width"] > 600 and box["x"] + box["width"] <= PAPER["width"] for box in charts)
    hidden = (
        "[...document.querySelectorAll('.lp-scroll')].filter(e => e.scrollHeight > e.clientHeight + 1).length"
    )
    assert page.evaluate(hidden) == 0, "rows of a table stay in its scroll"
    assert page.evaluate(CUT_CELLS) == []
    assert page.evaluate(CUT_NUMBERS) == []


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [
        ("decision", "light", 360),
        ("decision", "dark", 800),
        ("cost_curves", "dark", 1440),
        ("hardware", "light", 800),
        ("routing", "dark", 360),
        ("article", "light", 1440),
        ("article", "dark", 800),
        ("sources", "light", 360),
        ("sources", "light", 800),
        ("risk", "light", 800),
        ("growth", "dark", 360),
        ("traffic", "dark", 800),
    ],
)
def test_a_page_fits_and_is_accessible(
    page: Page, dashboard_url: str, name: str, scheme: Any, width: int
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    open_page(page, dashboard_url, f"?page={name}")
    expect(page.locator("main")).to_contain_text(re.compile(WORDS[name]))
    scroll_through(page)
    result = Axe().run(page)
    found = result.response["violations"]
    assert found == [], [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in found]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), "it scrolls sideways"
    assert page.evaluate(CUT_CELLS) == [], "values of tables as cards are cut"
    assert page.evaluate(BESIDE) == [], "columns of a table are out of sight"
