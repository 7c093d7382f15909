"""Two RTSP servers on this machine as the cameras of a rig, and a look at how a rig bears it when they go and return.

As a script it runs for --seconds, kills and restarts either server on the way, and prints what happened:
    python -m tests.support.cameras.rtsp_rig --seconds 600 [--video FOLDER_WITH_vis_AND_ir_VIDEOS NAME]
"""

from __future__ import annotations

import argparse
import resource
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from coconet.media.pixels import Pixels
from coconet.media.video import VideoReader
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.cameras.synthetic.camera import SyntheticCamera, SyntheticSettings
from coconet.runtime.frame import FramePair, Side
from coconet.runtime.loop.pipeline import fuse_pair
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig

PYTHON = "/usr/bin/python3"  # Debian's GStreamer bindings belong to Debian's Python
PROBE = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"


def servers_there() -> bool:
    """Whether this machine can serve RTSP."""
    if not Path(PYTHON).exists():
        return False
    return subprocess.run([PYTHON, "-c", PROBE], capture_output=True, check=False).returncode == 0


class Server:
    """One camera's server, which can be killed and started again at the same address."""

    def __init__(self, pictures: Path, fps: float, jitter_ms: float) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._arguments = [str(self.port), str(pictures), str(fps), str(jitter_ms)]
        self._process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/camera"

    def start(self) -> None:
        script = str(Path(__file__).with_name("rtsp_server.py"))
        self._process = subprocess.Popen([PYTHON, script, *self._arguments], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        while "ready" not in (line := self._process.stdout.readline()):
            assert line or self._process.poll() is None, "the server ended"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def write_jpegs(folder: Path, pictures: Iterable[Pixels]) -> Path:
    folder.mkdir()
    for index, pixels in enumerate(pictures):
        colour = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels  # RTP knows JPEG in colour only
        cv2.imwrite(str(folder / f"{index:04d}.jpg"), colour)
    return folder


def synthetic(role: Side, fps: float, seconds: float) -> Iterable[Pixels]:
    camera = SyntheticCamera(role, SyntheticSettings(fps=fps, width=320, height=240, duration_s=seconds))
    while (frame := camera.read()) is not None:
        yield frame.pixels


def of_video(path: Path, gray: bool) -> Iterable[Pixels]:
    with VideoReader(path, gray=gray) as reader:
        for frame in reader:
            yield frame.pixels


class Log:
    """What came out: skews, ages, and from when to when a camera was missing."""

    def __init__(self) -> None:
        self.skews_ms: list[float] = []
        self.ages_ms: list[float] = []
        self.times_s: list[float] = []
        self.spells: list[tuple[float, str]] = []

    def add(self, pair: FramePair) -> None:
        now = time.monotonic()
        self.times_s.append(now)
        told = " ".join(word for word in pair.notice.split() if word[0].isalpha() and word != "s")
        if not self.spells or self.spells[-1][1] != told:
            self.spells.append((now, told))
        if not pair.missing:
            self.skews_ms.append(pair.skew_ns / 1e6)
            self.ages_ms.append(now * 1e3 - pair.visible.timestamp_ns / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--video", nargs=2, help="a folder and the name before _vis.mp4 and _ir.mp4")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if options.video:
            base = Path(options.video[0]) / options.video[1]
            pictures = [of_video(Path(f"{base}_{end}.mp4"), end == "ir") for end in ("vis", "ir")]
        else:
            pictures = [synthetic("visible", 30, 10), synthetic("infrared", 25, 10)]
        visible = Server(write_jpegs(folder / "vis", pictures[0]), 30, 0)
        infrared = Server(write_jpegs(folder / "ir", pictures[1]), 25, 15)
        visible.start()
        infrared.start()
        try:
            run(visible, infrared, options.seconds)
        finally:
            visible.kill()
            infrared.kill()


def run(visible: Server, infrared: Server, seconds: float) -> None:
    log, began = Log(), time.monotonic()
    events = [(0.3, infrared.kill), (0.35, infrared.start), (0.6, visible.kill), (0.65, visible.start)]
    moments: list[tuple[float, str]] = []
    backend, memory = BaselineBackend(), []
    with open_rig(Rig.from_addresses(visible.address, infrared.address)) as stream:
        for pair in stream:
            log.add(pair)
            fuse_pair(pair, backend)
            passed = time.monotonic() - began
            if len(log.times_s) % 200 == 0:
                memory.append(resident_mb())
            if events and passed > events[0][0] * seconds:
                action = events.pop(0)[1]
                action()
                moments.append((time.monotonic() - began, action.__name__))
            if passed > seconds:
                break
        counts = stream.counts
    half = len(log.skews_ms) // 2
    print(f"{len(log.times_s)} frames in {passed:.0f} s, {len(log.times_s) - len(log.skews_ms)} of one camera alone")
    print(
        f"skew p50 {np.percentile(np.abs(log.skews_ms), 50):.1f} p95 {np.percentile(np.abs(log.skews_ms), 95):.1f} ms"
    )
    print(
        f"median skew, first half {np.median(log.skews_ms[:half]):.1f}, second {np.median(log.skews_ms[half:]):.1f} ms"
    )
    print(f"longest pause of the output {np.diff(log.times_s).max() * 1e3:.0f} ms")
    print(f"memory MB at the start, in the middle, at the end: {memory[0]}, {memory[len(memory) // 2]}, {memory[-1]}")
    print("servers:", ", ".join(f"{name} at {moment:.1f} s" for moment, name in moments))
    print("states:", "; ".join(f"{moment - began:.1f} s {told or 'both live'}" for moment, told in log.spells))
    print(counts)


def resident_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 2**20


if __name__ == "__main__":
    main()
