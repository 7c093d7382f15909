"""coconet run in parts: folders and videos come out as if they were fused whole, and what cannot be is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coconet.media.image import read_picture, write_picture
from coconet.runtime.commands.run import run
from tests.support.media.textured import unequal_pair
from tests.support.programs.called import call, complaint_of

SYNTHETIC = "synthetic://?width=208&height=156&duration_s=0.1"


def folder(root: Path) -> tuple[Path, Path]:
    """Two pictures of unlike size on each side."""
    for name, size in (("a.png", (203, 275)), ("b.png", (99, 301))):
        for side, pixels in zip(("vis", "ir"), unequal_pair(*size), strict=True):
            (root / side).mkdir(exist_ok=True)
            write_picture(root / side / name, pixels)
    return root / "vis", root / "ir"


@pytest.mark.parametrize("source", ["folder", "video"])
def test_parts_give_the_pictures_of_the_whole(source: str, tmp_path: Path) -> None:
    cameras = folder(tmp_path) if source == "folder" else (SYNTHETIC, SYNTHETIC)
    for pixels in (0, 30_000):
        words = ["--backend", "ort", "--tile-pixels", pixels, "--frames", 2, "--out", f"{tmp_path / str(pixels)}/"]
        result = call(run, *cameras, *words)
        assert result.exit_code == 0, result.exception
    wholes = sorted((tmp_path / "0").iterdir())
    assert len(wholes) == 2
    for whole in wholes:
        parts = read_picture(tmp_path / "30000" / whole.name)
        assert np.abs(parts.astype(int) - read_picture(whole)).max() <= 1


@pytest.mark.parametrize("model", ["average", "coconet-fp16"])
def test_parts_of_a_model_that_sees_the_whole_are_refused(model: str, tmp_path: Path) -> None:
    words = [*folder(tmp_path), "--backend", "auto", "--model", model, "--tile-pixels", 20_000]
    complaint = complaint_of(run, *words, "--out", f"{tmp_path / 'out'}/")
    assert "a pixel of its picture depends on the whole" in complaint
    assert "Leave --tile-pixels out" in complaint
    assert not (tmp_path / "out").exists()


def test_a_model_that_would_be_picked_is_refused_before_the_cameras_give_a_frame() -> None:
    complaint = complaint_of(run, SYNTHETIC, SYNTHETIC, "--model", "coconet", "--tile-pixels", 20_000)
    assert complaint.startswith("--tile-pixels does not work with")
