"""The report in a headless Chromium: what a reader sees, on a wide and on a narrow window."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nasboard.harness.boards.board import Board, Column, Undefined
from nasboard.harness.boards.kinds.making import make
from nasboard.harness.report import write_report
from nasboard.harness.report.pictures.cells import found as found_cells
from tests.harness.report import fields

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE, NARROW = (1280, 900), (390, 844)
TRAP = (9.5, 10.0, Undefined("none"), 100.0, -1.0)  # in another order as text than as numbers

pytestmark = pytest.mark.skipif(not (BROWSER and DRIVER), reason="chromium or chromedriver is not installed")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    comparison = fields.comparison()
    columns = (Column("label", "method"), Column("value", "value", "ratio", True, 1))
    rows = tuple({"label": f"m{i}", "value": value} for i, value in enumerate(TRAP))
    path = tmp_path_factory.mktemp("report") / "report.html"
    boards = (*make([comparison]), Board("trap", "Trap", columns, rows, ()))
    write_report([comparison], boards, path, title="Report <b>of</b> tests")
    return path


@pytest.fixture(scope="module")
def fronts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a report with a section of Pareto fronts."""
    comparison = fields.with_devices()
    path = tmp_path_factory.mktemp("fronts") / "report.html"
    write_report([comparison], [], path, title="Fronts")
    return path


