"""Secrets of addresses: kept out of rig files, put back when a camera is opened, shown nowhere."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coconet.errors import Refused
from coconet.redaction import redact
from coconet.runtime.rig.hidden import take_out
from coconet.runtime.rig.secrets import beside, fill_in, write_secret

NAME = "COCONET_CAMERA_PASSWORD"
SHOWN = "rtsp://***@camera/main"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=20))
def test_a_password_comes_back_as_it_was(password: str) -> None:
    filled = fill_in(f"rtsp://me:${{{NAME}}}@camera/main", {NAME: password})
    assert unquote(urlsplit(filled).password or "") == password
    taken = take_out(filled)
    assert taken.address == f"rtsp://me:${{{NAME}}}@camera/main"
    assert taken.secrets == {NAME: password}
    assert redact(filled) == SHOWN


def test_a_file_of_its_owner_holds_a_secret(tmp_path: Path) -> None:
    write_secret(tmp_path / "camera.key", "p@ss word")
    assert (tmp_path / "camera.key").stat().st_mode & 0o777 == 0o600
    address = beside(tmp_path, "rtsp://me:${file:camera.key}@camera/x")
    assert fill_in(address) == "rtsp://me:p%40ss%20word@camera/x"


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [("x", 0o644, "chmod 600"), ("", 0o600, "has no secret on its first line"), (None, 0, "No such")],
)
def test_a_file_that_others_read_or_that_is_empty_or_gone_is_refused(
    content: str | None, mode: int, said: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)
        (tmp_path / "key").chmod(mode)
    with pytest.raises(Refused, match=said):
        fill_in(f"rtsp://me:${{file:{tmp_path}/key}}@camera/x")


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(Refused, match=rf"environment variable {NAME} is not set.* read -rs {NAME}"):
        fill_in(f"rtsp://me:${{{NAME}}}@camera/x", {})


def test_a_pipeline_takes_a_secret_as_it_is_or_refuses_it() -> None:
    pipeline = f"gst://rtspsrc location=rtsp://camera user-pw=${{{NAME}}}"
    assert fill_in(pipeline, {NAME: "a%b"}).endswith("user-pw=a%b")
    with pytest.raises(Refused, match="without spaces"):
        fill_in(pipeline, {NAME: "a ! b"})


def test_paths_are_no_place_for_references() -> None:
    assert fill_in("night/${NAME}.mkv", {"NAME": "x"}) == "night/${NAME}.mkv"
