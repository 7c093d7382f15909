"""A page is opened in the user's browser, and never in the way: without a screen its place is said."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

import pytest

from coconet.errors import Refused
from coconet.pages.browser import check_open, open_page


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a page whose name needs quoting; no variable of this session says anything of a screen."""
    for name in ("SSH_CONNECTION", "SSH_TTY", "DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    page = tmp_path / "a page #1.html"
    page.write_text("<p>here</p>")
    return page


def browser_that(does: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a program as the only browser; return the file in which it notes what it was asked for."""
    noted, program = folder / "noted", folder / "browser"
    program.write_text(f'#!/bin/sh\n{does}\nprintf %s "$1" > "{noted}.part" && mv "{noted}.part" "{noted}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{program} %s")
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    return noted


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have their own way to a browser")
def test_the_browser_of_the_user_is_started_with_the_address_of_the_page(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    noted = browser_that(":", tmp_path, monkeypatch)
    open_page(page)
    assert noted.read_text() == page.as_uri()
    assert "%23" in page.as_uri()
    assert capsys.readouterr().err == ""


def test_over_ssh_and_without_a_screen_the_place_of_the_page_is_said(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    open_page(page)
    assert capsys.readouterr().err == f"{page} was not opened: there is no screen here. Open it in a browser.\n"
    noted = browser_that(":", tmp_path, monkeypatch)
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 22 192.0.2.2 22")
    open_page(page)
    assert "this is a session over SSH" in capsys.readouterr().err
    assert not noted.exists()


def test_a_browser_that_fails_ends_nothing(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    browser_that("exit 3", tmp_path, monkeypatch)
    open_page(page)
    assert f"{page} was not opened: " in capsys.readouterr().err


def test_a_page_that_is_not_written_cannot_be_opened() -> None:
    check_open(False, None)
    check_open(True, Path("page.html"))
    with pytest.raises(Refused, match="--open has no page to open. Pass --html PAGE too"):
        check_open(True, None)
