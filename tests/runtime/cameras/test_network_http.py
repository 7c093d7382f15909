"""Network cameras over HTTP, served on this machine: MJPEG as webcams send it, and a video file."""

from __future__ import annotations

import base64
import io
import sys
import time
import wave
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import av
import cv2
import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.cameras.camera import CameraAbsent, CameraWithoutVideo, damaged_frames
from coconet.runtime.cameras.open_camera import open_camera
from coconet.runtime.frame import Frame
from tests.support.media.moving_video import holed, moving_video
from tests.support.media.recordings import flat, write_video

LEVELS = tuple(range(30, 230))
ALLOWED = "Basic " + base64.b64encode(b"me:secret").decode()


def sound() -> bytes:
    """A second of silence as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(16000))
    return file.getvalue()


OTHER_KINDS = {"/page": b"<html><body>Please log in.</body></html>" * 100, "/sound.wav": sound()}


class WebCamera(BaseHTTPRequestHandler):
    """`/live` is MJPEG, `/locked` the same behind a password, `/silent` nothing, `/nothing` not there, the rest a file.

    Who has seen enough hangs up in the middle of an answer, which is no failure.
    """

    film: Path
    damaged: bytes

    def do_GET(self) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            self._answer()

    def _answer(self) -> None:
        if self.path == "/locked" and self.headers.get("Authorization") != ALLOWED:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
        elif self.path == "/film.mkv":
            film = self.film.read_bytes()
            self._begin("video/x-matroska", len(film))
            self.wfile.write(film)
        elif self.path == "/damaged.ts":
            self._begin("video/mp2t", len(self.damaged))
            self.wfile.write(self.damaged)
        elif self.path in OTHER_KINDS:
            self._begin("application/octet-stream", len(OTHER_KINDS[self.path]))
            self.wfile.write(OTHER_KINDS[self.path])
        elif self.path == "/nothing":
            self.send_error(404)
        elif self.path == "/silent":
            time.sleep(3)
        else:
            self._send_mjpeg()

    def _begin(self, kind: str, length: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send_mjpeg(self) -> None:
        self._begin("multipart/x-mixed-replace; boundary=frame")
        for level in LEVELS[-40:]:
            data = cv2.imencode(".jpg", flat(level, 64, 48))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            self.wfile.write(head.encode() + data + b"\r\n")
            self.wfile.flush()
            time.sleep(0.01)

    def log_message(self, *args: object) -> None:
        """Be quiet."""


class StrictServer(ThreadingHTTPServer):
    """Keeps what goes wrong while it answers, which socketserver would print."""

    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.failures: list[BaseException | None] = []

    def handle_error(self, request: object, client_address: object) -> None:
        self.failures.append(sys.exc_info()[1])


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    WebCamera.film = write_video(
        tmp_path_factory.mktemp("film") / "film.mkv", [flat(level, 64, 48) for level in LEVELS], 25
    )
    WebCamera.damaged = holed(moving_video())
    with served() as address:
        yield address


@contextmanager
def served() -> Iterator[str]:
    server = StrictServer(("127.0.0.1", 0), WebCamera)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        assert server.failures == []


def check(frames: Sequence[Frame | None], began_ns: int, stamps_of: str = "stream") -> None:
    """Frames in their order, from whichever on."""
    seen = [frame for frame in frames if frame is not None]
    told = [round(float(np.median(frame.pixels))) for frame in seen]
    begun = round(float(np.mean([level - index for index, level in enumerate(told)]))) - LEVELS[0]
    assert told == pytest.approx(LEVELS[begun:][: len(told)], abs=4)
    assert len(seen) >= 30
    assert seen[0].pixels.shape == (48, 64, 3)
    assert {frame.stamps for frame in seen} == {stamps_of}
    stamps = [began_ns, *(frame.timestamp_ns for frame in seen), time.monotonic_ns()]
    assert stamps == sorted(stamps)


def test_a_film_gives_its_frames_with_the_steps_of_its_times_and_ends(host: str) -> None:
    with closing(open_camera(f"http://{host}/film.mkv", "visible")) as camera:
        frames = list(iter(camera.read, None))
    stamps = [frame.timestamp_ns for frame in frames]
    check(frames, stamps[0])  # it comes at once, and so begins before it was opened
    assert len(frames) == len(LEVELS)
    assert np.diff(stamps)[:-4] == pytest.approx(40e6, abs=2)  # the last ones would be shown after they have come


def test_a_webcam_gives_its_frames_and_being_cut_off_is_an_error(host: str) -> None:
    began_ns = time.monotonic_ns()
    with closing(open_camera(f"http://{host}/live", "visible")) as camera:
        check([camera.read() for _ in range(30)], began_ns, "arrival")  # it says nothing of times
        with pytest.raises(CoconetError, match="live stopped: Input/output error"):
            list(iter(camera.read, None))


def test_user_and_password_open_it_and_are_not_shown(host: str) -> None:
    with closing(open_camera(f"http://me:secret@{host}/locked", "infrared")) as camera:
        assert camera.name == f"http://***@{host}/***"
        frame = camera.read()
    assert frame is not None
    assert frame.pixels.shape == (48, 64, 1)


def test_a_wrong_password_is_refused_for_good_and_not_shown(host: str) -> None:
    with pytest.raises(CoconetError, match="gives no video") as caught:
        open_camera(f"http://me:guess@{host}/locked", "visible")
    assert "guess" not in str(caught.value)
    assert "refuses user and password" in caught.value.got
    assert not isinstance(caught.value, CameraAbsent)


@pytest.mark.parametrize(
    ("path", "got"),
    [("nothing", "no such path"), ("page", "not a video stream"), ("sound.wav", r"only audio \(pcm_s16le\)")],
)
def test_a_device_that_answers_without_video_is_told_from_one_that_does_not_answer(
    host: str, path: str, got: str
) -> None:
    with pytest.raises(CameraWithoutVideo, match=got):
        open_camera(f"http://{host}/{path}", "visible")


def test_a_password_that_is_wanted_is_told_from_a_wrong_one(host: str) -> None:
    with pytest.raises(CoconetError, match="wants user and password"):
        open_camera(f"http://{host}/locked", "visible")


def test_a_host_name_that_nobody_knows_is_told() -> None:
    with pytest.raises(CameraAbsent, match="its host name is not known"):
        open_camera(f"rtsp://{'a' * 70}/live", "visible")  # too long for a name, which nobody has to be asked


def test_a_server_that_says_nothing_is_given_up(host: str) -> None:
    with pytest.raises(CameraAbsent, match=r"\*\*\* gives no video:"):
        open_camera(f"http://{host}/silent", "visible")


@pytest.mark.skipif("libx264" not in av.codecs_available, reason="this FFmpeg writes no H.264")
@pytest.mark.parametrize(
    "error", [OSError("broken"), CoconetError("it", wanted="frames", got="none", remedy="Check it.", says="gives none")]
)
def test_a_stream_that_cannot_be_begun_is_hung_up(host: str, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    opened: list[Any] = []

    def begin(container: Any, *_: object) -> None:
        opened.append(container)
        raise error

    monkeypatch.setattr("coconet.runtime.cameras.network.WholeFrames", begin)
    with pytest.raises(CoconetError):
        open_camera(f"http://{host}/film.mkv", "visible")
    with pytest.raises(AssertionError, match="not open"):
        opened[0].seek(0)


def test_no_damaged_frame_of_a_stream_is_shown_as_good(host: str) -> None:
    whole = moving_video()
    with av.open(io.BytesIO(whole), "r") as stream:
        true = [frame.to_ndarray(format="gray") for frame in stream.decode(video=0)]
    with closing(open_camera(f"http://{host}/damaged.ts", "infrared")) as camera:
        shown = [frame.pixels[:, :, 0] for frame in iter(camera.read, None)]
        damaged = damaged_frames(camera)
    assert damaged > 5
    assert len(shown) + damaged == 100
    for picture in shown:
        assert min(np.abs(picture.astype(int) - one).mean() for one in true) < 1
    assert np.abs(shown[-1].astype(int) - true[-1]).mean() < 1
