"""Meters on the live page in a real browser: placed by tap, drag and keys, moved, named, limited and removed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from coconet.runtime.heat.meter import MeterTable
from tests.support.rigs.live_rig import until
from tests.support.rigs.page_rig import STREET, PageRig, page_rig
from tests.support.servers.browser import chromium
from tests.support.servers.page_driver import PageDriver

MORE = """
[[meter]]
name = "watched"
kind = "hottest"
[[meter]]
name = "nowhere"
kind = "spot"
points_px = [[900, 900]]
[[alarm]]
name = "hot"
meter = "watched"
when = "above"
limits = [100]
"""
WIDTH, HEIGHT = 160, 120


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageRig]:
    text = STREET.format(fps=10, width=WIDTH, height=HEIGHT) + MORE
    with page_rig(tmp_path_factory.mktemp("rig"), text) as running:
        yield running


@pytest.fixture(scope="module")
def page(rig: PageRig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageDriver]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        driver = PageDriver(browser)
        driver.open(rig.page.url)
        assert until(lambda: len(driver.found("#meter-list li")) == 2)
        yield driver
        assert [one for one in driver.failures() if "400 (Bad Request)" not in one] == []  # what the rig refused


def added(rig: PageRig, name: str) -> MeterTable:
    assert until(lambda: name in rig.meters())
    return next(one for one in rig.tuner.rig.meter if one.name == name)


def row(page: PageDriver, name: str) -> str:
    assert until(lambda: name in page.texts("#meter-list .name"))
    return f"#meter-list li:nth-child({page.texts('#meter-list .name').index(name) + 1})"


def near(point: tuple[float, float], x: float, y: float) -> bool:
    return abs(point[0] - x * WIDTH) <= 1.5 and abs(point[1] - y * HEIGHT) <= 1.5


def test_a_tap_places_a_spot_which_is_read_at_once(rig: PageRig, page: PageDriver) -> None:
    page.click("#spot")
    assert page.text("#hint-text") == "Tap where to measure"
    page.tap((0.25, 0.5))
    spot = added(rig, "spot 1")
    assert (spot.kind, spot.pixels) == ("spot", "visible")
    assert near(spot.points_px[0], 0.25, 0.5)
    assert until(lambda: page.text(f"{row(page, 'spot 1')} b").endswith(" °C"))
    assert not page.one("#hint").is_displayed()


def test_a_long_press_places_a_spot_without_any_button(rig: PageRig, page: PageDriver) -> None:
    before = len(rig.meters())
    page.drag((0.6, 0.3), (0.6, 0.3), hold_s=1.0)
    assert until(lambda: len(rig.meters()) == before + 1)
    assert near(rig.tuner.rig.meter[-1].points_px[0], 0.6, 0.3)


def test_a_drag_draws_a_box_and_two_taps_draw_a_line_with_its_profile(rig: PageRig, page: PageDriver) -> None:
    page.click("[data-kind=box]")
    page.drag((0.2, 0.2), (0.4, 0.5))
    box = added(rig, "box 1")
    assert near(box.points_px[0], 0.2, 0.2)
    assert near(box.points_px[1], 0.4, 0.5)
    page.click("[data-kind=line]")
    for place in ((0.1, 0.6), (0.9, 0.6)):
        page.tap(place)
    added(rig, "line 1")
    figure = f"{row(page, 'line 1')} figure"
    assert until(lambda: page.one(figure).is_displayed())
    assert page.attribute(f"{figure} path", "d").count("L") > 100


def test_a_polygon_is_tapped_corner_by_corner_and_done(rig: PageRig, page: PageDriver) -> None:
    page.click("[data-kind=polygon]")
    for place in ((0.5, 0.2), (0.7, 0.2), (0.6, 0.4), (0.9, 0.9)):
        page.tap(place)
    page.press(Keys.BACKSPACE)  # the last one was wrong
    assert page.text("#hint-text") == "3 corners"
    page.click("#hint-done")
    assert len(added(rig, "polygon 1").points_px) == 3


def test_a_spot_is_placed_and_moved_by_keys_alone(rig: PageRig, page: PageDriver) -> None:
    page.js("document.querySelector('[data-kind=spot]').focus()")
    before = len(rig.meters())
    page.press(Keys.ENTER)
    assert until(lambda: page.js("return document.activeElement.classList.contains('cross')"))
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ENTER)
    assert until(lambda: len(rig.meters()) == before + 1)
    placed = rig.tuner.rig.meter[-1]
    assert placed.points_px == ((WIDTH / 2 + 2, HEIGHT / 2 + 1),)
    page.click(f"{row(page, placed.name)} .name")
    assert until(lambda: len(page.found("#handles .handle")) == 1)
    page.js("document.querySelector('#handles .handle').focus()")
    page.press(Keys.ARROW_LEFT)
    assert until(lambda: rig.tuner.rig.meter[-1].points_px == ((WIDTH / 2 + 1, HEIGHT / 2 + 1),))
    page.click(f"{row(page, placed.name)} .name")


@pytest.mark.slow  # the page asks every 3 s where meters are
def test_a_look_at_the_rig_takes_no_key_back(rig: PageRig, page: PageDriver) -> None:
    page.click("[data-kind=spot]")
    before = len(rig.meters())
    page.tap((0.8, 0.5))
    assert until(lambda: len(rig.meters()) == before + 1)
    placed = rig.tuner.rig.meter[-1]
    page.click(f"{row(page, placed.name)} .name")
    assert until(lambda: len(page.found("#handles .handle")) == 1)
    page.js("document.querySelector('#handles .handle').focus()")
    for _ in range(45):
        page.press(Keys.ARROW_LEFT)
        time.sleep(0.1)
    ((column, line),) = placed.points_px
    assert until(lambda: rig.tuner.rig.meter[-1].points_px == ((column - 45, line),))
    page.click(f"{row(page, placed.name)} .name")


def test_escape_calls_placing_off(rig: PageRig, page: PageDriver) -> None:
    before = rig.meters()
    page.click("[data-kind=box]")
    page.press(Keys.ESCAPE)
    assert page.attribute("[data-kind=box]", "aria-pressed") == "false"
    page.tap((0.5, 0.5))
    assert rig.meters() == before


def test_a_meter_is_named_and_given_a_limit_and_what_does_not_fit_is_said_beside_it(
    rig: PageRig, page: PageDriver
) -> None:
    page.click("[data-kind=coldest]")
    added(rig, "coldest")
    page.click(f"{row(page, 'coldest')} .name")
    for wrong, told in (("", "A name is needed."), ("/x", "Letters, digits"), ("watched", "Another meter")):
        page.enter(f"{row(page, 'coldest')} [name=name]", wrong)
        assert page.text(f"{row(page, 'coldest')} .problem").startswith(told)
    page.enter(f"{row(page, 'coldest')} [name=name]", "sky")
    added(rig, "sky")
    page.enter(f"{row(page, 'sky')} [name=above]", "12.5")
    assert until(lambda: added(rig, "sky").above == 12.5)
    assert until(lambda: "% above 12.5 °C" in page.text(f"{row(page, 'sky')} small"))
    page.enter(f"{row(page, 'sky')} [name=above]", "")
    assert until(lambda: added(rig, "sky").above is None)  # and not 0
    page.click(f"{row(page, 'sky')} .remove")
    assert until(lambda: "sky" not in rig.meters())


def test_a_meter_of_an_alarm_stays_and_why_is_said(rig: PageRig, page: PageDriver) -> None:
    page.click(f"{row(page, 'watched')} .name")
    page.click(f"{row(page, 'watched')} .remove")
    assert until(lambda: "[[alarm]] meter" in page.text("#meters-problem"))
    assert "watched" in rig.meters()
    page.click(f"{row(page, 'watched')} .name")


def test_a_meter_that_reads_nothing_says_why(page: PageDriver) -> None:
    blind = row(page, "nowhere")
    assert until(lambda: page.text(f"{blind} b") == "blind")
    assert page.text(f"{blind} small") == "outside of the infrared picture of 160x120"


def test_nothing_is_placed_beside_a_second_picture(page: PageDriver) -> None:
    page.js("document.querySelector('[data-view=side-by-side]').click()")
    assert until(lambda: not page.one("#spot").is_enabled())
    assert page.one("[data-kind=hottest]").is_enabled()
    page.js("document.querySelector('[data-view=fused]').click()")
    assert until(lambda: page.one("#spot").is_enabled())
