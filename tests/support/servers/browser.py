"""A headless Chromium for the tests, driven by WebDriver; without Debian's chromium and chromium-driver they skip."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)


@contextmanager
def chromium(profile: Path, width_px: int = 1280, height_px: int = 800) -> Iterator[Chrome]:
    """Open a browser window of a size with a new profile, and close it after the block."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("no Chromium: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = binary
    for flag in (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={width_px},{height_px}"):
        options.add_argument(flag)
    browser = Chrome(options, Service(driver))
    try:
        yield browser
    finally:
        browser.quit()
