"""How well edges alone recover an alignment: real pairs, warped by known homographies and found again.

python -m coconet.benchmarks.studies.alignment_recovery FOLDER

FOLDER has video/*_{ir,vis}.mp4, roadscene/{ir,vis} and tno/{ir,vis}.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from coconet.calibration.alignment.find_alignment import align_pair, checkerboard, overlay
from coconet.errors import CoconetError, MissingPackage, counted
from coconet.files import whole_file
from coconet.media.image import write_picture
from coconet.media.panel import captioned_row
from coconet.runtime.cameras.pair_folder import FolderFrames
from coconet.runtime.frame import FramePair
from coconet.runtime.preprocess.warp import Alignment, as_matrix
from coconet.runtime.registration.edges import EdgeFit, patch_support, register_edges
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.threads.stop_signals import stopped_by_signals
from coconet.terminal.console import Console

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="warping pictures", extra="headless") from error


GOOD_PX = 2.0


@dataclass(frozen=True)
class Recovery:
    """One warp of one scene, found again; distances are means over the picture, in pixels, infinite where refused.

    carried_px: from what is found without the warp, carried through it. error_px: from the warp itself, as if the data
    set were aligned without error. own_px: of what is found without a warp from the data set's alignment. given_share,
    own_share: of the patches that lie within three pixels under the data set's alignment and under ours, 0..1.
    """

    group: str
    scene: str
    kind: str = ""
    carried_px: float = float("inf")
    error_px: float = float("inf")
    own_px: float = float("inf")
    given_share: float = 0.0
    own_share: float = 0.0

    def fields(self) -> dict[str, str | float | None]:
        """Everything by name, for JSON, which knows no infinity: None stands for it."""
        known = dataclasses.asdict(self).items()
        return {name: None if isinstance(value, float) and np.isinf(value) else value for name, value in known}


def recovery_table(found: Sequence[Recovery]) -> Table:
    """Give a row for every group and kind of warp, and one for each group, in pixels; "raw" is about error_px."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    for heading in ("group", "warp"):
        table.add_column(heading, no_wrap=True)
    for heading in ("warps", "refused", "median", "p90", f"< {GOOD_PX:g} px", "raw median", f"raw < {GOOD_PX:g} px"):
        table.add_column(heading, no_wrap=True, justify="right")
    for group in dict.fromkeys(recovery.group for recovery in found):
        of_group = [recovery for recovery in found if recovery.group == group]
        for kind in dict.fromkeys(recovery.kind for recovery in of_group):
            table.add_row(group, kind, *_cells([recovery for recovery in of_group if recovery.kind == kind]))
        table.add_row(group, "all", *_cells(of_group), end_section=True)
    return table


def describe_data_sets(found: Sequence[Recovery]) -> list[str]:
    """Say, for each group, how far what is found without a warp is from the data set, and which has more patches."""
    lines = []
    for group in dict.fromkeys(recovery.group for recovery in found):
        scenes = list({recovery.scene: recovery for recovery in found if recovery.group == group}.values())
        given, own = (np.mean([getattr(scene, name) for scene in scenes]) for name in ("given_share", "own_share"))
        apart = _quantile(np.array([scene.own_px for scene in scenes]), 50)
        lines.append(
            f"{group}: {apart} px from the data set's alignment without a warp "
            f"(median of {counted(len(scenes), 'scene')}); patches within 3 px of each other: "
            f"{given:.0%} as the data set has it, {own:.0%} as found"
        )
    return lines


def _cells(found: Sequence[Recovery]) -> list[str]:
    carried = np.array([recovery.carried_px for recovery in found])
    errors = np.array([recovery.error_px for recovery in found])
    refused = int((~np.isfinite(errors)).sum())
    shown = [str(len(found)), str(refused), _quantile(carried, 50), _quantile(carried, 90), _near(carried)]
    return [*shown, _quantile(errors, 50), _near(errors)]


def _quantile(values: np.ndarray, percent: float) -> str:
    """Of the values that are known: what was refused has its own column."""
    known = values[np.isfinite(values)]
    return f"{np.percentile(known, percent):.2f}" if len(known) else "-"


def _near(values: np.ndarray) -> str:
    return f"{np.mean(values < GOOD_PX):.0%}"


KINDS = ("shift", "scale", "rotation", "perspective")

PAIRS_OF_VIDEO, FIRST, EVERY = 6, 20, 60

Homography = NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """Pairs of one rig, as the data set aligned them, and the group of the table they belong to."""

    group: str
    name: str
    pairs: list[FramePair]

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self.pairs[0].infrared.pixels.shape[:2]
        return width, height


