"""The live page in every state and on every device, as an operator meets it; it keeps what it promises in each.

With COCONET_PICTURES=docs (`make pictures`) the same states become the pictures of the documents, larger, and fused by
a network.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys

from coconet.runtime.views.names import VIEW_NAMES
from tests.support.rigs.live_rig import until
from tests.support.rigs.page_rig import STREET, PageRig, page_rig
from tests.support.servers.browser import chromium
from tests.support.servers.page_driver import SIZES, PageDriver

PICTURES = os.environ.get("COCONET_PICTURES", "")
WIDTH, HEIGHT = (640, 480) if PICTURES else (160, 120)
TEXT = (
    STREET.format(fps=8, width=WIDTH, height=HEIGHT)
    + f"""
[[meter]]
name = "hottest"
kind = "hottest"
[[meter]]
name = "entrance"
kind = "box"
points_px = [[{0.44 * WIDTH}, {0.58 * HEIGHT}], [{0.5 * WIDTH}, {0.75 * HEIGHT}]]
above = 20
[[meter]]
name = "kerb"
kind = "line"
points_px = [[{0.06 * WIDTH}, {0.68 * HEIGHT}], [{0.94 * WIDTH}, {0.68 * HEIGHT}]]
[[alarm]]
name = "warm entrance"
meter = "entrance"
when = "above"
limits = [0]
[[alarm]]
name = "infrared away"
camera = "infrared"
states = ["lost", "frozen"]
"""
)
CONTRAST = """
const numbers = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
const colour = (text) => text.startsWith("color(")
  ? numbers(text.slice(10)).map((c, at) => at < 3 ? c * 255 : c) : numbers(text);
