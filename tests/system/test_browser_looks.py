"""Views and palettes of the live page in a real browser: every button, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from coconet.media.palettes.palette import SHOWN, palette_colours
from coconet.runtime.look import OVERLAY_ITEMS
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.views.names import VIEW_NAMES
from tests.support.rigs.live_rig import live_rig, until
from tests.support.servers.browser import chromium

PIXELS = """const {width, height} = document.getElementById('canvas');
return [...document.getElementById('canvas').getContext('2d').getImageData(0, 0, width, height).data]"""
ENTER = """const input = document.getElementById('look').elements[arguments[0]];
if (input.type === 'checkbox') input.checked = arguments[1]; else input.value = arguments[1];
input.dispatchEvent(new Event('input', {bubbles: true}));"""
SELECT = """const input = document.getElementById('settings-form').elements[arguments[0]];
input.value = arguments[1]; input.dispatchEvent(new Event('change', {bubbles: true}));"""
JPEG = 24
"""What compression does to a colour at most, but for the border of the bar."""


class Page:
    """A browser with the page."""

    def __init__(self, browser: Chrome, tuner: AdjustableRig) -> None:
        self.browser, self.tuner = browser, tuner

    def choose(self, view: str) -> None:
        self.browser.execute_script(f"document.querySelector('[data-view={view}]').click()")
        assert until(lambda: self.shows() == ("visible infrared" if view == "split" else view))

    def colour(self, palette: str) -> None:
        self.browser.execute_script(f"document.querySelector('[data-colours={palette}]').click()")

    def enter(self, name: str, value: object) -> None:
        self.browser.execute_script(ENTER, name, value)

    def kept(self) -> dict[str, Any]:
        """The look as the browser remembers it."""
        return dict(json.loads(self.browser.execute_script("return localStorage.getItem('coconet-look')")))

    def shows(self) -> str:
        return self.browser.find_element(By.ID, "canvas").get_attribute("data-views") or ""

    def pixels(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        size = [int(self.browser.find_element(By.ID, "canvas").get_attribute(one) or 0) for one in ("height", "width")]
        return np.array(self.browser.execute_script(PIXELS)).reshape(*size, 4)[:, :, :3]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    file = tmp_path_factory.mktemp("rig") / "rig.toml"
    file.write_text('[visible]\naddress = "synthetic://"\n[infrared]\naddress = "synthetic://"\n')
    tuner = AdjustableRig(Rig.from_file(file), file)
    with (
        live_rig(tmp_path_factory.mktemp("captures"), tuner=tuner) as rig,
        chromium(tmp_path_factory.mktemp("profile")) as browser,
    ):
        browser.get(rig.page.url)
        opened = Page(browser, tuner)
        assert until(lambda: opened.shows() == "fused")
        assert until(lambda: browser.find_elements(By.CSS_SELECTOR, "#views button"))
        yield opened


def test_every_view_has_a_button_that_shows_it(page: Page) -> None:
    names = [one.get_attribute("data-view") for one in page.browser.find_elements(By.CSS_SELECTOR, "#views button")]
    assert names == list(VIEW_NAMES)
    for view in VIEW_NAMES:
        page.choose(view)
        checked = page.browser.find_element(By.CSS_SELECTOR, "#views [aria-checked=true]")
        assert checked.get_attribute("data-view") == view


@pytest.mark.parametrize("palette", SHOWN)
def test_every_palette_has_a_button_that_colours_the_infrared_picture(page: Page, palette: str) -> None:
    page.choose("infrared")
    page.colour(palette)
    table = palette_colours(palette)[[40, 220], ::-1]  # the two levels of the camera

    def fits() -> bool:
        pixels = page.pixels().reshape(-1, 3)
        nearest = np.abs(pixels[:, None] - table[None]).max(axis=2).min(axis=1)
        return bool(np.median(nearest) <= JPEG)

    assert until(fits)


def test_an_isotherm_is_red_where_its_limit_is_passed(page: Page) -> None:
    page.choose("isotherm")
    page.enter("isotherm.above", "80")  # percent: 220 of 255 are 86

    def red() -> bool:
        pixels = page.pixels()
        return bool(((pixels[:, :, 0] > 180) & (pixels[:, :, 2] < 120)).mean() > 0.05)

    assert until(red)
    page.enter("isotherm.above", "95")
    assert until(lambda: not red())
    page.enter("isotherm.above", "")


def test_what_a_view_has_no_use_for_is_not_offered(page: Page) -> None:
    def offered(name: str) -> bool:
        return bool(page.browser.find_element(By.NAME, name).is_displayed())

    page.choose("edges")
    assert offered("edges.strength")
    assert offered("colour_bar")
    assert not offered("blend")
    page.choose("fused")
    assert not offered("edges.strength")
    assert offered("overlay.show")


def test_the_blend_follows_its_slider(page: Page) -> None:
    page.choose("blend")
    page.colour("turbo")

    def colours() -> float:
        return float(np.ptp(page.pixels(), axis=2).mean())

    page.enter("blend", "1")
    assert until(lambda: colours() > 60)
    page.enter("blend", "0")
    assert until(lambda: colours() < 20)


def test_side_by_side_is_twice_as_wide(page: Page) -> None:
    page.choose("side-by-side")
    assert until(lambda: page.pixels().shape == (48, 128, 3))
    page.choose("fused")
    assert until(lambda: page.pixels().shape == (48, 64, 3))


def test_keys_choose_views_and_what_is_written_over_them(page: Page) -> None:
    body = page.browser.find_element(By.TAG_NAME, "body")
    body.send_keys("7")
    assert until(lambda: page.shows() == "edges")
    body.send_keys("0")
    assert until(lambda: page.shows() == "alignment")
    body.send_keys("o")
    assert page.browser.find_element(By.NAME, "overlay.show").is_selected()
    body.send_keys("o", Keys.NULL)
    assert not page.browser.find_element(By.NAME, "overlay.show").is_selected()


def test_what_the_overlay_says_is_chosen_line_by_line(page: Page) -> None:
    items = page.browser.find_elements(By.NAME, "overlay.item")
    assert not any(item.is_displayed() for item in items)
    page.enter("overlay.show", True)
    assert [item.get_attribute("value") for item in items if item.is_selected()] == list(OVERLAY_ITEMS[:6])
    for item in items:
        if item.get_attribute("value") != "skew" and item.is_selected():
            page.browser.execute_script("arguments[0].click()", item)
    assert page.kept()["overlay"]["show"] == ["skew"]
    page.enter("overlay.show", False)


def test_what_is_chosen_is_what_the_rig_file_opens_with(page: Page) -> None:
    page.choose("edges")
    page.colour("ironbow")
    page.enter("edges.strength", "3")
    page.browser.execute_script("document.getElementById('save').click()")
    assert page.tuner.file is not None
    file = page.tuner.file
    assert until(lambda: "ironbow" in file.read_text())
    saved = Rig.from_file(file).view
    assert (saved.show, saved.colours, saved.edges.strength) == ("edges", "ironbow", 3)
    page.browser.execute_script("localStorage.clear()")
    page.browser.refresh()
    assert until(lambda: page.shows() == "edges")


def test_what_goes_out_is_chosen_in_the_settings(page: Page) -> None:
    options = [
        one.get_attribute("value") for one in page.browser.find_elements(By.CSS_SELECTOR, "[name='output.show'] *")
    ]
    assert options == list(VIEW_NAMES)
    view = page.tuner.rig.view.show
    page.browser.execute_script(SELECT, "output.show", "blend")
    assert until(lambda: page.tuner.rig.output.show == "blend")
    assert page.tuner.rig.view.show == view


def test_limits_that_do_not_rise_are_said_beside_their_field_and_an_empty_one_is_none(page: Page) -> None:
    page.choose("isotherm")
    page.enter("isotherm.between.0", "40")
    page.enter("isotherm.between.1", "30")
    problem = "return document.querySelector('#look .problem')?.textContent"
    assert page.browser.execute_script(problem) == "Above 40."
    page.enter("isotherm.between.1", "")
    assert page.browser.execute_script(problem) == ""
    page.enter("isotherm.between.0", "")
    page.choose("fused")