def main() -> None:
    """Warp, recover, tell every scene, and print a table at the end, also of what there is when it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=1000, help="look at N scenes of each group at most")
    parser.add_argument("--draws", type=int, default=1, help="draw N warps of each kind for each scene")
    parser.add_argument("--json", type=Path, help="write every recovery into this file")
    parser.add_argument("--picture", type=Path, help="only draw one alignment, of the first scene, into this file")
    options = parser.parse_args()
    console, found = Console(soft_wrap=True), list[Recovery]()
    with stopped_by_signals() as stop:
        scenes = list(scenes_in(options.folder, options.scenes))
        if not scenes:
            parser.error(f"{options.folder} has no video/, roadscene/ or tno/")
        if options.picture is not None:
            console.print(_draw(scenes[0], options.picture), highlight=False)
            return
        for number, scene in enumerate(scenes, 1):
            if stop.is_set():
                break
            recoveries = recover(scene, options.draws)
            found += recoveries
            console.print(f"{number}/{len(scenes)} {_describe(scene, recoveries)}", highlight=False)
    console.print(recovery_table(found), *describe_data_sets(found), sep="\n", highlight=False)
    if options.json is not None:
        with whole_file(options.json) as scratch:
            scratch.write_text(json.dumps([recovery.fields() for recovery in found], indent=1))


def recover(scene: Scene, draws: int = 1) -> list[Recovery]:
    """Warp a scene in every way, as often as asked; the warps depend on its name only."""
    rng = np.random.default_rng([1, zlib.crc32(f"{scene.group}/{scene.name}".encode())])
    given = patch_support(scene.pairs, np.eye(3))
    own = _registered(scene, np.eye(3))
    base = Recovery(
        scene.group,
        scene.name,
        given_share=given.share,
        own_share=0.0 if own is None else own.support.share,
        own_px=_distance_px(scene, own, np.eye(3)),
    )
    found = []
    for kind in KINDS * draws:
        true = known_warp(kind, rng, scene.size_px)
        registered = _registered(scene, true)
        carried_px = float("inf") if own is None else _distance_px(scene, registered, own.homography @ true)
        error_px = _distance_px(scene, registered, true)
        found.append(dataclasses.replace(base, kind=kind, carried_px=carried_px, error_px=error_px))
    return found


def known_warp(kind: str, rng: np.random.Generator, size_px: tuple[int, int]) -> Homography:
    """Draw a homography from warped infrared to visible pixels.

    A shift of up to 6 % of the width, a scale of 0.85 to 1.18, a rotation of up to 7 degrees, or corners moved by up to
    5 % of the width each way; scale and rotation are about the middle and shifted by up to 3 % too.
    """
    width, height = size_px
    if kind == "perspective":
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        moved = (corners + rng.uniform(-0.05, 0.05, (4, 2)) * width).astype(np.float32)
        return np.asarray(cv2.getPerspectiveTransform(corners, moved), np.float64)
    degrees = rng.uniform(-7, 7) if kind == "rotation" else 0.0
    scale = rng.uniform(0.85, 1.18) if kind == "scale" else 1.0
    matrix = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale), [0, 0, 1]])
    matrix[:2, 2] += rng.uniform(-1, 1, 2) * (0.06 if kind == "shift" else 0.03) * width
    return np.asarray(matrix, np.float64)


def scenes_in(folder: Path, most: int) -> Iterator[Scene]:
    """Give six pairs of every video, and every still pair alone; of each group `most` at most."""
    for visible in sorted((folder / "video").glob("*_vis.mp4"))[:most]:
        infrared = visible.with_name(visible.name.replace("_vis", "_ir"))
        with open_rig(Rig.from_addresses(str(visible), str(infrared))) as stream:
            seen = list(islice(stream, FIRST, FIRST + PAIRS_OF_VIDEO * EVERY, EVERY))
            yield Scene("videos", visible.stem.removesuffix("_vis"), seen)
    for group, stills in (("RoadScene", "roadscene"), ("TNO", "tno")):
        for pair in islice(FolderFrames(folder / stills) if (folder / stills).exists() else (), most):
            yield Scene(group, Path(pair.visible.name).stem, [pair])


def _warped(scene: Scene, true: Homography) -> list[FramePair]:
    """The pairs as a thermal camera would give them whose pixels `true` maps to visible ones."""
    warped, back = [], np.linalg.inv(true)
    for pair in scene.pairs:
        pixels = cv2.warpPerspective(pair.infrared.pixels, back, scene.size_px, borderMode=cv2.BORDER_REPLICATE)
        infrared = dataclasses.replace(pair.infrared, pixels=np.asarray(pixels, np.uint8)[:, :, None])
        warped.append(dataclasses.replace(pair, infrared=infrared))
    return warped


def _registered(scene: Scene, true: Homography) -> EdgeFit | None:
    """What is found where `true` was put in; None if it is refused."""
    try:
        return register_edges(_warped(scene, true))
    except CoconetError:
        return None


def _draw(scene: Scene, path: Path) -> str:
    """Turn a scene, align it, and draw it before and after; say how far it is from without the turn."""
    true = known_warp("rotation", np.random.default_rng(1), scene.size_px)
    own, found = (register_edges(_warped(scene, matrix)) for matrix in (np.eye(3), true))
    pair = _warped(scene, true)[-1]
    after = align_pair(pair, Alignment(as_matrix(found.homography)))
    row = captioned_row(
        [overlay(pair), overlay(after), checkerboard(after)], ["before", "after: overlay", "after: checkerboard"]
    )
    write_picture(path, cv2.resize(row, None, fx=0.625, fy=0.625, interpolation=cv2.INTER_AREA))
    error_px = _distance_px(scene, found, own.homography @ true)
    return f"{path}: {scene.name}, {counted(len(scene.pairs), 'pair')}, {error_px:.2f} px; {found.support}"


def _distance_px(scene: Scene, found: EdgeFit | None, wanted: Homography) -> float:
    """Give the mean distance over a grid of 5x5 points; infinite where nothing was found."""
    if found is None:
        return float("inf")
    x, y = np.meshgrid(*(np.linspace(0.1, 0.9, 5) * side for side in scene.size_px))
    grid = np.stack([x.ravel(), y.ravel()], axis=1)[None]
    one, other = (cv2.perspectiveTransform(grid, matrix) for matrix in (found.homography, wanted))
    return float(np.linalg.norm(one - other, axis=2).mean())


def _describe(scene: Scene, found: list[Recovery]) -> str:
    errors = ", ".join(f"{recovery.kind} {recovery.carried_px:.2f}" for recovery in found)
    return f"{scene.group} {scene.name}: {errors} px; without a warp {found[0].own_px:.2f} px from the data set"


if __name__ == "__main__":
    main()
