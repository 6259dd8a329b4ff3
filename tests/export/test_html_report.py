"""The report opens from a file, asks no host for anything, draws its lines and stays text."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from llmplan.charts import envelope_chart
from llmplan.export.html_report import html_bytes, script_json
from llmplan.kinds import Kind
from llmplan.report import Report, make_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def page_file(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(html_bytes(report))
    return path


@pytest.fixture
def opened(chromium: "Browser", page_file: Path) -> Any:
    """Return a function that opens the report; at the end nothing may have been asked for or have failed."""
    requests: list[str] = []
    errors: list[str] = []
    pages = []

    def open_page(**options: Any) -> "Page":
        page = chromium.new_page(**options)
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(page_file.as_uri())
        page.wait_for_selector("#chart .scatterlayer .trace")
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "blob:", "data:"))] == []


def test_one_file_names_no_host_to_load_from(page_file: Path) -> None:
    text = page_file.read_text()
    own = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", own)
    assert "default-src 'none'" in own
    assert page_file.stat().st_size < 2_500_000


def test_the_chart_librarys_licence_travels_along(page_file: Path) -> None:
    assert "Plotly Technologies Inc.\n\nPermission is hereby granted" in page_file.read_text()


def test_stamped(page_file: Path, report: Report) -> None:
    text = page_file.read_text()
    for part in (f"llmplan {report.version}", "prices as of", "2026-11-24", report.scenario.name):
        assert part in text


def test_data_in_the_page_equals_the_curves(page_file: Path, report: Report) -> None:
    text = page_file.read_text()
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, flags=re.DOTALL)
    assert match
    data = json.loads(match[1])
    chart = envelope_chart(report.envelopes, report.answer_curve, report.scenario).on_one_axis()
    month = report.scenario.days_per_month * chart.queries_per_day
    drawn = {
        unit: [t["y"] for t in figure["traces"] if "name" in t] for unit, figure in data["figures"].items()
    }
    for number, line in enumerate(data["lines"]):
        base = chart.lines[number].base
        assert line["base"] == pytest.approx(list(base), rel=1e-6)
        assert drawn["month"][number] == line["base"]
        if chart.lines[number].kind != Kind.HYBRID:  # asked for at fewer volumes: each as at the nearest
            assert drawn["query"][number] == pytest.approx(list(base / month * 1_000), rel=1e-6)
    for line, kind in zip(data["lines"], [each.kind for each in report.envelopes], strict=False):
        cheapest = float(report.comparison.monthly_usd[1, report.comparison.cheapest(kind)])
        assert line["base"][data["volume_index"]] == pytest.approx(cheapest, rel=1e-6)
    assert data["queries_per_day"][data["volume_index"]] == report.scenario.queries_per_day


def test_hostile_text_stays_text(report: Report) -> None:
    hostile = '</script><img src=x onerror="alert(1)"> {{data}} <!--'
    made = make_report(report.scenario.but(name=hostile[:80]), made_on=report.made_on)
    vars(made)["tipping"] = report.tipping  # a name changes none of them
    text = html_bytes(made).decode()
    assert "<img" not in text.split("</head>")[1].split("<script>")[0]
    assert json.loads(script_json({"a": hostile}))["a"] == hostile
    assert "<" not in script_json({"a": hostile})


@pytest.mark.browser
def test_draws_every_line_and_moves_with_the_volume(opened: Open, report: Report) -> None:
    page = opened()
    last = len(report.envelopes) - 1
    expect(page.locator("#chart .scatterlayer .trace .js-line").nth(last)).to_be_attached()
    rows, volume = page.locator("#at-volume tbody"), page.locator("#volume-text")
    first = rows.inner_text()
    page.focus("#volume")
    page.keyboard.press("ArrowRight")
    expect(rows).not_to_have_text(first)
    expect(volume).not_to_have_text(f"{report.scenario.queries_per_day:,.0f}")
    mark = page.locator("#chart .annotation-text").first
    expect(mark).to_have_text(volume.inner_text())  # the mark moves along


@pytest.mark.browser
def test_units_axis_sort_and_filter(opened: Open) -> None:
    page = opened()
    page.select_option("#unit", "query")
    page.select_option("#scale", "linear")
    assert "per 1,000 queries" in (page.text_content("#chart .ytitle") or "")
    assert page.locator("#chart .ytick").count() < 15
    rows = page.locator("#options-table tbody tr:visible")
    every = rows.count()
    page.fill("#filter", "gpt-4o-mini")
    assert 0 < rows.count() < every
    page.fill("#filter", "")
    page.locator("#options-table th button").nth(2).click()
    page.locator("#options-table th button").nth(2).click()
    assert page.locator("#options-table th[aria-sort=descending]").count() == 1


@pytest.mark.browser
def test_tables_can_be_taken_along(opened: Open, tmp_path: Path) -> None:
    page = opened()
    with page.expect_download() as caught:
        page.get_by_role("button", name="curve (CSV)").click()
    path = tmp_path / "curve.csv"
    caught.value.save_as(path)
    assert path.read_text().startswith("queries_per_day,")


@pytest.mark.browser
def test_chart_can_be_taken_along_as_a_picture(opened: Open, tmp_path: Path) -> None:
    page = opened()
    for kind, start in (("png", b"\x89PNG"), ("svg", b"<svg")):
        with page.expect_download() as caught:
            page.click(f"#{kind}")
        path = tmp_path / f"chart.{kind}"
        caught.value.save_as(path)
        assert path.read_bytes().startswith(start)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1440, "light")])
def test_fits_phone_and_desk_and_is_accessible(opened: Open, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    assert [
        f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found if v["impact"] in ("serious", "critical")
    ] == []
