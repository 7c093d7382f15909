"""The stream for whatever comes next: it is received, decoded and looked at."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.frame import FusedFrame
from coconet.runtime.sinks.network_stream import RawSink, StreamSink
from coconet.runtime.sinks.open_sink import open_sink
from tests.support.frames import fused_frame

PAINTED = "painted://?width=64&height=48&fps=50"
LEVEL = 120
LISTENING = {"rtsp_flags": "listen", "listen_timeout": "20"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def frame(index: int) -> FusedFrame:
    return fused_frame(index, LEVEL, size=(48, 64))


def received(address: str, options: dict[str, str], count: int) -> list[np.ndarray]:
    with av.open(address, options=options) as stream:
        found = []
        for picture in stream.decode(video=0):
            found.append(picture.to_ndarray(format="bgr24"))
            if len(found) == count:
                break
    return found


@contextmanager
def receiver(address: str, options: dict[str, str], count: int = 3) -> Iterator[Future[list[np.ndarray]]]:
    """Receive in a thread until there are enough pictures, which are the result after the block."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(received, address, options, count)
        yield waiting
        waiting.result(60)


def begin(sink: StreamSink) -> None:
    """Send the first frame as soon as the receiver is there."""
    for _ in range(400):
        with suppress(CoconetError):
            sink.write(frame(0))
            return
        time.sleep(0.05)
    pytest.fail("the receiver never came")


def send_until_enough(sink: StreamSink, pictures: Future[list[np.ndarray]]) -> None:
    """Send frames as long as the receiver waits for them, however late it began to."""
    for index in range(1, 20_000):
        if pictures.done():
            return
        sink.write(frame(index))
        time.sleep(0.002)


@pytest.mark.parametrize("kind", ["udp", "rtsp"])
def test_a_receiver_sees_the_fused_pictures(kind: str) -> None:
    address = f"{kind}://127.0.0.1:{free_port()}" + ("/fused" if kind == "rtsp" else "")
    options = LISTENING if kind == "rtsp" else {}
    with receiver(address, options) as pictures:
        sink = StreamSink(address)
        begin(sink)
        send_until_enough(sink, pictures)
        sink.close()
    assert len(pictures.result()) == 3
    assert pictures.result()[-1].shape == (48, 64, 3)
    assert abs(int(pictures.result()[-1].mean()) - LEVEL) <= 2


def test_a_receiver_who_is_not_there_is_said_without_the_password() -> None:
    sink = open_sink(f"rtsp://me:secret@127.0.0.1:{free_port()}/fused")
    with pytest.raises(CoconetError, match=r"rtsp://\*\*\*@127.0.0.1:\d+/fused: wanted somebody") as refused:
        sink.write(frame(0))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "lossy"),
    [("udp://there:1", True), ("rtsp://there/x", True), ("h264:-", False), ("raw:-", False), (None, False)],
)
def test_a_network_may_lose_frames_and_a_pipe_may_not(address: str | None, lossy: bool) -> None:
    assert open_sink(address).delivery.lossy == lossy


def test_a_receiver_who_goes_away_costs_frames_and_not_the_run() -> None:
    address = f"rtsp://127.0.0.1:{free_port()}/fused"
    sink = StreamSink(address)
    with receiver(address, LISTENING) as pictures:
        begin(sink)
        send_until_enough(sink, pictures)
    index = 20_000
    while not sink.dropped:
        sink.write(frame(index))
        index += 1
    with receiver(address, LISTENING) as pictures:
        while sink._container is None:
            index += 1
            sink.write(frame(index))
            time.sleep(0.05)
        send_until_enough(sink, pictures)
        sink.close()
    assert len(pictures.result()) == 3


@contextmanager
def piped(address: str, folder: Path) -> Iterator[bytes]:
    program = "import typer; from coconet.runtime.commands.run import run; typer.run(run)"
    words = ["--visible", PAINTED, "--infrared", PAINTED, "--model", "average", "--frames", "20", "--out", address]
    yield subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, check=True, timeout=120, cwd=folder
    ).stdout


def test_a_pipe_carries_nothing_but_pixels(tmp_path: Path) -> None:
    with piped("raw:-", tmp_path) as data:
        pictures = np.frombuffer(data, np.uint8).reshape(-1, 48, 64, 3)
    assert len(pictures) == 20
    assert 5 < pictures.mean() < 250


def test_a_pipe_carries_h264(tmp_path: Path) -> None:
    with piped("h264:-", tmp_path) as data, av.open(io.BytesIO(data)) as stream:
        assert stream.format.name == "mpegts"
        assert len(list(stream.decode(video=0))) == 20


def test_a_reader_who_has_gone_ends_the_run() -> None:
    class Gone(io.BytesIO):
        def write(self, _data: object) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(CoconetError, match="wanted a reader, got Broken pipe"):
        RawSink(Gone()).write(frame(0))
