"""End to end: two videos decoded, paired, fused and encoded, as fast as it goes and at the cameras' own rate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coconet.benchmarks.latency.worker import WorkerState
from coconet.benchmarks.results.schema import Stream
from coconet.cards.frame_size import FrameSize
from coconet.errors import CoconetError
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.loop.pipeline import Ending, run_pipeline
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.sinks.open_sink import open_sink
from coconet.writing.scratch import ScratchFolder

SECOND_NS = 10**9


@dataclass(frozen=True)
class Recording:
    """Two videos of one scene, frame for frame."""

    visible: str
    infrared: str
    fps: float
    frames: int


def synthetic_recording(folder: Path, size: FrameSize, seconds: float, fps: float = 30.0) -> Recording:
    """Write the synthetic rig's first seconds as two videos into a folder."""
    from coconet.media.encoding.video_writer import VideoWriter

    pairs = synthetic_pairs(max(2, round(seconds * fps)), size.height_px, size.width_px)
    paths = [folder / f"{side}-{size}.mp4" for side in ("visible", "infrared")]
    for side, path in zip(("visible", "infrared"), paths, strict=True):
        with VideoWriter(path) as writer:
            for index, pair in enumerate(pairs):
                writer.write(getattr(pair, side).pixels, round(index * SECOND_NS / fps))
    return Recording(str(paths[0]), str(paths[1]), fps, len(pairs))


def stream_recording(held: WorkerState, recording: Recording, limit: int) -> Stream:
    """A job: run a recording through the live loop twice, into a video that is thrown away.

    limit: fuse at most this many frames where nothing is dropped, for a model that would take minutes.
    """
    with ScratchFolder() as folder:
        fast = _run(held, recording, Path(folder), limit, realtime=False)
        live = _run(held, recording, Path(folder), None, realtime=True)
    if live.latency_ms is None or live.skew_ms is None:
        raise CoconetError(
            recording.visible,
            wanted="pairs fused live",
            got="none in time",
            remedy="Choose a faster model, or allow more time.",
            says="gave no fused pair in the time allowed",
        )
    return Stream(
        file_frames=fast.fused,
        file_fps=fast.fps,
        camera_fps=recording.fps,
        live_fps=live.fps,
        dropped_share=1 - live.fused / recording.frames,
        latency_ms=live.latency_ms,
        skew_ms=live.skew_ms,
    )


def _run(held: WorkerState, recording: Recording, folder: Path, limit: int | None, *, realtime: bool) -> RunReport:
    rig = Rig.from_addresses(recording.visible, recording.infrared, realtime=realtime)
    with open_rig(rig) as pairs:
        return run_pipeline(pairs, held.backend, open_sink(str(folder / "fused.mp4")), ending=Ending(limit))
