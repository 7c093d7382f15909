"""The live page under a prefix of a reverse proxy: its door, its pictures and what is kept of it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urljoin

import pytest
from selenium.webdriver.common.by import By

from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.viewers.live_page import PageSettings
from tests.support.rigs.live_rig import live_rig, until
from tests.support.servers.browser import chromium
from tests.support.servers.nginx import nginx
from tests.support.servers.prefix_proxy import prefix_proxy

TOKEN, VIEW_TOKEN = "correct-horse-battery", "only-look-at-the-horse"
SYNTHETIC = "synthetic://?width=32&height=32"


@pytest.mark.parametrize("proxy", ["ours", "nginx"])
def test_a_browser_enters_watches_and_keeps_a_picture_under_a_prefix(tmp_path: Path, proxy: str) -> None:
    tuner = AdjustableRig(Rig.from_addresses(SYNTHETIC, SYNTHETIC))
    with (
        live_rig(tmp_path / "kept", token=TOKEN, tuner=tuner) as rig,
        _behind(proxy, rig.page.url, tmp_path / "nginx") as url,
        chromium(tmp_path / "profile") as browser,
    ):
        browser.get(url)
        assert until(lambda: browser.current_url == urljoin(url, "login"))
        browser.find_element(By.ID, "token").send_keys(TOKEN)
        browser.find_element(By.TAG_NAME, "button").click()
        assert until(lambda: browser.current_url == url)
        assert until(lambda: browser.find_element(By.ID, "canvas").get_attribute("data-serial"))
        assert until(lambda: browser.find_element(By.ID, "fps").text > "0.0")
        assert until(lambda: browser.find_element(By.ID, "settings").is_displayed())
        browser.find_element(By.ID, "snapshot").click()
        assert until(lambda: browser.find_element(By.ID, "toast").text.startswith("Saved"))
        link = browser.find_element(By.CSS_SELECTOR, "#toast a").get_attribute("href") or ""
        assert link.startswith(urljoin(url, "captures/"))
        small = "const one = document.querySelector('#shelf img'); return one?.complete && one.naturalWidth && one.src"
        browser.execute_script("document.getElementById('captures').scrollIntoView()")
        assert until(lambda: browser.execute_script(small))
        assert browser.execute_script(small).startswith(urljoin(url, "thumbnails/"))
        assert [cookie["path"] for cookie in browser.get_cookies()] == ["/deep/rig"]
        failures = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert failures == []


def _behind(proxy: str, target: str, folder: Path) -> AbstractContextManager[str]:
    return nginx(target, "/deep/rig", folder) if proxy == "nginx" else prefix_proxy(target, "/deep/rig")


@pytest.mark.slow
def test_a_browser_with_the_token_to_watch_sees_everything_and_may_change_nothing(tmp_path: Path) -> None:
    tuner = AdjustableRig(Rig.from_addresses(SYNTHETIC, SYNTHETIC))
    settings = PageSettings(port=0, token=TOKEN, captures=tmp_path / "kept", view_token=VIEW_TOKEN)
    with live_rig(tmp_path, tuner=tuner, page=settings) as rig, chromium(tmp_path / "profile") as browser:
        browser.get(rig.page.url)
        browser.find_element(By.ID, "token").send_keys(VIEW_TOKEN)
        browser.find_element(By.TAG_NAME, "button").click()
        assert until(lambda: browser.find_element(By.ID, "canvas").get_attribute("data-serial"))
        assert until(lambda: browser.find_element(By.ID, "locked").is_displayed())
        assert until(lambda: browser.find_element(By.ID, "settings").is_displayed())
        changing = browser.find_elements(By.CSS_SELECTOR, "#actions button, #settings-form [name], #add button")
        assert len(changing) > 10
        assert not [one.get_attribute("name") for one in changing if one.is_enabled()]
        browser.find_element(By.CSS_SELECTOR, "#locked a").click()
        assert until(lambda: browser.current_url.endswith("/login"))
