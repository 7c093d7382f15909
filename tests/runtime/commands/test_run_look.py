"""coconet run --look: what a file shows is what the view shows, and the rig file says it too."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from coconet.media.image import read_picture
from coconet.media.palettes.palette import palette_colours
from coconet.media.pixels import Pixels
from coconet.runtime.commands.run import run
from tests.support.media.heat_scenes import counts_of, disc_c
from tests.support.programs.called import call, complaint_of
from tests.support.rigs.heat_rig import heat_rig

RED = (40, 60, 255)


def out_of(rig: Path, *words: str) -> Pixels:
    out = rig.parent / "out.png"
    result = call(run, rig, "--model", "average", "--frames", 1, "--out", out, "--overwrite", *words)
    assert result.exit_code == 0, result.exception
    return read_picture(out)


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    return heat_rig(tmp_path, [counts_of(disc_c())])


def test_an_isotherm_is_red_where_the_scene_is_warm(rig: Path) -> None:
    picture = out_of(rig, "--look", "isotherm", "--look", "isotherm.above=30")
    warm = np.kron(disc_c() > 30, np.ones((2, 2), bool))
    assert ((picture == RED).all(axis=2) != warm).mean() < 0.01


def test_the_rig_file_says_what_goes_out_and_a_view_does_not(rig: Path) -> None:
    text = rig.read_text()
    rig.write_text(text + "[view]\nshow = 'visible'\n")
    plain = out_of(rig)
    rig.write_text(text + "[output]\nshow = 'infrared'\ncolours = 'turbo'\n")
    turbo = out_of(rig)
    colours = {tuple(one) for one in turbo.reshape(-1, 3).tolist()}
    assert colours <= {tuple(one) for one in palette_colours("turbo").astype(int).tolist()}
    assert not np.array_equal(plain, turbo)


def test_a_palette_of_ones_own_is_named_by_its_file(rig: Path) -> None:
    (rig.parent / "own.csv").write_text("0,0,255\n255,0,0\n")
    picture = out_of(rig, "--look", "infrared", "--look", f"colours={rig.parent / 'own.csv'}")
    assert not picture[:, :, 1].any()
    assert (picture.astype(int).sum(axis=2) == 255).all()


def test_a_palette_that_is_none_ends_the_run_before_it_begins(rig: Path) -> None:
    (rig.parent / "own.csv").write_text("0,0\n")
    words = (rig, "--model", "average", "--out", rig.parent / "x.png", "--look", f"colours={rig.parent / 'own.csv'}")
    assert "expected rows of red, green, blue" in complaint_of(run, *words)
    assert not (rig.parent / "x.png").exists()


def test_meters_and_overlay_go_out_if_they_are_asked_for(rig: Path) -> None:
    plain, labelled = out_of(rig), out_of(rig, "--look", "meters=true")
    assert (plain != labelled).any()
    assert plain.max() < 255
    assert labelled.max() == 255
    assert (out_of(rig, "--look", "overlay.show=['state']") != plain).any()


def test_side_by_side_is_twice_as_wide_also_in_a_video(rig: Path) -> None:
    assert out_of(rig, "--look", "side-by-side").shape == (120, 320, 3)
    out = rig.parent / "both.mp4"
    assert call(run, rig, "--model", "average", "--look", "side-by-side", "--out", out).exit_code == 0
    video = cv2.VideoCapture(str(out))
    assert (video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (320, 120)
    video.release()


def test_a_look_that_nobody_would_see_is_refused(rig: Path) -> None:
    complaint = complaint_of(run, rig, "--model", "average", "--look", "edges")
    assert complaint.startswith("--look has nothing to apply to: there is neither an output nor a view.")
