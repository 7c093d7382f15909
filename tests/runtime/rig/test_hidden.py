"""Addresses in rig files: what messages do not show is not written, and comes back when it is filled in."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from coconet.errors import Refused
from coconet.runtime.cameras.synthetic.camera import SyntheticSettings
from coconet.runtime.rig.edit import NewRig
from coconet.runtime.rig.hidden import take_out
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.rig.secrets import fill_in
from tests.support.servers.secret_addresses import SECRET, SECRET_ADDRESSES

NAME = "COCONET_CAMERA_PASSWORD"
P, P2, P3 = (f"${{{NAME}{ending}}}" for ending in ("", "_2", "_3"))

ALL_KEYS = "&".join(f"{name}={'true' if name == 'counts' else 2}" for name in SyntheticSettings.model_fields)

LEFT = [
    ("rtsp://camera/main", "rtsp://camera/main", []),
    ("rtsp://me@camera/main", f"rtsp://{P}@camera/main", ["me"]),
    ("rtsp://me:p@ss@camera:554/x", f"rtsp://me:{P}@camera:554/{P2}", ["p@ss", "x"]),
    ("http://camera/video?user=me&password=abc&fps=5", f"http://camera/video?user=me&password={P}&fps=5", ["abc"]),
    ("rtsp://me:abc@c/?token=abc&pwd=xyz", f"rtsp://me:{P}@c/?token={P}&pwd={P2}", ["abc", "xyz"]),
    ("rtsp://c/?token=a%2Bb%3D", f"rtsp://c/?token={P}", ["a+b="]),
    ("rtsp://c/?%74oken=abc&loginpas=de", f"rtsp://c/?%74oken={P}&loginpas={P2}", ["abc", "de"]),
    ("http://c/?x-amz-signature=abc", f"http://c/?x-amz-signature={P}", ["abc"]),
    ("http://c/?abc=d", f"http://c/?{P}={P2}", ["abc", "d"]),
    ("rtsp://c/?user=me", f"rtsp://c/?user={P}", ["me"]),
    (
        "rtsp://c/user=admin_password=a_b_channel=1_stream=0.sdp?real_stream",
        f"rtsp://c/user=admin_password={P}_channel=1_stream=0.sdp?real_stream",
        ["a_b"],
    ),
    ("rtsp://c/user=admin_passwd=abc", f"rtsp://c/user=admin_passwd={P}", ["abc"]),
    ("rtsp://c/?user=admin_password=abc_ch=1", f"rtsp://c/?user={P}", ["admin_password=abc_ch=1"]),
    (f"rtsp://me:{P}@camera/main-{P2}?token={P3}", f"rtsp://me:{P}@camera/main-{P2}?token={P3}", []),
    ("gst://rtspsrc location=rtsp://me:a%b@c/ ! tee", f"gst://rtspsrc location=rtsp://me:{P}@c/ ! tee", ["a%b"]),
    ("gst://rtspsrc user-id=me user-pw=abc ! decodebin", f"gst://rtspsrc user-id=me user-pw={P} ! decodebin", ["abc"]),
    (f"gst://rtspsrc user-pw={P} ! mydecoder", f"gst://rtspsrc user-pw={P} ! mydecoder", []),
    ("night/visible.mkv", "night/visible.mkv", []),
    (f"synthetic://?{ALL_KEYS}", f"synthetic://?{ALL_KEYS}", []),
]


@pytest.mark.parametrize(("address", "left", "secrets"), LEFT)
def test_what_is_secret_is_taken_out_and_comes_back(address: str, left: str, secrets: list[str]) -> None:
    taken = take_out(address)
    assert (taken.address, list(taken.secrets.values())) == (left, secrets)
    assert not any(secret in repr(taken) for secret in secrets if len(secret) > 3)
    assert not secrets or unquote(fill_in(left, taken.secrets)) == unquote(address)


def test_a_word_that_may_belong_to_a_password_is_refused() -> None:
    with pytest.raises(Refused, match="cannot be told from the rest"):
        take_out("gst://rtspsrc user-pw=a ! mydecoder ! appsink")


@pytest.mark.parametrize("address", SECRET_ADDRESSES)
def test_no_form_of_address_is_written_with_its_secret(address: str, tmp_path: Path) -> None:
    rig = Rig.model_validate({"visible": {"address": address}, "infrared": {"address": "rtsp://camera/live"}})
    try:
        new = NewRig.of(rig, tmp_path)
    except Refused as refusal:
        shown = str(refusal).lower()
    else:
        shown = ""
    assert SECRET.lower() not in shown
    if shown:
        return
    beside_a_password = address.startswith(f"rtsp://{SECRET}:x@")
    assert beside_a_password or SECRET not in new.text
    assert unquote(fill_in(take_out(address).address, take_out(address).secrets)) == unquote(address)


def test_a_file_of_any_name_that_is_there_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "me:word@home & co").mkdir()
    assert take_out(f"{tmp_path}/me:word@home & co").secrets == {}