@pytest.fixture(scope="module")
def sharing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a report with tau against the number of sub-supernets."""
    path = tmp_path_factory.mktemp("sharing") / "report.html"
    write_report([fields.sharing()], [], path, title="Sharing")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


Opened = Callable[..., webdriver.Chrome]


@pytest.fixture
def opened(browser: webdriver.Chrome, report: Path) -> Opened:
    """Return what opens the report afresh in a window of a given size and theme."""

    def at(size: tuple[int, int] = WIDE, theme: str = "light", path: Path = report) -> webdriver.Chrome:
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": theme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        for kind in ("browser", "performance"):
            browser.get_log(kind)  # what came before
        browser.get(path.as_uri())
        return browser

    return at


def board(page: webdriver.Chrome, title: str) -> WebElement:
    return page.find_element(By.XPATH, f"//section[h3[text()='{title}']]//table")


def column(table: WebElement, at: int) -> list[str]:
    return [
        row.find_elements(By.CSS_SELECTOR, "th, td")[at].text
        for row in table.find_elements(By.CSS_SELECTOR, "tbody tr")
    ]


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_console_stays_silent(opened: Opened, size: tuple[int, int], theme: str) -> None:
    assert opened(size, theme).get_log("browser") == []


def test_nothing_is_fetched(opened: Opened) -> None:
    page = opened()
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert any(url.startswith("file:") for url in urls)  # the log is on
    assert [url for url in urls if not url.startswith(("file:", "data:", "blob:"))] == []


def test_a_click_sorts_by_number_with_undefined_last_both_ways(opened: Opened) -> None:
    table = board(opened(), "Trap")
    heading = table.find_elements(By.CSS_SELECTOR, "thead th")[1]
    assert heading.get_attribute("aria-sort") == "none"
    heading.find_element(By.TAG_NAME, "button").click()
    assert column(table, 1) == ["100.0", "10.0", "9.5", "-1.0", "(none)"]
    assert heading.get_attribute("aria-sort") == "descending"  # higher is better: the best first
    heading.find_element(By.TAG_NAME, "button").click()
    assert column(table, 1) == ["-1.0", "9.5", "10.0", "100.0", "(none)"]
    assert heading.get_attribute("aria-sort") == "ascending"


def test_the_keyboard_sorts_too_and_only_one_column_is_marked(opened: Opened) -> None:
    page = opened()
    table = board(page, "Trap")
    first, second = table.find_elements(By.CSS_SELECTOR, "thead button")
    page.execute_script("arguments[0].focus()", first)
    page.switch_to.active_element.send_keys(Keys.TAB)
    assert page.switch_to.active_element == second
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert column(table, 0) == ["m3", "m1", "m0", "m4", "m2"]
    page.execute_script("arguments[0].focus()", first)
    page.switch_to.active_element.send_keys(Keys.SPACE)
    assert column(table, 0) == ["m0", "m1", "m2", "m3", "m4"]
    marks = [th.get_attribute("aria-sort") for th in table.find_elements(By.CSS_SELECTOR, "thead th")]
    assert marks == ["ascending", "none"]


def test_every_column_of_every_board_can_be_sorted_and_keeps_its_rows(opened: Opened) -> None:
    page = opened()
    for table in page.find_elements(By.CSS_SELECTOR, "table.board"):
        before = sorted(column(table, 0))
        for button in table.find_elements(By.CSS_SELECTOR, "thead button"):
            page.execute_script("arguments[0].click()", button)
            assert sorted(column(table, 0)) == before


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_every_picture_is_there_and_drawn(opened: Opened, size: tuple[int, int]) -> None:
    page = opened(size)
    drawn = page.execute_script(
        "return Array.from(document.querySelectorAll('.plot'), (p) => ({"
        " width: p.querySelector('.main-svg')?.getBoundingClientRect().width ?? 0,"
        " marks: p.querySelectorAll('.cartesianlayer .trace path, .cartesianlayer .boxlayer path, .hm image').length}))"
    )
    assert len(drawn) == 13
    assert all(200 < picture["width"] <= size[0] and picture["marks"] > 0 for picture in drawn)
    cells = page.find_elements(By.CSS_SELECTOR, ".cell svg")
    assert len(cells) == sum(len(found) for found in found_cells(fields.comparison()).values()) >= 5
    for cell in cells:
        assert len(cell.find_elements(By.CSS_SELECTOR, ".node circle")) == 4
        assert len(cell.find_elements(By.CSS_SELECTOR, ".edge path")) == 6
        assert cell.size["width"] > 250
        assert cell.size["height"] > 80


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_no_text_of_a_figure_is_cut_off(opened: Opened, size: tuple[int, int]) -> None:
    cut = opened(size).execute_script(
        "return Array.from(document.querySelectorAll('.plot')).flatMap((plot) => {"
        " const frame = plot.getBoundingClientRect();"
        " return Array.from(plot.querySelectorAll('text')).filter((text) => {"
        "  const r = text.getBoundingClientRect();"
        "  return r.width > 0 && (r.left < frame.left - 1 || r.right > frame.right + 1"
        "   || r.top < frame.top - 1 || r.bottom > frame.bottom + 1);"
        " }).map((text) => `${plot.id}: ${text.textContent}`);})"
    )
    assert cut == []


def test_no_label_of_a_cell_covers_another(opened: Opened) -> None:
    covered = opened(NARROW).execute_script(
        "return Array.from(document.querySelectorAll('.cell svg')).flatMap((svg) => {"
        " const texts = Array.from(svg.querySelectorAll('text'), (t) => [t.textContent, t.getBoundingClientRect()]);"
        " const meet = (r, s) => r.left < s.right && s.left < r.right && r.top < s.bottom && s.top < r.bottom;"
        " return texts.flatMap(([a, r], i) =>"
        "  texts.slice(i + 1).filter(([b, s]) => meet(r, s)).map(([b]) => `${a} / ${b}`));})"
    )
    assert covered == []


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_page_never_scrolls_sideways_even_with_all_details_open(opened: Opened, size: tuple[int, int]) -> None:
    page = opened(size)
    page.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
    shown, whole = page.execute_script(
        "const page = document.documentElement; return [page.clientWidth, page.scrollWidth]"
    )
    assert size[0] - 20 <= shown <= size[0]
    assert whole == shown
    scrollers = page.find_elements(By.CSS_SELECTOR, ".scroller")
    assert {each.get_attribute("tabindex") for each in scrollers} == {"0"}  # what scrolls is reachable by keyboard


def test_figures_follow_a_window_that_becomes_narrow(opened: Opened) -> None:
    page = opened(WIDE)
    metrics = {"width": NARROW[0], "height": NARROW[1], "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.set_script_timeout(10)
    width = page.execute_async_script(
        "const done = arguments[0]; const look = () => {"
        " const w = document.querySelector('.plot .main-svg').getBoundingClientRect().width;"
        " w <= 390 ? done(w) : setTimeout(look, 50); }; look();"
    )
    assert 200 < width <= NARROW[0]


def test_names_and_tracebacks_are_read_as_text(opened: Opened) -> None:
    page = opened()
    assert page.title == "Report <b>of</b> tests"
    failure = page.find_element(By.CSS_SELECTOR, "details.failure")
    assert fields.EVIL_LABEL.split(" & ")[0] in failure.find_element(By.TAG_NAME, "summary").text
    text = page.execute_script("return arguments[0].textContent", failure.find_element(By.TAG_NAME, "pre"))
    assert text == fields.EVIL_ERROR
    assert page.find_elements(By.CSS_SELECTOR, "img, h1 b, pre b, .plot a") == []
    legend = page.execute_script("return document.querySelector('#part-0-regret-simulated .legend').textContent")
    assert "<img src=x onerror=alert(2)" in legend


def test_figures_take_the_colours_of_the_theme(opened: Opened) -> None:
    inks = []
    for theme in ("light", "dark"):
        page = opened(WIDE, theme)
        ink = page.execute_script("return getComputedStyle(document.querySelector('.plot .xtitle')).fill")
        assert ink == page.execute_script("return getComputedStyle(document.body).color")
        inks.append(ink)
    assert inks[0] != inks[1]


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_one_objective_is_shown_and_another_when_it_is_chosen(
    opened: Opened, fronts: Path, size: tuple[int, int]
) -> None:
    page = opened(size, path=fronts)
    choice = Select(page.find_element(By.CSS_SELECTOR, "select[data-chooses]"))
    assert [option.text for option in choice.options] == [
        "Accuracy against phone_latency",
        "Accuracy against watch_latency",
    ]
    for chosen, other in ((0, 1), (1, 0), (0, 1)):
        choice.select_by_index(chosen)
        shown = page.find_element(By.ID, f"part-0-front-{chosen}")
        assert not page.find_element(By.ID, f"part-0-front-{other}").is_displayed()
        assert 200 < shown.find_element(By.CSS_SELECTOR, ".main-svg").size["width"] <= size[0]
        assert len(shown.find_elements(By.CSS_SELECTOR, ".scatterlayer .trace")) == 4  # true front and three methods
        heading = page.find_element(By.XPATH, f"//figure[.//*[@id='part-0-front-{chosen}']]/h3")
        assert heading.text == choice.options[chosen].text
    assert page.get_log("browser") == []
    whole, width = page.execute_script("const p = document.documentElement; return [p.scrollWidth, p.clientWidth]")
    assert whole == width


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_tau_against_the_number_of_sub_supernets_is_drawn_whole(
    opened: Opened, sharing: Path, size: tuple[int, int]
) -> None:
    page = opened(size, path=sharing)
    plot = page.find_element(By.ID, "part-0-splits")
    assert 200 < plot.find_element(By.CSS_SELECTOR, ".main-svg").size["width"] <= size[0]
    assert len(plot.find_elements(By.CSS_SELECTOR, ".scatterlayer .trace")) == 2 + len(fields.SPLITS)
    assert len(plot.find_elements(By.CSS_SELECTOR, ".scatterlayer .errorbar")) == len(fields.SPLITS)
    assert [tick.text for tick in plot.find_elements(By.CSS_SELECTOR, ".xtick text")] == ["1", "5", "25"]
    frame = plot.rect
    for text in plot.find_elements(By.CSS_SELECTOR, "text"):
        at = text.rect
        assert frame["x"] - 1 <= at["x"] <= at["x"] + at["width"] <= frame["x"] + frame["width"] + 1
    assert page.get_log("browser") == []
