"""The live page in a real browser: the picture moves, the slider splits, a snapshot is saved, a stop is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from coconet.media.image import read_picture
from coconet.runtime.heat.meter import MeterTable
from coconet.runtime.heat.meters import Meters
from coconet.runtime.heat.temperature import TemperatureTable
from coconet.runtime.heat.thermometer import Thermometer
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.fit import Placement
from coconet.runtime.preprocess.preprocess import Preparation
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from tests.support.rigs.live_rig import LiveRig, LoopEnds, live_rig, until
from tests.support.servers.browser import chromium

TOKEN = "correct-horse-battery"  # noqa: S105 - of these tests only
PIXEL = "return [...document.getElementById('canvas').getContext('2d').getImageData(arguments[0], 40, 1, 1).data]"
CHANGE = """const i = document.getElementById('settings-form').elements[arguments[0]];
i.value = arguments[1]; i.dispatchEvent(new Event('change', {bubbles: true}));"""
RIG = """
[visible]
address = "synthetic://"
[infrared]
address = "synthetic://"
[infrared.temperature]
scheme = "lepton"
"""
SLIDE = "const s = arguments[0]; s.value = arguments[1]; s.dispatchEvent(new Event('input'));"


class Page:
    """What a person would do with the page, and see on it."""

    def __init__(self, browser: Chrome, rig: LiveRig, tuner: AdjustableRig) -> None:
        self.browser, self.rig, self.tuner = browser, rig, tuner

    def click(self, selector: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, selector).click()

    def text(self, selector: str) -> str:
        return self.browser.find_element(By.CSS_SELECTOR, selector).text

    def canvas(self, attribute: str) -> str:
        return self.browser.find_element(By.ID, "canvas").get_attribute(attribute) or ""

    def pixel(self, x: int) -> list[int]:
        return list(self.browser.execute_script(PIXEL, x))


def coloured(pixel: list[int]) -> bool:
    return max(pixel[:3]) - min(pixel[:3]) > 30


def metered() -> LoopEnds:
    """What reads a box from the counts of the infrared camera."""
    box = MeterTable(name="whole", kind="box", points_px=((0, 0), (63, 47)))
    meters = Meters(Thermometer(TemperatureTable(scheme="lepton")), (box,))
    return LoopEnds(Preparation(ThermalStretch(), Placement(Alignment()), ("a", "b"), meters=meters), counts=True)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    file = tmp_path_factory.mktemp("rig") / "rig.toml"
    file.write_text(RIG)
    tuner = AdjustableRig(Rig.from_file(file), file)
    with (
        live_rig(tmp_path_factory.mktemp("captures"), token=TOKEN, tuner=tuner, ends=metered()) as rig,
        chromium(tmp_path_factory.mktemp("profile")) as browser,
    ):
        opened = Page(browser, rig, tuner)
        browser.get(rig.page.url)
        browser.find_element(By.ID, "token").send_keys(TOKEN)
        opened.click("button")
        assert until(lambda: browser.current_url == f"{rig.page.url}/")
        assert until(lambda: opened.canvas("data-serial"))
        yield opened


def test_the_picture_moves_and_the_figures_are_there(page: Page) -> None:
    serial = page.canvas("data-serial")
    seen = set()
    assert until(lambda: seen.add(tuple(page.pixel(30))) or len(seen) > 1)  # type: ignore[func-returns-value]
    assert page.canvas("data-serial") != serial
    assert (page.canvas("width"), page.canvas("height")) == ("64", "48")
    assert until(lambda: page.text("#fps") > "0.0")
    assert page.text("#model") == "average fp32, numpy"


def test_the_slider_shows_more_of_one_camera_and_less_of_the_other(page: Page) -> None:
    page.click("[data-view=split]")
    page.click("[data-colours=inferno]")
    assert until(lambda: page.canvas("data-views") == "visible infrared")
    slider = page.browser.find_element(By.ID, "slider")
    page.browser.execute_script(SLIDE, slider, 1000)
    assert until(lambda: not coloured(page.pixel(60)))
    page.browser.execute_script(SLIDE, slider, 0)
    assert until(lambda: coloured(page.pixel(60)))


def test_temperatures_are_listed_and_a_click_adds_a_spot(page: Page) -> None:
    assert until(lambda: page.text("#meter-list b").endswith(" °C"))
    assert page.text("#meter-list .name") == "whole"
    assert page.text("#meter-list small").startswith("20.0 to 36.5")
    page.click("[data-view=fused]")
    page.click("#spot")
    page.click("#canvas")
    assert until(lambda: page.tuner.rig.meter)
    (spot,) = page.tuner.rig.meter
    assert (spot.name, spot.pixels) == ("spot 1", "visible")
    ((x, y),) = spot.points_px
    assert abs(x - 31.5) <= 1  # the middle, which is what is clicked
    assert abs(y - 23.5) <= 1
    page.click("#labels")
    assert page.browser.find_element(By.ID, "labels").get_attribute("aria-pressed") == "false"
    page.click("#labels")


def test_a_snapshot_is_saved_and_offered(page: Page) -> None:
    page.click("#snapshot")
    assert until(lambda: page.text("#toast").startswith("Saved"))
    saved = sorted(page.rig.page.view.captures.folder.glob("*-fused.png"))
    assert read_picture(saved[0]).shape == (48, 64, 3)
    assert page.browser.find_element(By.CSS_SELECTOR, "#toast a").get_attribute("download") == saved[0].name


def test_a_recording_is_begun_and_finished_with_one_button(page: Page) -> None:
    page.click("#record")
    assert until(lambda: page.text("#record").startswith("0:") and page.text("#record") > "0:00")
    page.click("#record")
    assert until(lambda: page.text("#record") == "Record")
    assert list(page.rig.page.view.captures.folder.glob("*.mp4"))


def test_a_stopped_camera_gets_a_badge_and_is_live_again_afterwards(page: Page) -> None:
    assert until(lambda: page.text("#camera-infrared .state") == "live")
    page.rig.infrared.stopped.set()
    try:
        assert until(lambda: page.text("#camera-infrared .state") == "lost")
        assert until(lambda: page.text("#camera-visible .state") == "live")
    finally:
        page.rig.infrared.stopped.clear()
    assert until(lambda: page.text("#camera-infrared .state") == "live")


def test_the_page_fits_a_phone(page: Page, tmp_path: Path) -> None:
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        assert page.browser.execute_script("return document.documentElement.scrollWidth") == 390
        assert page.browser.execute_script("return document.getElementById('canvas').clientWidth") == 390
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_settings_are_changed_at_once_and_saved_on_request(page: Page) -> None:
    page.click("#settings summary")
    page.browser.execute_script(CHANGE, "infrared.offset_ms", "4.5")
    page.browser.execute_script(CHANGE, "shift.0", "3")
    assert until(lambda: page.tuner.rig.alignment.homography[0] == (1.0, 0.0, 3.0))
    assert page.tuner.rig.infrared.offset_ms == 4.5
    page.click("[data-view=visible]")
    page.click("#save")
    assert until(lambda: page.text("#toast") == "Saved to rig.toml")
    assert page.tuner.file is not None
    saved = Rig.from_file(page.tuner.file)
    assert (saved.infrared.offset_ms, saved.view.show) == (4.5, "visible")


def test_the_heat_follows_its_slider_while_it_is_drawn(page: Page) -> None:
    page.browser.execute_script(CHANGE.replace("'change'", "'input'"), "fusion.heat", "80")
    assert until(lambda: page.tuner.rig.fusion.heat == 80)
    assert page.browser.execute_script("return document.getElementById('heat-now').value") == "80"
    page.browser.execute_script(CHANGE, "fusion.heat", "50")
    assert until(lambda: page.tuner.rig.fusion.heat == 50)


def test_the_page_opens_with_the_view_of_the_rig_file(page: Page) -> None:
    page.tuner.change({"view": {"show": "infrared"}})
    page.browser.execute_script("localStorage.clear()")
    page.browser.refresh()
    assert until(lambda: page.canvas("data-views") == "infrared")


def test_neither_the_address_nor_the_browser_log_holds_the_token_or_an_error(page: Page) -> None:
    assert TOKEN not in page.browser.current_url
    told = [entry["message"] for entry in page.browser.get_log("browser")]
    assert [
        message for message in told if "getImageData" not in message
    ] == []  # these tests read pixels, the page none
