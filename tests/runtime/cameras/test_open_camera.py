"""Cameras by address."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError, Refused
from coconet.runtime.cameras.files import FolderCamera, VideoCamera
from coconet.runtime.cameras.open_camera import CameraSettings, check_sources, open_camera
from tests.support.media.recordings import flat, write_folder, write_video
from tests.support.servers.secret_addresses import SECRET, SECRET_ADDRESSES


def test_a_video_file_and_a_folder_are_known_by_what_they_are(tmp_path: Path) -> None:
    video = open_camera(str(write_video(tmp_path / "a.mp4", [flat(1)])), "visible")
    folder = open_camera(str(write_folder(tmp_path / "vis", [flat(1)])), "visible")
    video.close()
    assert isinstance(video, VideoCamera)
    assert isinstance(folder, FolderCamera)


def test_an_infrared_camera_of_any_kind_gives_one_channel(tmp_path: Path) -> None:
    video, folder = write_video(tmp_path / "a.mp4", [flat(1)]), write_folder(tmp_path / "ir", [flat(1)])
    for address in (str(video), str(folder), "synthetic://?width=32&height=32"):
        camera = open_camera(address, "infrared")
        frame = camera.read()
        camera.close()
        assert frame is not None
        assert frame.pixels.shape[2] == 1


def test_a_synthetic_address_sets_what_it_says() -> None:
    camera = open_camera("synthetic://?fps=25&width=64&height=48&seed=7&noise=0&jitter_ms=2&duration_s=0.4", "visible")
    stamps = []
    while (frame := camera.read()) is not None:
        stamps.append(frame.timestamp_ns)
        assert frame.pixels.shape == (48, 64, 3)
    assert len(stamps) == 10


def test_a_folder_takes_its_rate(tmp_path: Path) -> None:
    camera = open_camera(str(write_folder(tmp_path / "vis", [flat(1), flat(2)])), "visible", CameraSettings(fps=4))
    camera.read()
    second = camera.read()
    assert second is not None
    assert second.timestamp_ns == 250_000_000


@pytest.mark.parametrize("address", ["missing.mp4", "no/such/folder", "tape://1"])
def test_an_unknown_address_lists_the_kinds(address: str) -> None:
    with pytest.raises(CoconetError, match="expected a video file, a folder of pictures, a topic of a bag"):
        open_camera(address, "visible")


def test_a_rate_for_something_else_than_a_folder_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", [flat(1)])
    with pytest.raises(CoconetError, match="takes no fps = 9"):
        open_camera(str(path), "visible", CameraSettings(fps=9))


def test_an_unknown_synthetic_setting_lists_those_there_are() -> None:
    with pytest.raises(
        CoconetError, match=r"synthetic://\?size=3, size is not a known key here; known are fps, width, height"
    ):
        open_camera("synthetic://?size=3", "visible")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("fps=fast", "fps must be a number, not 'fast'"),
        ("fps=0", "fps must be 0.001 or more, not '0'"),
        ("fps", "fps must be a number, not ''"),
        ("fps=30&jitter_ms=50", "jitter_ms is 50, which is not less than"),
    ],
)
def test_a_bad_synthetic_value_is_named(query: str, told: str) -> None:
    with pytest.raises(CoconetError, match=told):
        open_camera(f"synthetic://?{query}", "visible")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("synthetic://?seed=1&seed=2", "synthetic://?seed=1&seed=2, seed is given 2 times. Leave one of them out."),
        ("synthetic://?seed=1&fps=9&seed=1&seed=", "seed is given 3 times"),
        ("csi://0?fps=30&mode=1&fps=60", "fps is given 2 times"),
    ],
)
def test_a_setting_that_is_given_twice_is_refused(address: str, said: str) -> None:
    with pytest.raises(Refused, match=re.escape(said)):
        open_camera(address, "visible")


def test_a_synthetic_address_with_a_place_is_refused() -> None:
    with pytest.raises(CoconetError, match=r"has something before its settings\. Begin it with synthetic://\?"):
        open_camera("synthetic://street?fps=30", "visible")


def test_an_address_with_a_password_is_refused_without_it() -> None:
    with pytest.raises(CoconetError) as caught:
        open_camera("rtsp://me:secret@127.0.0.1:9/live", "visible")
    assert "secret" not in str(caught.value)
    assert "rtsp://***@127.0.0.1:9/live" in str(caught.value)


def told_by(address: str) -> str:
    """What is said of a camera: its name, for a pipeline may begin to play, or why it does not open."""
    try:
        with closing(open_camera(address, "infrared")) as camera:
            return camera.name
    except CoconetError as error:
        return str(error)


@pytest.mark.parametrize("address", SECRET_ADDRESSES)
def test_no_address_is_refused_with_its_secret(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    local = re.sub(r"@host\b|(?<=//)host\b|192\.0\.2\.7", lambda found: "@" * ("@" in found[0]) + "127.0.0.1", address)
    assert SECRET not in "".join((told_by(local), *capfd.readouterr()))


NONE = ["http://[::1/x", "a" * 100_000, f"{'a' * 300}/b", "rtsp://" + "a" * 100_000, "a\0b", "http://a\0b", "\udcff"]


@pytest.mark.parametrize("address", NONE)
def test_an_address_that_is_none_is_refused_in_few_words(address: str) -> None:
    with pytest.raises(CoconetError) as caught:
        open_camera(address, "visible")
    assert len(str(caught.value)) < 600


def test_an_address_of_the_time_when_synthetic_was_called_painted_gives_the_same_frames() -> None:
    settings = "://?fps=25&width=64&height=48&seed=7&counts=true"
    with closing(open_camera(f"synthetic{settings}", "infrared")) as now:
        for former in ("painted", "Painted"):
            with closing(open_camera(former + settings, "infrared")) as then:
                check_sources(former + settings)
                assert then.name == now.name
        first, again = now.read(), open_camera(f"painted{settings}", "infrared").read()
    assert first is not None
    assert again is not None
    assert np.array_equal(first.pixels, again.pixels)


def test_an_address_that_a_run_sends_to_is_no_camera() -> None:
    with pytest.raises(Refused, match=r"udp://127.0.0.1:5000 can be written to, and not read"):
        check_sources("udp://127.0.0.1:5000")


def test_a_scheme_may_be_written_in_capitals() -> None:
    camera = open_camera("SYNTHETIC://?width=32&height=32", "visible")
    camera.close()
    assert camera.name == "synthetic visible"
