"""A tree of small recordings, as rigs bring them home."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.media.recordings import write_video

RIG = '[visible]\naddress = "visible.mp4"\n[infrared]\naddress = "infrared.mp4"\n'


def write_recording(folder: Path, seed: int = 0, frames: int = 8) -> Path:
    """A pair of videos of a pattern that moves, and the rig file beside them."""
    folder.mkdir(parents=True)
    pattern = np.random.default_rng(seed).integers(0, 200, (48, 64, 3), np.uint8)
    write_video(folder / "visible.mp4", [np.roll(pattern, step, 1) for step in range(frames)])
    gray = pattern[:, :, :1].repeat(3, 2)
    write_video(folder / "infrared.mp4", [np.roll(gray, step, 0) for step in range(frames)])
    (folder / "rig.toml").write_text(RIG)
    return folder


def write_tree(folder: Path, count: int) -> Path:
    """Recordings, named night-0 and so on."""
    for index in range(count):
        write_recording(folder / f"night-{index}", index)
    return folder


def cut_in_the_middle(recording: Path) -> None:
    """Leave half of the visible video."""
    video = recording / "visible.mp4"
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])


def contents(root: Path) -> dict[str, bytes]:
    """What the results under a root hold, but for their manifests and reports, which say how long it took."""
    files = (path for path in root.rglob("*") if path.is_file() and path.suffix not in (".json", ".html"))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def report(root: Path) -> dict[str, Any]:
    """The report of a batch without what differs from one making to the next."""
    told: dict[str, Any] = json.loads((root / "report.json").read_text())
    del told["work"]
    return told
