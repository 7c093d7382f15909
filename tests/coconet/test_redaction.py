"""Redaction: what is shown of an address, and that its secret is not."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coconet.errors import CoconetError
from coconet.redaction import is_network_address, redact, redact_text
from tests.support.servers.secret_addresses import SECRET, SECRET_ADDRESSES

SHOWN = [
    ("rtsp://me:secret@host:554/live", "rtsp://***@host:554/live"),
    ("rtsp://me:sec/ret@192.0.2.7:554/live", "rtsp://***@192.0.2.7:554/live"),
    ("rtsp://me:sec@ret/@host/live", "rtsp://***"),
    ("RTSP://me:secret@host/live", "RTSP://***@host/live"),
    ("me:secret@host", "***"),
    ("rtsp://host/live", "rtsp://host/live"),
    ("http://host/live?user=me&pwd=secret&size=1", "http://host/live?user=***&pwd=***&size=1"),
    ("rtsp://192.0.2.7/user=admin_password=x_channel=1.sdp", "rtsp://192.0.2.7/***"),
    ("http://[2001:db8::7]:80/cam.mjpg", "http://[2001:db8::7]:80/cam.mjpg"),
    ("http://[::1/x", "http://***"),
    ("rtsp://host/Streaming/Channels/101", "rtsp://host/Streaming/Channels/101"),
    ("http://host/mjpg/video.cgi?resolution=640x480", "http://host/mjpg/video.cgi?resolution=640x480"),
    ('gst://rtspsrc user-id=me user-pw="my secret" ! decodebin', "gst://rtspsrc user-id=*** user-pw=*** ! decodebin"),
    ("gst://v4l2src io-mode=2 ! image/jpeg,width=64", "gst://v4l2src io-mode=2 ! image/jpeg,width=64"),
    ("synthetic://?fps=30&width=640&seed=1", "synthetic://?fps=30&width=640&seed=1"),
    ("painted://?fps=30&width=640&seed=1", "painted://?fps=30&width=640&seed=1"),
    ("csi://0", "csi://0"),
    ("csi://0?width=1280&height=720&fps=30", "csi://0?width=1280&height=720&fps=30"),
    ("csi://0?width=hunter2", "csi://0?width=***"),
    ("/dev/video0", "/dev/video0"),
    ("clips/me@home.mp4", "clips/me@home.mp4"),
    ("clips/zu\u0308rich.mp4", "clips/zu\u0308rich.mp4"),
    ("clips/\u0939\u093f\u0928\u094d\u0926\u0940.mp4", "clips/\u0939\u093f\u0928\u094d\u0926\u0940.mp4"),
    ("/data/night 2026-01-31T23:59:59/rig.toml", "/data/night 2026-01-31T23:59:59/rig.toml"),
    ("clips/\x1b[31m.mp4", "clips/***"),
]


@pytest.mark.parametrize(("address", "shown"), SHOWN)
def test_what_is_known_to_be_harmless_is_shown_and_the_rest_is_not(address: str, shown: str) -> None:
    assert redact(address) == shown


@pytest.mark.parametrize("address", SECRET_ADDRESSES)
def test_no_form_of_address_shows_its_secret(address: str) -> None:
    for shown in (
        redact(address),
        redact_text(address),
        redact_text(f"could not open '{address}' here", address),
        str(
            CoconetError(
                address, wanted="a camera", got=repr(address), remedy=f"Look at {address}.", says=f"is {address}"
            )
        ),
        str(CoconetError(Path(address), wanted="a file", got="none", remedy="Look there.", says="is not there")),
    ):
        assert SECRET not in shown
        assert SECRET.lower() not in shown.lower()


@pytest.mark.parametrize("address", [*SECRET_ADDRESSES, *(address for address, _ in SHOWN)])
def test_what_has_been_redacted_stays_as_it_is(address: str) -> None:
    assert redact(redact(address)) == redact(address)


AROUND = st.text(st.sampled_from("aZ09:/@?#&=%;!'\"\\[] .,-_~"), max_size=6)


@settings(max_examples=400)
@given(AROUND, AROUND, st.sampled_from(["rtsp", "RTSPS", "http", "srt", "tape"]), st.booleans())
def test_a_password_of_any_characters_is_never_shown(before: str, after: str, scheme: str, escaped: bool) -> None:
    password = f"{before}{SECRET}{after}"
    address = f"{scheme}://me:{quote(password, safe='') if escaped else password}@camera.example:554/live?fps=5"
    assert SECRET not in redact(address)
    assert SECRET not in redact_text(f"{address}: nobody answers", address)


@settings(max_examples=400)
@given(AROUND, AROUND, st.sampled_from(["user-pw", "location", "extra-headers", "a"]), st.sampled_from(["'", '"']))
def test_a_quoted_property_of_a_pipeline_is_never_shown(before: str, after: str, key: str, mark: str) -> None:
    value = f"{before}{SECRET}{after}".replace("\\", "").replace(mark, "")
    address = f"gst://rtspsrc {key}={mark}{value}{mark} ! decodebin"
    assert SECRET not in redact(address)
    assert SECRET not in redact_text(f'no element "{value}"', address)


@pytest.mark.parametrize("part", ["a", "@", ":/", "a=b ", "live/", '"', "a=b&", "a://", "\\"])
def test_a_long_address_is_shortened_and_takes_no_time(part: str) -> None:
    for before in ("", "rtsp://me:", "gst://", "http://host/?"):
        address = before + part * (100_000 // len(part))
        assert len(redact(address)) < 250
        assert len(redact_text(address)) <= (100_013 if " " in part else 250)  # a quadratic step would take an hour


MESSAGES = ["[infrared] agc_percentiles", "activation /conv1/Relu_output_0, frame 1.png", "a.mp4: 3 of 4", "--port=x"]


@pytest.mark.parametrize("text", MESSAGES)
def test_a_message_without_an_address_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


NETWORK = ["rtsp://h/x", "rtsp:/h/x", "RTSP:h", "srt://h:1", "tape://1", "http//h/x", " udp://h:1", "me:word@h"]


@pytest.mark.parametrize("path", NETWORK)
def test_a_network_address_is_known_however_it_is_written(path: str) -> None:
    assert is_network_address(path)


PATHS = ["a.mp4", "rtsp/a.mp4", "out:1.mp4", "C:/x", "./rtsp:x", "/media/http", "udp", "night 23:59"]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_no_network_address(path: str) -> None:
    assert not is_network_address(path)
