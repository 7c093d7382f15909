"""The stream for whatever comes next: it is received, decoded and looked at."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import av
import numpy as np
import pytest

from coconet.errors import CoconetError, Refused
from coconet.media.encoding.encoder import HardwareEncoder
from coconet.media.encoding.encoder_choice import EncoderChoice
from coconet.media.encoding.trial import software_encoder
from coconet.runtime.drawing.renderer import Renderer
from coconet.runtime.frame import FusedFrame
from coconet.runtime.look import OutputLook
from coconet.runtime.sinks import stream_process
from coconet.runtime.sinks.look_sink import LookSink
from coconet.runtime.sinks.network_stream import StreamSink
from coconet.runtime.sinks.open_sink import Output, open_sink
from coconet.runtime.sinks.raw_pipe import RawSink
from coconet.runtime.sinks.sink import Sink
from tests.support.media.encoders import choice_of, device_at
from tests.support.media.frames import fused_frame
from tests.support.programs.patience import PATIENCE_S

SYNTHETIC = "synthetic://?width=64&height=48&fps=50"
LEVEL = 120
LISTENING = {"rtsp_flags": "listen", "listen_timeout": str(round(PATIENCE_S))}


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
    """Receive in another process until there are enough pictures, which are the result after the block."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        waiting = pool.submit(received, address, options, count)
        yield waiting
        waiting.result(PATIENCE_S)


def begin(sink: Sink, stream: StreamSink) -> None:
    """Send the first frame as soon as the receiver is there. stream: what sends, the sink itself or behind it."""
    for _ in range(round(PATIENCE_S / 0.05)):
        sink.write(frame(0))
        if stream._sent:
            return
        time.sleep(0.05)
    pytest.fail("the receiver never came")


def send_until_enough(sink: Sink, pictures: Future[list[np.ndarray]]) -> None:
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
        encoders = EncoderChoice(candidates=())
        sink = StreamSink(address, encoders)
        begin(sink, sink)
        send_until_enough(sink, pictures)
        sink.close()
    assert encoders.facts.used == (software_encoder("live").name,)  # also from the process of its own
    assert len(pictures.result()) == 3
    assert pictures.result()[-1].shape == (48, 64, 3)
    assert abs(int(pictures.result()[-1].mean()) - LEVEL) <= 2


@pytest.mark.parametrize("kind", ["udp", "rtsp"])
def test_a_receiver_sees_what_the_look_of_the_output_shows(kind: str) -> None:
    address = f"{kind}://127.0.0.1:{free_port()}" + ("/fused" if kind == "rtsp" else "")
    with receiver(address, LISTENING if kind == "rtsp" else {}) as pictures:
        stream = StreamSink(address, EncoderChoice(candidates=()))
        sink = LookSink(stream, lambda: OutputLook(show="side-by-side"), Renderer())
        begin(sink, stream)
        send_until_enough(sink, pictures)
        sink.close()
    assert pictures.result()[-1].shape == (48, 128, 3)


@pytest.mark.parametrize("address", ["udp://127.0.0.1:9", "rtsp://127.0.0.1:9/fused"])
def test_an_encoder_that_was_asked_for_and_does_not_work_ends_the_stream(address: str) -> None:
    absent = HardwareEncoder("h264_amf", (), (), ("qp_i",), (20,), device="none")
    sink = StreamSink(address, EncoderChoice("h264_amf", candidates=[absent]))
    with pytest.raises(Refused, match="--encoder h264_amf does not work here: "):
        sink.write(frame(0))
    sink.discard()


@pytest.mark.parametrize("address", ["udp://127.0.0.1:9", "rtsp://127.0.0.1:9/fused"])
def test_an_encoder_that_refuses_is_told_also_from_a_process_of_its_own(address: str, tmp_path: Path) -> None:
    absent = HardwareEncoder("h264_amf", ("dev/codec0",), (), ("qp_i",), (20,), device="none")
    choice, said = choice_of(absent, device_at(tmp_path))
    sink = StreamSink(address, choice)
    sink.write(frame(0))
    sink.write(frame(1))
    sink.discard()
    assert [one.startswith("h264_amf does not encode 64x48 here (") for one in said.warnings] == [True]


def test_a_receiver_who_never_comes_is_said_without_the_password(capsys: pytest.CaptureFixture[str]) -> None:
    sink = open_sink(f"rtsp://me:secret@127.0.0.1:{free_port()}/fused")
    for index in range(3):
        sink.write(frame(index))
    told = capsys.readouterr().err
    assert "warning: nothing receives rtsp://***@127.0.0.1:" in told
    with pytest.raises(CoconetError, match=r"^rtsp://\*\*\*@127.0.0.1:\d+/fused had no receiver for 3 frames") as late:
        sink.close()
    assert "secret" not in told + str(late.value)


def test_a_receiver_who_comes_late_gets_the_stream() -> None:
    address = f"rtsp://127.0.0.1:{free_port()}/fused"
    sink = StreamSink(address)
    sink.write(frame(0))
    assert sink.dropped == 1
    with receiver(address, LISTENING) as pictures:
        begin(sink, sink)
        send_until_enough(sink, pictures)
        sink.close()
    assert len(pictures.result()) == 3


def test_a_server_that_never_answers_costs_frames_and_not_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_process, "_WAIT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sink = StreamSink(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/fused")
        sink.write(frame(0))
        assert sink.dropped == 1
        with pytest.raises(CoconetError, match="had no receiver for 1 frame"):
            sink.close()


