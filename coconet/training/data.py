"""Training data: gray pairs in memory from folders, videos and HDF5 patches, with masks of what is salient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError, MissingPackage, counted
from coconet.files import existing_file
from coconet.media.image import InfraredStills, read_gray
from coconet.media.naming.picture_folder import pictures_in
from coconet.media.naming.picture_names import name_key
from coconet.media.pairs import PicturePair, paired_folder
from coconet.media.pixels import nearest_luma
from coconet.media.thermal import common_limits, stretched_alone
from coconet.media.thermal_settings import Limits, ThermalSettings
from coconet.progress.board import ProgressItems
from coconet.reading import UNSAID, Reading
from coconet.training.left_out import LeftOut

try:
    import h5py
except ImportError as error:
    raise MissingPackage("h5py", job="reading patches from HDF5", extra="train") from error

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="finding thermal targets", extra="headless") from error


KEY = "data"

CHANNELS = (2, 3)
"""Visible and infrared, or these and the mask."""

BLOCK = 256
"""Patches read at once, so that a large file does not lie in memory as floats."""


def read_patches(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Every patch of a file as (C, H, W) uint8: visible, infrared and, in files of three channels, the mask.

    The file holds one array `data` in 0..1, (N, C, H, W) or, with channels last, (N, H, W, C). Which of the two is
    seen from its shape. Raises CoconetError for a file without it, for other shapes and for values outside 0..1.
    """
    with _open(path) as file:
        array = file.get(KEY)
        if not isinstance(array, h5py.Dataset):
            holds = ", ".join(file) or "nothing"
            raise _refused(
                path, f"an array called {KEY}", f"only {holds}", f"has no array called {KEY}; it holds {holds}"
            )
        axis = _channel_axis(path, array.shape)
        for first in range(0, len(array), BLOCK):
            yield from _levels(path, np.moveaxis(array[first : first + BLOCK], axis, 1))


def _open(path: Path) -> h5py.File:
    try:
        return h5py.File(existing_file(path, "an HDF5 file of patches"), "r")
    except OSError as error:
        raise _refused(path, "a whole HDF5 file", str(error), "is not an HDF5 file, or is damaged") from error


def _channel_axis(path: Path, shape: tuple[int, ...]) -> int:
    axes = [axis for axis in (1, 3) if len(shape) == 4 and shape[axis] in CHANNELS]
    if len(axes) != 1:
        wanted, got = "(N, 2 or 3, H, W) or (N, H, W, 2 or 3)", f"shape {shape}"
        raise _refused(path, f"patches of shape {wanted}", got, f"has patches of {got}; expected {wanted}")
    return axes[0]


def _levels(path: Path, values: NDArray[np.floating]) -> NDArray[np.uint8]:
    # Written so that NaN does not pass.
    if not (values.min() >= 0.0 and values.max() <= 1.0):
        got = f"{values.min():g} to {values.max():g}"
        raise _refused(path, "values in 0..1", got, f"has values from {got}; expected 0 to 1")
    levels: NDArray[np.uint8] = np.rint(values * 255.0).astype(np.uint8)
    return levels


def _refused(path: Path, wanted: str, got: str, says: str) -> CoconetError:
    return CoconetError(path, wanted=wanted, got=got, remedy="Write the patches again in this layout.", says=says)


DEVIATIONS = 2.0
"""How far above the mean of the picture a target is, in standard deviations."""

SMOOTHING_PX = 1.0
"""Sigma of the Gaussian that takes single hot pixels away first."""


