from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.files import existing_file, sha256_of, whole_file


def test_a_file_appears_only_when_its_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    with whole_file(path) as scratch:
        scratch.write_text("done")
        assert not path.exists()
    assert path.read_text() == "done"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")

    def write_half() -> None:
        with whole_file(path) as scratch:
            scratch.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_scratch_file_keeps_the_ending_that_writers_go_by(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.int8.onnx") as scratch:
        assert scratch.suffix == ".onnx"
        assert scratch.parent == tmp_path


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="wanted a path in an existing folder"), whole_file(tmp_path / "no" / "x"):
        pass


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="wanted an ONNX model, got a folder"):
        existing_file(tmp_path, "an ONNX model")


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9000
    (tmp_path / "x").write_bytes(content)
    assert sha256_of(tmp_path / "x") == hashlib.sha256(content).hexdigest()


def test_a_file_that_others_may_not_read_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text("old")
    path.chmod(0o600)
    with whole_file(path) as scratch:
        scratch.write_text("new")
    assert path.stat().st_mode & 0o777 == 0o600
