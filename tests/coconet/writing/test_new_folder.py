"""A folder that was made for results goes again if there were none; whatever lies in it or was there before stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.writing.new_folder import new_folder


def refuse(folder: Path, content: str = "") -> None:
    with new_folder(folder):
        assert folder.is_dir()
        if content:
            (folder / content).touch()
        raise ValueError("refused")


def test_a_folder_made_for_nothing_goes_with_those_above_it_that_were_made(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(ValueError, match="refused"):
        refuse(tmp_path / "there" / "a" / "b")
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]


def test_an_empty_folder_of_before_and_what_was_written_stay(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="refused"):
        refuse(tmp_path)
    with pytest.raises(ValueError, match="refused"):
        refuse(tmp_path / "a" / "b", "state")
    assert (tmp_path / "a" / "b" / "state").exists()


def test_it_stays_without_an_error_and_an_address_is_no_folder(tmp_path: Path) -> None:
    with new_folder(tmp_path / "kept"):
        pass
    assert (tmp_path / "kept").is_dir()
    with pytest.raises(CoconetError, match="address"), new_folder(Path("rtsp://camera/stream")):
        pass
