"""Coloured thermal pictures: the palette found, turned back, and said."""

from __future__ import annotations

from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pytest

from coconet.media.palettes.palette import PALETTES, palette_colours
from coconet.media.palettes.recognition import InfraredGray, found_palette, is_coloured, turned_back
from coconet.media.pixels import Pixels

NAMES = [name for name, recipe in PALETTES.items() if recipe.found]


def levels() -> Pixels:
    rows, columns = np.mgrid[0:120, 0:160]
    waves = 90 + 50 * np.sin(rows / 17) + 50 * np.cos(columns / 23)
    waves[40:80, 60:100] = 250
    picture: Pixels = np.clip(waves, 0, 255).astype(np.uint8)
    return picture


def shown(name: str) -> Pixels:
    return palette_colours(name)[levels()].astype(np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_a_palette_is_found_and_turned_back(name: str) -> None:
    assert is_coloured(shown(name)) or name == "bone"
    assert found_palette(shown(name)) == name
    assert np.abs(turned_back(shown(name), name)[:, :, 0].astype(int) - levels()).max() <= 3


@pytest.mark.parametrize("name", ["ironbow", "jet", "inferno", "turbo"])
def test_jpeg_hides_no_palette(name: str) -> None:
    coded = cv2.imencode(".jpg", shown(name), [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    picture = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    assert found_palette(picture) == name
    assert np.abs(turned_back(picture, name)[:, :, 0].astype(int) - levels()).mean() < 3


@pytest.mark.parametrize("name", ["jet", "inferno", "turbo", "viridis", "plasma", "magma"])
def test_the_palettes_of_matplotlib_are_turned_back_too(name: str) -> None:
    theirs = np.rint(mpl.colormaps[name](levels())[:, :, 2::-1] * 255).astype(np.uint8)
    assert found_palette(theirs) == name
    assert np.abs(turned_back(theirs, name)[:, :, 0].astype(int) - levels()).max() <= 8


def test_ironbow_is_that_of_cameras() -> None:
    iron = palette_colours("ironbow")[[0, 63, 125, 190, 255], ::-1]  # R, G, B of the colours that makers publish
    assert np.abs(iron - [[0, 0, 10], [142, 0, 157], [228, 67, 27], [254, 176, 0], [255, 255, 246]]).max() < 8


def test_what_is_no_palette_is_its_luma_with_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    gray = InfraredGray("auto", str(tmp_path))
    assert np.array_equal(gray(picture)[:, :, 0], cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
    assert gray.used == "luma"
    assert "in colours of no known palette" in capsys.readouterr().err
    gray(picture)
    assert capsys.readouterr().err == ""  # once


def test_a_stream_that_changes_its_palette_is_followed() -> None:
    gray = InfraredGray("auto", "a camera", follows=True)
    seen = [(gray(shown(name)), gray.used)[1] for name in ("jet", "jet", "inferno", "inferno", "jet")]
    assert seen == ["jet", "jet", "inferno", "inferno", "jet"]


def test_luma_on_request_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gray = InfraredGray("luma", str(tmp_path))
    assert np.array_equal(gray(shown("jet"))[:, :, 0], cv2.cvtColor(shown("jet"), cv2.COLOR_BGR2GRAY))
    assert capsys.readouterr().err == ""


def test_gray_pictures_in_three_channels_have_no_colour() -> None:
    gray = levels()[:, :, None].repeat(3, axis=2)
    noisy = np.clip(gray.astype(int) + np.random.default_rng(0).integers(-4, 5, gray.shape), 0, 255).astype(np.uint8)
    assert not is_coloured(noisy)
    assert InfraredGray("auto", "x")(noisy).shape == (120, 160, 1)


@pytest.mark.data
def test_no_visible_picture_is_taken_for_a_palette(data: Path) -> None:
    pictures = [cv2.imread(str(path)) for path in sorted((data / "roadscene" / "vis").iterdir())]
    assert [found_palette(np.asarray(picture, np.uint8)) for picture in pictures] == [None] * len(pictures)


def test_a_stream_of_no_known_palette_is_searched_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str | None] = []
    answers = iter([*[None] * 8, "jet"])

    def found(_pixels: Pixels) -> str | None:
        searched.append(next(answers))
        return searched[-1]

    monkeypatch.setattr("coconet.media.palettes.recognition.found_palette", found)
    gray, picture = InfraredGray("auto", "an unknown camera", follows=True), shown("jet")
    used = [(gray(picture), len(searched))[1] for _ in range(300)]
    assert [used.index(count) for count in range(1, 10)] == [0, 2, 6, 14, 30, 62, 126, 190, 254]
    assert gray.used == "jet"


def test_a_picture_of_a_stream_that_tells_no_palette_keeps_that_of_the_one_before() -> None:
    gray = InfraredGray("auto", "a camera that looks at a wall", follows=True)
    gray(shown("jet"))
    wall = np.full((120, 160), 90, np.uint8)
    assert np.all(gray(palette_colours("jet")[wall].astype(np.uint8)) == 90)
