from __future__ import annotations

from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.media.pairs import pair_by_name, paired_folder, pictures_in


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(("infrared", "visible"), [("ir", "vis"), ("IR", "VIS"), ("infrared", "visible")])
def test_the_usual_folder_names_are_understood(tmp_path: Path, infrared: str, visible: str) -> None:
    touch(tmp_path / infrared, "a.png", "b.png")
    touch(tmp_path / visible, "b.jpg", "a.png")
    pairs = paired_folder(tmp_path)
    assert [pair.name for pair in pairs] == ["a.png", "b.jpg"]
    assert pairs[1].infrared == tmp_path / infrared / "b.png"


def test_other_files_are_no_pictures(tmp_path: Path) -> None:
    assert [path.name for path in pictures_in(touch(tmp_path / "x", "a.PNG", "notes.txt"))] == ["a.PNG"]


def test_a_folder_without_the_two_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "ir", "a.png")
    with pytest.raises(CoconetError, match="wanted a subfolder called vis, visible, .* got none of them"):
        paired_folder(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="gone: wanted a folder of paired pictures, got no such folder"):
        paired_folder(tmp_path / "gone")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="wanted pictures .* got a folder without any"):
        pictures_in(touch(tmp_path / "ir"))


def test_a_picture_that_stands_alone_is_named(tmp_path: Path) -> None:
    visible, infrared = touch(tmp_path / "vis", "a.png", "b.png"), touch(tmp_path / "ir", "a.png")
    with pytest.raises(CoconetError, match="1 without a partner, the first one b"):
        pair_by_name(visible, infrared)


def test_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"a\.jpg: wanted one picture of each name"):
        pictures_in(touch(tmp_path / "vis", "a.png", "a.jpg"))