def salient_mask(infrared: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mark what is hotter than the mean plus two standard deviations: (H, W) white-hot to (H, W) of 0 and 255.

    A plain stand-in for masks drawn by hand. Against the ten hand-drawn ones of the TNO pictures it covers 54 % of
    the target, with an intersection over union of 0.32; rules with a local mean, with Otsu's threshold or by size of
    region did not do clearly better. A flat picture has no target. Black-hot pictures need masks of their own.
    """
    smooth = cv2.GaussianBlur(infrared.astype(np.float32), (0, 0), SMOOTHING_PX)
    hot = smooth > smooth.mean() + max(DEVIATIONS * float(smooth.std()), 1.0)
    return np.where(hot, 255, 0).astype(np.uint8)


VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".avi", ".mov"})

PATCH_SUFFIXES = frozenset({".h5", ".hdf5"})

VIDEO_STEP = 10
"""Every tenth frame of a video is kept, and the one after it: what changes between the two is mostly noise."""

MASK_NAME = "mask"
"""The folder beside `ir/` and `vis/` that may hold masks of thermal targets, white on black, under the pairs' names."""


@dataclass(frozen=True)
class GrayPair:
    """A visible and an infrared picture, (H, W) uint8, of equal size, and where it came from.

    mask: (H, W) uint8 of the same size, 255 on thermal targets and 0 elsewhere; None if nobody drew one.
    following: in a video the next frame of both cameras, or the one before; None for stills.
    """

    visible: NDArray[np.uint8]
    infrared: NDArray[np.uint8]
    mask: NDArray[np.uint8] | None = None
    name: str = ""
    following: GrayPair | None = None


@dataclass(frozen=True)
class Selection:
    """What is taken from the sources. held: names of pictures that are left out, * for any letters.

    neighbours: the folders in which pictures numbered n and n + 1, such as `street_08` and `street_09`, are frames of
    one video that follow each other.
    """

    held: tuple[str, ...] = ()
    neighbours: frozenset[Path] = frozenset()


EVERYTHING = Selection()


def load_pairs(
    sources: Sequence[Path],
    reading: Reading = UNSAID,
    selection: Selection = EVERYTHING,
    left_out: LeftOut | None = None,
) -> list[GrayPair]:
    """Read every source: a paired folder, the visible video of a pair (`x_vis.mp4` beside `x_ir.mp4`), or HDF5 patches.

    reading: how pictures and videos are read, and those of a folder paired; the counts of a video are stretched by one
    range for all of it. left_out: takes the pairs of folders that are unreadable or of unequal sizes, and those that
    were there before, pixel for pixel; without it the first two are errors, and the third are kept.
    Raises CoconetError for a source without pairs, for such pairs, for neighbours that are no source, and for names to
    leave out that no picture, or every one, has.
    """
    strangers = sorted(selection.neighbours - set(sources))
    if strangers:
        raise CoconetError(
            strangers[0],
            wanted="neighbours in a folder of the data",
            got="another folder",
            remedy="Name it in data, too.",
            says="is named in neighbours, but not in data",
        )
    pairs: list[GrayPair] = []
    for source in sources:
        found = _from_source(source, reading.thermal(), reading.pair_by, left_out)
        pairs += _as_frames(found) if source in selection.neighbours else found
    if not pairs:
        says = "is missing: no source holds a pair"
        remedy = "Give one with --data."
        raise CoconetError("training data", wanted="at least one source", got="none", remedy=remedy, says=says)
    return _without(pairs if left_out is None else _once_each(pairs, left_out), selection.held)


def pixel_key(pair: GrayPair) -> tuple[tuple[int, ...], int]:
    """What only a pair of the same pictures has, pixel for pixel."""
    return pair.visible.shape, hash((pair.visible.tobytes(), pair.infrared.tobytes()))


def _once_each(pairs: Sequence[GrayPair], left_out: LeftOut) -> list[GrayPair]:
    """The pairs without those whose pictures were there before; frames of videos repeat for good reason."""
    seen: set[tuple[tuple[int, ...], int]] = set()
    kept = []
    for pair in pairs:
        key = pixel_key(pair)
        if pair.following is None and key in seen:
            left_out.add("the same pictures as another pair", pair.name)
            continue
        seen.add(key)
        kept.append(pair)
    return kept


def _without(pairs: list[GrayPair], held: Sequence[str]) -> list[GrayPair]:
    for name in held:
        left = [pair for pair in pairs if not fnmatchcase(pair.name, name)]
        if len(left) in (0, len(pairs)):
            got = "none" if left else "every picture"
            raise CoconetError(
                "training data",
                wanted=f"pictures called {name}, and others",
                got=got,
                remedy="Change held.",
                says=f"has no picture called {name}, which held leaves out"
                if left
                else f"is left empty: every picture is called {name}, which held leaves out",
            )
        pairs = left
    return pairs


def _as_frames(pairs: Sequence[GrayPair]) -> list[GrayPair]:
    """Give every pair whose name ends in a number the next one as its following frame or, for want of it, the last."""
    numbered = {_place(pair.name): pair for pair in pairs if pair.name[-1:].isdigit()}
    found = []
    for pair in pairs:
        clip, number = _place(pair.name) if pair.name[-1:].isdigit() else ("", 0)
        beside = numbered.get((clip, number + 1)) or numbered.get((clip, number - 1))
        same = beside is not None and beside.visible.shape == pair.visible.shape
        found.append(replace(pair, following=beside) if same else pair)
    return found


def _place(name: str) -> tuple[str, int]:
    clip = name.rstrip("0123456789")
    return clip, int(name[len(clip) :])


def with_masks(pairs: Sequence[GrayPair]) -> list[GrayPair]:
    """Give a mask by the rule of coconet.training.data to every pair that has none."""
    return [pair if pair.mask is not None else replace(pair, mask=salient_mask(pair.infrared)) for pair in pairs]


def _from_source(
    source: Path, settings: ThermalSettings, pair_by: str | None, left_out: LeftOut | None
) -> list[GrayPair]:
    suffix = source.suffix.lower()
    if suffix in PATCH_SUFFIXES:
        return _from_patches(source)
    if suffix in VIDEO_SUFFIXES:
        return _from_video(source, settings)
    return _from_folder(source, settings, pair_by, left_out)


def _from_folder(
    root: Path, settings: ThermalSettings, pair_by: str | None, left_out: LeftOut | None
) -> list[GrayPair]:
    pairs = paired_folder(root, pair_by)
    masks = _masks_of(root, pairs)
    thermal = InfraredStills(settings, tuple(pair.infrared for pair in pairs))

    def read(pair: PicturePair) -> GrayPair:
        infrared, name = thermal.levels(pair.infrared)[:, :, 0], Path(pair.name).stem
        return GrayPair(read_gray(pair.visible), infrared, _mask(masks.get(name_key(pair.name))), name)

    found, refusal = [], None
    for pair in ProgressItems(pairs, f"reading {root.name}"):
        try:
            one = read(pair)
        except CoconetError as error:
            reason, refusal = "not readable", error
        else:
            try:
                found.append(_checked(pair.visible, one))
                continue
            except CoconetError as error:
                reason, refusal = "of unequal sizes", error
        if left_out is None:
            raise refusal
        left_out.add(reason, pair.visible.name)
    if not found and refusal is not None:
        raise refusal
    return found


def _masks_of(root: Path, pairs: Sequence[PicturePair]) -> dict[str, Path]:
    folder = root / MASK_NAME
    masks = {name_key(path.name): path for path in pictures_in(folder)} if folder.is_dir() else {}
    alone = sorted(masks.keys() - {name_key(pair.name) for pair in pairs})
    if alone:
        raise CoconetError(
            folder,
            wanted="masks under the names of the pairs",
            got=f"{len(alone)} without a pair, the first one {alone[0]}",
            remedy="Rename or remove it.",
            says=f"holds {counted(len(alone), 'mask')} without a pair, the first one {alone[0]}",
        )
    return masks


def _mask(path: Path | None) -> NDArray[np.uint8] | None:
    return None if path is None else np.where(read_gray(path) > 127, 255, 0).astype(np.uint8)


def _from_patches(path: Path) -> list[GrayPair]:

    return [
        GrayPair(patch[0], patch[1], patch[2] if len(patch) > 2 else None, f"{path.stem} {index}")
        for index, patch in enumerate(read_patches(path))
    ]


def _from_video(visible: Path, settings: ThermalSettings) -> list[GrayPair]:
    from coconet.media.video import VideoReader

    infrared = visible.with_name(visible.name.replace("vis", "ir"))
    if infrared == visible:
        raise CoconetError(
            visible,
            wanted="a visible video with `vis` in its name",
            got=visible.name,
            remedy="Rename the two videos, such as to x_vis.mp4 and x_ir.mp4.",
            says="does not have `vis` in its name, so that the infrared video beside it is not known",
        )
    limits = _limits_of(infrared, settings)
    thermal = VideoReader(infrared, gray=True, palette=settings.palette)
    with VideoReader(visible) as first, thermal as second:
        kept = [
            _checked(
                visible,
                GrayPair(
                    nearest_luma(a.pixels),
                    stretched_alone(b.pixels, settings, limits)[:, :, 0],
                    name=f"{visible.stem} {index}",
                ),
            )
            for index, (a, b) in enumerate(zip(first, second, strict=False))
            if index % VIDEO_STEP < 2
        ]
    following = [*kept[1::2], None][: len(kept[::2])]  # a video may end on a frame that has none
    return [replace(pair, following=later) for pair, later in zip(kept[::2], following, strict=True)]


def _limits_of(infrared: Path, settings: ThermalSettings) -> Limits | None:
    """The limits of all frames of a video of counts; None for 8 bit."""
    from coconet.media.video import VideoReader

    with VideoReader(infrared, gray=True, palette=settings.palette) as reader:
        first = next(iter(reader), None)
    if first is None or first.pixels.dtype == np.uint8 or settings.range_of == "each":
        return None
    with VideoReader(infrared, gray=True, palette=settings.palette) as reader:
        return common_limits((frame.pixels for frame in reader), settings)


def _checked(where: Path, pair: GrayPair) -> GrayPair:
    sides: dict[str, Any] = {"visible": pair.visible, "infrared": pair.infrared, "mask": pair.mask}
    sizes = {name: f"{side.shape[1]}x{side.shape[0]}" for name, side in sides.items() if side is not None}
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise CoconetError(
            where,
            wanted="a pair of equal size",
            got=shown,
            remedy="Align and crop the pair first.",
            says=f"belongs to a pair of unequal sizes: {shown}",
        )
    return pair
