from __future__ import annotations

from pathlib import Path

import pytest

from coconet.config import read_toml, write_toml
from coconet.errors import CoconetError


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    fields = {"name": 'a "b" \\ ü\n', "steps": 3, "rate": 1e-4, "on": True, "data": ["x", "y"], "table": {"key": 1}}
    write_toml(tmp_path / "a.toml", fields)
    assert read_toml(tmp_path / "a.toml", "a recipe") == fields


def test_a_byte_order_mark_that_an_editor_wrote_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfsteps = 3\n")
    assert read_toml(tmp_path / "a.toml", "a recipe") == {"steps": 3}


@pytest.mark.parametrize("content", [b"steps = ", b"\xff\xfe", b".".join([b"a"] * 20000) + b" = 1"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(CoconetError, match=r"a\.toml is not valid TOML"):
        read_toml(tmp_path / "a.toml", "a recipe")


def test_a_missing_file_is_named_with_what_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="does not exist; expected a recipe"):
        read_toml(tmp_path / "gone.toml", "a recipe")
