"""What pip is given again to add an extra, for every way in which an installation comes about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from coconet.installation.origin import Origin, read_origin


def origin(record: Mapping[str, object], package: Path) -> Origin | None:
    return read_origin(package, json.dumps(record))


@pytest.mark.parametrize("editable", [True, False])
def test_a_checkout_is_named_by_its_folder(editable: bool, tmp_path: Path) -> None:
    folder = tmp_path / "a checkout"
    folder.mkdir()
    found = origin({"url": folder.as_uri(), "dir_info": {"editable": editable}}, tmp_path)
    assert found is not None
    wanted = f"{folder}[web,rtx]"
    assert found.words("web", "rtx") == (("-e", wanted) if editable else (wanted,))
    assert found.words()[-1] == str(folder)


def test_a_wheel_is_named_by_its_file(tmp_path: Path) -> None:
    wheel = tmp_path / "coconet_edge-0.2.0-py3-none-any.whl"
    wheel.touch()
    assert origin({"url": wheel.as_uri(), "archive_info": {}}, tmp_path) == Origin(str(wheel))


def test_a_repository_keeps_its_revision_and_loses_its_password(tmp_path: Path) -> None:
    record = {
        "url": "https://me:secret@example.org/coconet-edge.git",
        "vcs_info": {"vcs": "git", "requested_revision": "v2", "commit_id": "abc"},
    }
    found = origin(record, tmp_path)
    assert found is not None
    assert found.words("web") == ("coconet-edge[web] @ git+https://example.org/coconet-edge.git@v2",)


def test_an_archive_at_an_address_is_named_by_it(tmp_path: Path) -> None:
    found = origin({"url": "https://example.org/coconet.zip", "archive_info": {}}, tmp_path)
    assert found is not None
    assert found.words("web") == ("coconet-edge[web] @ https://example.org/coconet.zip",)


def test_what_is_gone_is_not_named(tmp_path: Path) -> None:
    assert origin({"url": (tmp_path / "gone").as_uri(), "dir_info": {}}, tmp_path) is None


@pytest.mark.parametrize("record", ["", "{", "[]", '{"url": 3}', "{}"])
def test_without_a_record_it_is_the_checkout_that_runs_or_an_index(record: str, tmp_path: Path) -> None:
    package = tmp_path / "coconet"
    assert read_origin(package, record) == Origin()
    (tmp_path / "setup.py").touch()
    assert read_origin(package, record) == Origin(str(tmp_path), editable=True)
