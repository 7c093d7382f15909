"""GStreamer pipelines as cameras; on Debian: apt install python3-gi gir1.2-gstreamer-1.0 gstreamer1.0-plugins-base."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError, Refused
from coconet.runtime.cameras.camera import Camera, CameraAbsent
from coconet.runtime.cameras.device.csi import csi_pipeline
from coconet.runtime.cameras.open_camera import Role, open_camera
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from tests.support.cameras.gstreamer import gstreamer_missing
from tests.support.models.tiny_onnx import write_averaging_model

MISSING = gstreamer_missing()
needs_gstreamer = pytest.mark.skipif(bool(MISSING), reason=MISSING)
LIVE = "gst://videotestsrc is-live=true"


@contextmanager
def opened(address: str, role: Role = "visible") -> Iterator[Camera]:
    with closing(open_camera(address, role)) as camera:
        yield camera


@needs_gstreamer
def test_a_pipeline_gives_frames_and_ends() -> None:
    began_ns = time.monotonic_ns()
    with opened(f"{LIVE} num-buffers=10 ! video/x-raw,width=62,height=48,framerate=25/1") as camera:
        frames = list(iter(camera.read, None))
        ended_ns = time.monotonic_ns()
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert 1 <= len(frames) <= 10  # one that comes before the last was taken replaces it
    assert {frame.pixels.shape for frame in frames} == {(48, 62, 3)}  # rows of 186 bytes, which GStreamer pads
    assert {frame.stamps for frame in frames} == {"stream"}
    stamps = [began_ns, *(frame.timestamp_ns for frame in frames), ended_ns]
    assert stamps == sorted(stamps)
    camera.close()


class Untouched:
    """In place of the clock that lays stream times onto this machine's: it leaves them as they are."""

    def stamp(self, presented_ns: int, arrived_ns: int) -> int:
        return presented_ns


@needs_gstreamer
def test_stamps_are_made_of_the_pipelines_own_times_and_not_of_arrivals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coconet.runtime.cameras.gstreamer.StreamClock", Untouched)
    with opened(f"{LIVE} num-buffers=25 ! video/x-raw,width=62,height=48,framerate=25/1") as camera:
        stamps = [frame.timestamp_ns for frame in iter(camera.read, None)]
    periods = np.diff(stamps)
    assert len(periods) >= 1
    assert periods.min() > 0
    assert not (periods % 40_000_000).any()  # several at a time if frames were not taken in time


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
        with pytest.raises(CoconetError, match="gives no video: Failed after iterations"):
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
    with pytest.raises(CoconetError, match=f"^{address.partition(' ')[0]}.* gives no video: .*{told}") as caught:
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
        pairs = list(islice((pair for pair in stream if not pair.missing), 12))
    assert len(pairs) == 12
    assert {side.stamps for pair in pairs for side in (pair.visible, pair.infrared)} == {"stream"}


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


@needs_gstreamer
def test_pixels_of_four_bytes_are_those_of_three() -> None:
    picture = f"{LIVE} num-buffers=1 pattern=smpte ! video/x-raw,width=62,height=48,format="
    read = []
    for form in ("BGRx", "BGR"):
        with opened(picture + form) as camera:
            frame = camera.read()
            assert frame is not None
            read.append(frame.pixels)
    assert np.array_equal(read[0], read[1])


@pytest.mark.parametrize(
    ("settings", "sensor", "given"),
    [
        ("", "sensor-id=0 ! video/x-raw(memory:NVMM),format=NV12 !", "format=BGRx"),
        ("?width=1280&height=720", "sensor-id=0 ! video", "format=BGRx,width=1280,height=720"),
        ("?fps=60&mode=3", "sensor-id=0 sensor-mode=3 ! video/x-raw(memory:NVMM),format=NV12,framerate=60/1 !", "BGRx"),
    ],
)
def test_a_csi_camera_is_asked_for_size_rate_and_mode(settings: str, sensor: str, given: str) -> None:
    text = csi_pipeline(f"csi://0{settings}", gray=False)
    assert sensor in text
    assert text.endswith(given)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("?width=1280", "have to be given together"),
        ("?width=1281&height=720", "width"),
        ("?depth=8", "depth"),
        ("?fps=0", "fps"),
    ],
)
def test_a_csi_camera_has_no_other_settings(settings: str, words: str) -> None:
    with pytest.raises(CoconetError, match=words):
        csi_pipeline(f"csi://0{settings}", gray=False)


@pytest.mark.parametrize("wrong", ["csi://", "csi://front", "csi://-1", "csi://0?width=1280", "csi://0?fps=0"])
def test_a_mistyped_csi_address_is_not_taken_for_a_camera_that_is_away(wrong: str) -> None:
    with pytest.raises(Refused):
        open_camera(wrong, "visible")


@needs_gstreamer
def test_onnx_runtime_still_refuses_a_model_in_words_after_gstreamer_was_loaded(tmp_path: Path) -> None:
    model = write_averaging_model(tmp_path / "model.onnx")
    model.write_bytes(model.read_bytes().replace(b"Cast", b"Nope"))  # no such operator: an exception of C++ within
    program = """
import sys
from pathlib import Path
from tests.support.cameras.gstreamer import gstreamer_missing
assert not gstreamer_missing()
from coconet.errors import CoconetError, Refused
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend
try:
    OnnxRuntimeBackend(Path(sys.argv[1]))
except CoconetError as error:
    print(error)
"""
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-c", program, str(model)]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=120, check=False)
    assert (answer.returncode, answer.stdout.startswith(str(model))) == (0, True), answer.stderr
