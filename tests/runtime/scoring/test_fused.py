"""Fused pictures found for the pairs they are of, by name or in order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.image import write_picture
from coconet.runtime.frame import Frame, FramePair
from coconet.runtime.scoring.fused import open_fused
from tests.support.media.textured import textured

NAMES = ["a.png", "b.png"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of both names, as BMP to show that the ending does not matter."""
    for kind, name in enumerate(NAMES):
        write_picture((tmp_path / name).with_suffix(".bmp"), textured(kind)[:, :, None])
    return tmp_path


def pair_called(name: str) -> FramePair:
    frame = Frame(textured(7)[:, :, None], 0, 0, name)
    return FramePair(frame, frame)


def test_the_picture_of_a_pair_is_found_by_its_name(folder: Path) -> None:
    fused = open_fused("mean", str(folder), NAMES)
    assert np.array_equal(fused.picture_of(pair_called("vis/b.png"))[1][:, :, 0], textured(1))
    assert np.array_equal(fused.picture_of(pair_called("A.jpg"))[1][:, :, 0], textured(0))


def test_a_pair_without_a_fused_picture_is_named(folder: Path) -> None:
    (folder / "b.bmp").unlink()
    with pytest.raises(CoconetError, match=r"does not fit the pairs: it has no picture for B_1\.PNG"):
        open_fused("mean", str(folder), ["a.png", "B_1.PNG"])


def test_fused_pictures_without_a_pair_are_named_and_counted(folder: Path) -> None:
    for extra in "vwxyz":
        write_picture(folder / f"{extra}.png", textured(0)[:, :, None])
    with pytest.raises(CoconetError, match=r"it has no pair for v\.png, w\.png, x\.png and 2 others"):
        open_fused("mean", str(folder), NAMES)
    open_fused("mean", str(folder), NAMES, whole=False).close()


def test_two_fused_pictures_of_one_name_are_refused(folder: Path) -> None:
    write_picture(folder / "a.png", textured(0)[:, :, None])
    with pytest.raises(CoconetError, match="has the same name as"):
        open_fused("mean", str(folder), NAMES)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="has no pictures: it is empty"):
        open_fused("mean", str(tmp_path), NAMES)


def test_pairs_without_names_take_the_pictures_in_order_and_say_which_are_too_few_or_too_many(folder: Path) -> None:
    fused, pair = open_fused("mean", str(folder), []), pair_called("")
    fused.leave_out(pair)
    with pytest.raises(CoconetError, match="has more frames than the 1 pair"):
        fused.check_end(1)
    with pytest.raises(CoconetError, match="ends after 1 frame, and there are more pairs.* --pairs 1"):
        fused.picture_of(pair)


def test_an_address_is_no_fused_video_and_its_password_is_not_shown() -> None:
    with pytest.raises(CoconetError, match="is a network address; expected fused pictures") as caught:
        open_fused("mean", "rtsp://me:secret@host/fused", [])
    assert "secret" not in str(caught.value)