const light = (rgb) => rgb.map((c) => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
  .reduce((sum, c, at) => sum + c * [.2126, .7152, .0722][at], 0);
const over = ([r, g, b, a = 1], below) => [r, g, b].map((c, at) => c * a + below[at] * (1 - a));
const paper = (one) => one
  ? over(colour(getComputedStyle(one).backgroundColor), paper(one.parentElement)) : [14, 15, 17];
const walk = document.createTreeWalker(document.querySelector("aside"), NodeFilter.SHOW_TEXT), poor = [];
while (walk.nextNode()) {
  const one = walk.currentNode.parentElement, text = walk.currentNode.data.trim();
  if (!text || !one.offsetParent || one.closest(":disabled, .unseen")) continue;
  const [ink, ground] = [light(colour(getComputedStyle(one).color).slice(0, 3)), light(paper(one))];
  const ratio = (Math.max(ink, ground) + .05) / (Math.min(ink, ground) + .05);
  if (ratio < 4.5) poor.push(`${text}: ${ratio.toFixed(1)}`);
}
return poor"""
NAMELESS = """
const named = (one) => one.ariaLabel || one.textContent.trim() || one.closest("label")?.textContent.trim();
return [...document.querySelectorAll("button, input, select, a[href], summary")]
  .filter((one) => one.offsetParent && !named(one) && !one.querySelector("img[alt]")).map((one) => one.outerHTML)"""
PLACE = "return document.getElementById('canvas').getBoundingClientRect().toJSON()"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageRig]:
    with page_rig(tmp_path_factory.mktemp("rig"), TEXT, model="lite" if PICTURES else "average") as running:
        yield running


@pytest.fixture(scope="module")
def page(rig: PageRig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageDriver]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        driver = PageDriver(browser)
        driver.resize("desktop")
        driver.open(rig.page.url)
        assert until(lambda: len(driver.found("#meter-list li")) == 3)
        yield driver
        assert driver.failures() == []


def keep(page: PageDriver, name: str) -> None:
    """Keep a picture for the documents; asked for by hand."""
    if PICTURES:
        assert until(lambda: not page.one("#toast").is_displayed())
        shot = cv2.imdecode(np.frombuffer(page.browser.get_screenshot_as_png(), np.uint8), cv2.IMREAD_COLOR)
        assert shot is not None
        cv2.imwrite(str(Path(PICTURES) / f"live-{name}.jpg"), shot, [cv2.IMWRITE_JPEG_QUALITY, 78])


@pytest.mark.parametrize("device", SIZES)
def test_the_whole_picture_is_seen_and_nothing_lies_beside_the_screen(page: PageDriver, device: str) -> None:
    width, height, _ = SIZES[device]
    page.resize(device)
    try:
        assert until(lambda: page.js(PLACE)["right"] <= width)
        place = page.js(PLACE)
        assert page.js("return document.documentElement.scrollWidth") == width
        assert (place["top"] >= 0, place["left"] >= 0, place["bottom"] <= height + 1) == (True, True, True)
        assert place["width"] == pytest.approx(place["height"] * 4 / 3, rel=0.01)
        assert max(place["width"] / width, place["height"] / height) > 0.6
        page.js("window.scrollTo(0, 500)")
        assert page.js(PLACE)["bottom"] > 100  # it stays in sight
        page.js("window.scrollTo(0, 0)")
        keep(page, {"desktop": "fused", "phone": "phone", "lengthwise": "lengthwise"}[device])
    finally:
        page.resize("desktop")


def test_everything_that_is_written_can_be_read_at_night_and_has_a_name(page: PageDriver) -> None:
    for details in ("settings", "alarm-history"):
        page.js("document.getElementById(arguments[0]).open = true", details)
    assert until(lambda: page.found("#alarm-events li"))
    assert page.js(CONTRAST) == []
    assert page.js(NAMELESS) == []
    for details in ("settings", "alarm-history"):
        page.js("document.getElementById(arguments[0]).open = false", details)


def test_an_alarm_that_is_on_is_in_the_list_with_its_time_and_in_the_title(page: PageDriver) -> None:
    assert until(lambda: page.text("#alarm-list li.on span") == "warm entrance")
    assert page.text("#alarm-list li.on em") == "alarm"
    assert page.text("#alarm-list li.on small").startswith("entrance, since ")
    assert page.text("#alarm-list li:nth-child(2) em") == "quiet"
    assert page.js("return document.title") == "▲ warm entrance - coconet"
    assert page.text("#state") == "Alarm"


def test_a_lost_camera_is_announced_at_once_and_its_alarm_rings(rig: PageRig, page: PageDriver) -> None:
    rig.injectors["infrared"].fault = "silent"
    try:
        assert until(lambda: page.text("#camera-infrared .state") == "lost")
        assert until(lambda: page.text("#alerted") != "")
        assert until(lambda: page.texts("#alarm-list li.on span")[-1:] == ["infrared away"])
        assert until(lambda: page.text("#meter-list li b") == "blind")
        keep(page, "lost")
    finally:
        rig.injectors["infrared"].fault = None
    assert until(lambda: page.text("#camera-infrared .state") == "live")


def test_views_are_chosen_by_the_arrow_keys_and_the_tab_key_stops_once(page: PageDriver) -> None:
    page.js("document.querySelector('[data-view=fused]').focus()")
    page.press(Keys.ARROW_RIGHT)
    assert until(lambda: page.attribute("#canvas", "data-views") == "visible")
    page.press(Keys.END)
    assert until(lambda: page.attribute("#canvas", "data-views") == VIEW_NAMES[-1])
    assert page.js("return document.querySelectorAll('#views [tabindex=\"0\"]').length") == 1
    page.js("document.querySelector('[data-view=split]').click()")
    assert until(lambda: page.attribute("#canvas", "data-views") == "visible infrared")
    keep(page, "split")
    page.press(Keys.HOME)
    page.js("document.querySelector('[data-view=fused]').click()")


def test_captures_are_listed_with_small_pictures_and_downloads(rig: PageRig, page: PageDriver) -> None:
    page.click("#snapshot")
    page.click("#record")
    assert until(lambda: page.text("#record").strip() in ("0:02", "0:03", "0:04", "0:05"))
    page.click("#record")
    assert until(lambda: len(page.found("#shelf li")) == 2)
    loaded = "return [...document.querySelectorAll('#shelf img')].every((one) => one.complete && one.naturalWidth)"
    page.js("document.getElementById('captures').scrollIntoView()")
    assert until(lambda: page.js(loaded))
    assert page.texts("#shelf li:last-child p a") == ["fused", "infrared", "visible"]
    name = page.attribute("#shelf p a", "download")
    assert (rig.page.view.captures.folder / name).is_file()
    page.js("window.scrollTo(0, 0)")


def test_an_empty_field_is_no_zero_and_is_said_beside_it(rig: PageRig, page: PageDriver) -> None:
    page.js("document.getElementById('settings').open = true")
    field = "[name='infrared.agc_percentiles.0']"
    before = rig.tuner.rig.infrared.agc_percentiles
    for wrong, told in (("", "A value is needed."), ("99", "From 0 to 50.")):
        page.enter(field, wrong)
        assert until(lambda told=told: page.text(f"label:has({field}) + .problem") == told)  # type: ignore[misc]
        assert page.attribute(field, "aria-invalid") == "true"
    assert rig.tuner.rig.infrared.agc_percentiles == before
    page.enter(field, "2")
    assert until(lambda: rig.tuner.rig.infrared.agc_percentiles[0] == 2)
    assert until(lambda: page.text(f"label:has({field}) + .problem") == "")
    page.js("document.getElementById('settings').open = false")


def test_a_look_that_the_rig_does_not_know_is_forgotten(page: PageDriver) -> None:
    page.js("localStorage.setItem('coconet-look', JSON.stringify({show: 'infrared', colours: 'of another rig'}))")
    page.browser.refresh()
    assert until(lambda: page.found("#canvas[data-serial]"))
    assert page.attribute("#canvas", "data-views") == "fused"


def test_the_picture_fills_the_screen_and_comes_back(page: PageDriver) -> None:
    page.click("#fullscreen")
    assert until(lambda: page.attribute("#fullscreen", "aria-pressed") == "true")
    assert until(lambda: page.js(PLACE)["height"] > 0.95 * page.js("return innerHeight"))
    page.press("f")
    assert until(lambda: page.attribute("#fullscreen", "aria-pressed") == "false")


def test_a_recording_that_has_ended_is_no_lost_connection(tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as browser:
        driver = PageDriver(browser)
        recorded = tmp_path / "pictures"
        recorded.mkdir()
        cv2.imwrite(str(recorded / "1.png"), np.full((64, 64, 3), 90, np.uint8))
        with page_rig(tmp_path, STREET.format(fps=10, width=64, height=64)) as rig:
            driver.open(rig.page.url)
            assert until(lambda: driver.found("#camera-infrared"))
            address = {"address": str(recorded)}
            tuner = rig.tuner
            sides = {side: getattr(tuner.rig, side).model_copy(update=address) for side in ("visible", "infrared")}
            tuner.rig = tuner.rig.model_copy(update=sides)  # what ends is a recording
        assert until(lambda: driver.text("#veil") == "The recording has ended.")
        assert until(lambda: driver.text("#state") == "Ended")
        assert until(lambda: driver.text("#camera-infrared .state") == "ended")
        assert until(lambda: driver.text("#alerted") == "The recording has ended.")
        gray = "return getComputedStyle(document.getElementById('camera-infrared')).filter"
        assert until(lambda: driver.js(gray) == "grayscale(1)")
