"""What a person does with the live page in a browser, and sees on it."""

from __future__ import annotations

from typing import Any

from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.support.rigs.live_rig import until

SIZES = {"desktop": (1280, 800, False), "phone": (390, 844, True), "lengthwise": (844, 390, True)}


class PageDriver:
    """Clicks, types and reads."""

    def __init__(self, browser: Chrome) -> None:
        self.browser = browser

    def open(self, url: str, token: str = "") -> None:
        """Open a page and wait for its first picture. token: entered at its door."""
        self.browser.get(url)
        if token:
            self.one("#token").send_keys(token)
            self.click("button")
        assert until(lambda: self.found("#canvas") and self.attribute("#canvas", "data-serial"))
        assert until(lambda: self.found("#views button"))

    def resize(self, name: str) -> None:
        """Show the page as a device of SIZES does."""
        width, height, mobile = SIZES[name]
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile},
        )

    def one(self, selector: str) -> WebElement:
        """The first element that fits."""
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def found(self, selector: str) -> list[WebElement]:
        """All elements that fit."""
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """The text of an element as it is in the page, also where it is scrolled out of sight."""
        return str(self.js("return document.querySelector(arguments[0])?.textContent ?? ''", selector))

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements that fit."""
        return list(
            self.js("return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", selector)
        )

    def attribute(self, selector: str, name: str) -> str:
        """An attribute, empty if there is none."""
        return self.one(selector).get_attribute(name) or ""

    def click(self, selector: str) -> None:
        """Click, after scrolling to it."""
        element = self.one(selector)
        self.js("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def press(self, *keys: str) -> None:
        """Type to whatever has the focus."""
        ActionChains(self.browser).send_keys(*keys).perform()

    def enter(self, selector: str, value: str) -> None:
        """Put a value into a field and leave it."""
        change = "const i = arguments[0]; i.value = arguments[1]; i.dispatchEvent(new Event('change', {bubbles: true}))"
        self.js(change, self.one(selector), value)

    def drag(self, start: tuple[float, float], end: tuple[float, float], hold_s: float = 0.0) -> None:
        """Press the picture at a place, in shares of its sides, hold, move and let go."""
        self.js("window.scrollTo(0, 0)")
        canvas = self.one("#canvas")
        width, height = canvas.size["width"], canvas.size["height"]
        (x, y), (to_x, to_y) = (((right - 0.5) * width, (down - 0.5) * height) for right, down in (start, end))
        chain = ActionChains(self.browser).move_to_element_with_offset(canvas, x, y).click_and_hold().pause(hold_s)
        if start != end:
            chain = chain.move_by_offset(to_x - x, to_y - y)
        chain.release().perform()

    def tap(self, place: tuple[float, float]) -> None:
        """Click the picture at a place."""
        self.drag(place, place)

    def js(self, script: str, *words: Any) -> Any:
        """What a script returns."""
        return self.browser.execute_script(script, *words)

    def failures(self) -> list[str]:
        """What the browser complained about."""
        return [entry["message"] for entry in self.browser.get_log("browser") if "getImageData" not in entry["message"]]
