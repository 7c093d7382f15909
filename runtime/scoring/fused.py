"""Fused pictures to be scored: of a folder by the names of their pairs, of anything else in the order of the pairs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from coconet.errors import CoconetError, Refused, counted
from coconet.media.image import read_visible
from coconet.media.naming.picture_folder import pictures_in
from coconet.media.naming.picture_names import is_picture, name_key
from coconet.media.pixels import Pixels
from coconet.redaction import redact
from coconet.runtime.cameras.open_camera import is_folder, open_camera
from coconet.runtime.frame import FramePair


class Fused(Protocol):
    """What one fusion made of the pairs of a stream, asked for in their order, once each.

    entry: the name it has in the table. place: what it is called in messages.
    """

    entry: str
    place: str

    def picture_of(self, pair: FramePair) -> tuple[str, Pixels]:
        """What a picture is called and its pixels, (H, W, C) uint8. Raises CoconetError if there is none."""

    def leave_out(self, pair: FramePair) -> None:
        """Go on to the next pair without the picture of this one. Raises as picture_of does."""

    def check_end(self, pairs: int) -> None:
        """Raise CoconetError if pictures are left after the last pair; pairs: how many there were."""

    def close(self) -> None:
        """Let go of what is read."""


def open_fused(entry: str, place: str, names: Sequence[str], *, whole: bool = True) -> Fused:
    """Open a folder of pictures, a picture, a video or a recording of fused frames.

    names: of the pairs, if they have some, by which the pictures of a folder are found; empty for pairs in time.
    whole: whether each of these pairs was fused and no other, so that names that misfit are refused at once.
    Raises CoconetError for what is none of these, and for a folder without a picture for one of the names.
    """
    if names and (is_folder(place) or is_picture(Path(place))):
        return FusedByName(entry, Path(place), names, whole=whole)
    return FusedInOrder(entry, place)


class FusedByName:
    """A folder of pictures that are called like those of their pairs, or the picture of a single pair.

    Raises CoconetError if a pair has no fused picture, or a fused picture no pair.
    """

    def __init__(self, entry: str, folder: Path, names: Sequence[str], *, whole: bool = True) -> None:
        """Match a folder with the names of pairs, all without their endings. whole: as open_fused takes it."""
        self.entry, self.place = entry, str(folder)
        found, pairs = pictures_in(folder), {name_key(name): name for name in names}
        if found == [folder] and len(names) == 1:
            self._paths, self._pairs = {next(iter(pairs)): folder}, 1
            return
        self._paths = {name_key(path.name): path for path in found}
        self._pairs = len(names)
        alone = [name for key, name in pairs.items() if key not in self._paths]
        over = [path.name for key, path in self._paths.items() if key not in pairs]
        for what, misfits in (("no picture for", alone), ("no pair for", over)):
            if misfits and whole:
                raise self._misfit(f"{what} {_some(misfits)}")

    def picture_of(self, pair: FramePair) -> tuple[str, Pixels]:
        """Read the picture of a pair."""
        name = Path(pair.visible.name).name
        if (path := self._paths.get(name_key(name))) is None:
            raise self._misfit(f"no picture for {name}")
        return str(path), read_visible(path)

    def leave_out(self, pair: FramePair) -> None:
        """Nothing to do: it is not read."""

    def check_end(self, pairs: int) -> None:
        """Nothing to do: the names were compared."""

    def _misfit(self, got: str) -> CoconetError:
        return CoconetError(
            self.place,
            wanted=f"one fused picture for each of {counted(self._pairs, 'pair')}, under its name",
            got=got,
            remedy="Score all entries on the same pairs: means over different pictures cannot be compared.",
            says=f"does not fit the pairs: it has {got}",
        )

    def close(self) -> None:
        """Nothing to do: every picture is closed."""


class FusedInOrder:
    """The frames of a video, a recording or a folder, one for each pair."""

    def __init__(self, entry: str, place: str) -> None:
        """Open it. Raises CoconetError for what open_camera does not take."""
        self.entry, self.place = entry, place
        if "://" in place:
            remedy = "Name the file that was written."
            raise Refused(
                redact(place),
                wanted="fused pictures or a fused video",
                got="an address",
                remedy=remedy,
                says="is a network address; expected fused pictures or a fused video",
            )
        self._camera, self._count = open_camera(place, "visible"), 0

    def picture_of(self, pair: FramePair) -> tuple[str, Pixels]:
        """Read the next frame."""
        frame = self._camera.read()
        if frame is None:
            raise CoconetError(
                self.place,
                wanted="a fused frame for each pair",
                got=f"{counted(self._count, 'frame')} for more pairs than that",
                remedy=f"Name the sources and the options it was fused with, or score its beginning: "
                f"--pairs {max(1, self._count)}",
                says=f"ends after {counted(self._count, 'frame')}, and there are more pairs",
            )
        self._count += 1
        pixels = without_padding(np.asarray(frame.pixels, np.uint8), pair.visible.pixels.shape)
        return f"{self.place}, frame {frame.index}", pixels

    def leave_out(self, pair: FramePair) -> None:
        """Read the next frame too."""
        self.picture_of(pair)

    def check_end(self, pairs: int) -> None:
        """Read once more."""
        if self._camera.read() is not None:
            raise CoconetError(
                self.place,
                wanted=f"a fused frame for each of {counted(pairs, 'pair')}",
                got="more frames than that",
                remedy="Name the sources and the options it was fused with.",
                says=f"has more frames than the {counted(pairs, 'pair')} it is scored with",
            )

    def close(self) -> None:
        """Close the file."""
        self._camera.close()


def without_padding(pixels: Pixels, shape: Sequence[int]) -> Pixels:
    """Cut off the last row and column of a frame that a codec of even sides has added to one of an odd `shape`."""
    height, width = shape[:2]
    return pixels[:height, :width] if pixels.shape[:2] == (height + height % 2, width + width % 2) else pixels


def _some(names: Collection[str]) -> str:
    first = sorted(names)[:3]
    return ", ".join(first) + (f" and {len(names) - 3} others" if len(names) > 3 else "")
