"""A rig of two folders whose infrared pictures have a size of their own, with a homography, both lenses and a plane."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from coconet.export.warp_input import write_warped
from coconet.runtime.preprocess.warp import Alignment, Lens, Plane
from coconet.runtime.rig.rig_file import AlignmentTable, CameraTable, InfraredTable, Rig
from tests.support.media.recordings import write_folder
from tests.support.models.tiny_onnx import write_averaging_model

VISIBLE_PX = (96, 64)
INFRARED_PX = (80, 60)
"""Width and height."""

BENT = Alignment(
    ((0.9, 0.02, 5.0), (-0.01, 0.9, 3.0), (1e-4, 0.0, 1.0)),
    VISIBLE_PX,
    Lens((80.0, 80.0), (40.0, 30.0), (-0.3, 0.1, 0.001, 0.002, 0.0)),
    Lens((90.0, 90.0), (48.0, 32.0), (0.1, 0.0, 0.0, 0.0, 0.0)),
    Plane((40.0, 3.0), 20.0, 5.0),
    INFRARED_PX,
)


def aligned_rig(folder: Path, frames: int = 3, alignment: Alignment = BENT) -> Rig:
    """The rig, with `frames` pairs of noise in `folder`: a misplaced pixel shows at once."""
    random = np.random.default_rng(6)
    for name, (width, height), depth in (("visible", VISIBLE_PX, 3), ("infrared", INFRARED_PX, 1)):
        write_folder(folder / name, [random.integers(0, 256, (height, width, depth), np.uint8) for _ in range(frames)])
    table = AlignmentTable(
        homography=alignment.homography,
        size_px=alignment.size_px,
        infrared_size_px=alignment.infrared_size_px,
        infrared_lens=alignment.infrared_lens,
        visible_lens=alignment.visible_lens,
        plane=alignment.plane,
    )
    return Rig(
        visible=CameraTable(address=str(folder / "visible")),
        infrared=InfraredTable(address=str(folder / "infrared")),
        alignment=table,
    )


def write_both_models(folder: Path) -> tuple[Path, Path]:
    """A model that takes aligned pictures, and the same one that aligns them itself."""
    laying, warped = write_averaging_model(folder / "model.onnx"), folder / "model.warp.onnx"
    write_warped(laying, warped)
    return laying, warped