@pytest.mark.slow
def test_a_sender_that_is_killed_is_started_again() -> None:
    address = f"rtsp://127.0.0.1:{free_port()}/fused"
    with receiver(address, LISTENING) as pictures:
        sink = StreamSink(address)
        begin(sink, sink)
        assert isinstance(sink._stream, stream_process.StreamProcess)
        assert sink._stream._process is not None
        sink._stream._process.kill()
        dropped = sink.dropped  # while the receiver was not there
        sink.write(frame(1))
        assert sink.dropped == dropped + 1
        pictures.cancel()
    with receiver(address, LISTENING) as pictures:
        send_until_enough(sink, pictures)
        sink.close()
    assert len(pictures.result()) == 3


def sent_to_a_pipe(frames: list[FusedFrame], monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What an h264 pipe carries."""
    pipe = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", pipe)
    sink = StreamSink("h264:-")
    for one in frames:
        sink.write(one)
    sink.close()
    monkeypatch.undo()
    raw = pipe.buffer
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue()


@pytest.mark.parametrize("every", [1, 5, 25])
def test_a_key_frame_comes_every_second_with_what_decoding_begins_with(
    every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = sent_to_a_pipe([frame(index) for index in range(0, 101, every)], monkeypatch)  # four seconds
    with av.open(io.BytesIO(data), "r") as stream:
        packets = [packet for packet in stream.demux(video=0) if packet.size]
    times_s = [float((packet.pts or 0) * (packet.time_base or 0)) for packet in packets]
    keys = [time_s - times_s[0] for time_s, packet in zip(times_s, packets, strict=True) if packet.is_keyframe]
    assert keys == pytest.approx([0, 1, 2, 3, 4], abs=0.001)
    headers = [b"\0\0\1\x67" in bytes(packet) for packet in packets]  # a sequence parameter set
    assert headers == [packet.is_keyframe for packet in packets]


def test_pictures_of_another_size_go_on_in_the_same_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [(48, 64)] * 5 + [(24, 32)] * 5 + [(48, 64)] * 5
    data = sent_to_a_pipe([fused_frame(index, LEVEL, size=size) for index, size in enumerate(sizes)], monkeypatch)
    with av.open(io.BytesIO(data), "r") as stream:
        assert [(one.height, one.width) for one in stream.decode(video=0)] == sizes


def test_raw_pictures_keep_the_size_they_began_with() -> None:
    pipe = io.BytesIO()
    sink = RawSink(pipe)
    for size in ((48, 64), (24, 32), (30, 64)):
        sink.write(fused_frame(0, LEVEL, size=size))
    pictures = np.frombuffer(pipe.getvalue(), np.uint8).reshape(3, 48, 64, 3)
    assert [(picture == LEVEL).mean() for picture in pictures] == [1, 1, 30 / 48]


@pytest.mark.parametrize(
    ("address", "lossy"),
    [("udp://there:1", True), ("rtsp://there/x", True), ("h264:-", False), ("raw:-", False), (None, False)],
)
def test_a_network_may_lose_frames_and_a_pipe_may_not(address: str | None, lossy: bool) -> None:
    assert open_sink(address).delivery.lossy == lossy


@pytest.mark.parametrize("address", ["raw:-", "RAW:-", "h264:-", "H264:-", "udp://there:1", "fused.mp4", None])
def test_frames_to_standard_output_are_alone_there(address: str | None) -> None:
    assert Output(address).is_standard_output == (address is not None and address.endswith(":-"))


@pytest.mark.slow
def test_a_receiver_who_goes_away_costs_frames_and_not_the_run() -> None:
    address = f"rtsp://127.0.0.1:{free_port()}/fused"
    sink = StreamSink(address)
    with receiver(address, LISTENING) as pictures:
        begin(sink, sink)
        send_until_enough(sink, pictures)
    index = 20_000
    while not sink.dropped:
        sink.write(frame(index))
        index += 1
    with receiver(address, LISTENING) as pictures:
        sent = sink._sent
        while sink._sent == sent:
            index += 1
            sink.write(frame(index))
            time.sleep(0.05)
        send_until_enough(sink, pictures)
        sink.close()
    assert len(pictures.result()) == 3


@contextmanager
def piped(address: str, folder: Path) -> Iterator[bytes]:
    program = "import typer; from coconet.runtime.commands.run import run; typer.run(run)"
    words = ["--visible", SYNTHETIC, "--infrared", SYNTHETIC, "--model", "average", "--frames", "20", "--out", address]
    yield subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, check=True, timeout=120, cwd=folder
    ).stdout


def test_a_pipe_carries_nothing_but_pixels(tmp_path: Path) -> None:
    with piped("raw:-", tmp_path) as data:
        pictures = np.frombuffer(data, np.uint8).reshape(-1, 48, 64, 3)
    assert len(pictures) == 20
    assert 5 < pictures.mean() < 250


def test_a_pipe_carries_h264(tmp_path: Path) -> None:
    with piped("h264:-", tmp_path) as data, av.open(io.BytesIO(data), "r") as stream:
        assert stream.format.name == "mpegts"
        assert len(list(stream.decode(video=0))) == 20


def test_a_reader_who_has_gone_ends_the_run() -> None:
    class Gone(io.BytesIO):
        def write(self, _data: object) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(CoconetError, match="has no reader any more"):
        RawSink(Gone()).write(frame(0))
