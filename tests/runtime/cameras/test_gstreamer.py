"""GStreamer pipelines as cameras; on Debian: apt install python3-gi gir1.2-gstreamer-1.0 gstreamer1.0-plugins-base."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.cameras.camera import Camera, CameraAbsent
from coconet.runtime.cameras.csi import csi_pipeline
from coconet.runtime.cameras.open_camera import Role, open_camera
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from tests.support.gstreamer import gstreamer_missing

MISSING = gstreamer_missing()
needs_gstreamer = pytest.mark.skipif(bool(MISSING), reason=MISSING)
LIVE = "gst://videotestsrc is-live=true"


@contextmanager
def opened(address: str, role: Role = "visible") -> Iterator[Camera]:
    with closing(open_camera(address, role)) as camera:
        yield camera


@needs_gstreamer
def test_a_pipeline_gives_frames_with_its_own_times_and_ends() -> None:
    with opened(f"{LIVE} num-buffers=3 ! video/x-raw,width=62,height=48,framerate=25/1") as camera:
        frames = list(iter(camera.read, None))
        now_ns = time.monotonic_ns()
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert [frame.pixels.shape for frame in frames] == [(48, 62, 3)] * 3  # rows of 186 bytes, which GStreamer pads
    assert {frame.stamps for frame in frames} == {"stream"}
    assert 0 < now_ns - frames[-1].timestamp_ns < 5e9
    assert frames[2].timestamp_ns - frames[0].timestamp_ns == pytest.approx(80e6, abs=30e6)
    camera.close()


@needs_gstreamer
def test_colours_come_in_the_order_of_ours() -> None:
    with opened(f"{LIVE} pattern=blue ! video/x-raw,format=RGB,width=62,height=48") as camera:
        frame = camera.read()
    assert frame is not None
    assert frame.pixels[20, 30].tolist() == [255, 0, 0]


@needs_gstreamer
@pytest.mark.parametrize(
    ("form", "dtype"),
    [("GRAY16_LE", np.uint16), ("GRAY16_BE", np.uint16), ("GRAY8", np.uint8), ("I420", np.uint8), ("BGRx", np.uint8)],
)
def test_infrared_counts_stay_16_bit_and_pictures_8_bit(form: str, dtype: type) -> None:
    with opened(f"{LIVE} pattern=white ! video/x-raw,format={form},width=61,height=48", "infrared") as camera:
        frame = camera.read()
    assert frame is not None
    assert (frame.pixels.shape, frame.pixels.dtype) == ((48, 61, 1), np.dtype(dtype))
    assert frame.pixels.min() >= 0.9 * np.iinfo(dtype).max  # the whole width, none of the padding


@needs_gstreamer
def test_an_element_that_fails_on_the_way_is_an_error_and_not_an_end() -> None:
    with opened(f"{LIVE} ! identity error-after=3 ! video/x-raw,width=64,height=48") as camera:
        camera.read()
        camera.read()
        with pytest.raises(CoconetError, match="wanted a pipeline that gives raw video, got Failed after iterations"):
            camera.read()


@needs_gstreamer
@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("gst://nosuchthing", 'no element "nosuchthing"'),
        ("gst://videotestsrc ! audioconvert", "could not link videotestsrc"),
        ("csi://0", 'no element "nvarguscamerasrc"'),
    ],
)
def test_a_pipeline_that_cannot_be_is_told_in_one_sentence(address: str, told: str) -> None:
    with pytest.raises(CoconetError, match=f"^{address.partition(' ')[0]}.*: wanted a pipeline.*{told}") as caught:
        open_camera(address, "visible")
    assert not isinstance(caught.value, CameraAbsent)


@needs_gstreamer
def test_a_pipeline_that_may_start_later_is_absent_and_shows_no_password() -> None:
    address = "gst://multifilesrc location=/none/user-pw=secret ! decodebin"
    with pytest.raises(CameraAbsent) as caught:
        open_camera(address, "visible")
    assert "secret" not in str(caught.value)


@needs_gstreamer
def test_two_pipelines_are_a_live_rig() -> None:
    form = "video/x-raw,width=64,height=48,framerate"
    rig = Rig.from_addresses(f"{LIVE} pattern=snow ! {form}=30/1", f"{LIVE} pattern=snow ! {form}=25/1")
    with open_rig(rig) as stream:
        pairs = [pair for pair, _ in zip(stream, range(12), strict=False)]
    assert not any(pair.missing for pair in pairs)
    assert max(abs(pair.skew_ns) for pair in pairs[4:]) <= 25e6


@needs_gstreamer
@pytest.mark.parametrize("gray", [False, True])
def test_the_pipeline_of_a_csi_camera_parses_and_gives_frames_where_nvidias_elements_are_replaced(gray: bool) -> None:
    text = csi_pipeline("csi://1", gray=gray)
    assert "nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),format=NV12" in text
    stand_ins = {"nvarguscamerasrc sensor-id=1": LIVE[6:], "(memory:NVMM)": "", "nvvidconv": "videoconvert"}
    for name, stand_in in stand_ins.items():
        text = text.replace(name, stand_in)
    with opened(f"gst://{text}", "infrared" if gray else "visible") as camera:
        frame = camera.read()
    assert frame is not None
    assert frame.pixels.shape[2] == (1 if gray else 3)
    assert frame.pixels.dtype == np.uint8
