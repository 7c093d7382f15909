"""TIFF files: pages of any sample type, with their scale, their no-data value and their orientation."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np

from coconet.errors import CoconetError, MissingPackage, counted
from coconet.event_log import warn_once
from coconet.media.header import check_size
from coconet.media.pixels import TRANSPARENT, UPRIGHT, RawPixels, upright
from coconet.media.thermal import with_holes

try:
    import tifffile
except ImportError as error:
    raise MissingPackage("tifffile", job="reading TIFF pictures") from error

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6

_ORIENTATION, _NO_DATA, _GDAL_ITEMS = 274, 42113, 42112

_BYTE = 8

_UNCOMPRESSED = 1

_ONE_BY_ONE = 1  # planar configuration: the samples of a pixel lie together

_ALPHA = (1, 2)  # among the kinds of samples beside gray or colour; 0 is one that the file does not name

_MOST_WHOLE = 1 << 24  # beyond, float32 does not hold every whole number


def read_tiff(data: bytes, path: Path) -> list[RawPixels]:
    """Read every page, thumbnails left out: (H, W, 1) uint8, uint16 or float32, or (H, W, 3) BGR uint8 or uint16.

    Signed and 32 bit whole numbers become float32, as do numbers with a scale or a no-data value, which is then NaN.
    Raises CoconetError, about `path`, for a damaged file, more pixels than any camera gives, and kinds of samples that
    are no picture.
    """
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            read = cast("list[tifffile.TiffPage]", list(file.pages))  # frames in place of pages come if asked for only
            pages = [page for page in read if not getattr(page, "subfiletype", 0) & 1]
            for page in pages:
                check_size(path, page.imagewidth, page.imagelength, len(pages))
            return [_Page(page, data, path).pixels() for page in pages]
    except CoconetError:
        raise
    except Exception as error:  # a damaged file makes the library fail in every way there is
        raise _refused(path, "is a damaged TIFF file, or not a whole one") from error


class _Page:
    def __init__(self, page: Any, data: bytes, path: Path) -> None:
        self._page, self._data, self._path = page, data, path

    def pixels(self) -> RawPixels:
        """(H, W, C) as read_tiff gives them."""
        samples = self._samples()
        pixels = self._picture(samples)
        return upright(pixels, self._orientation())

    def _orientation(self) -> int:
        tag = self._page.tags.get(_ORIENTATION)
        value = UPRIGHT if tag is None else int(tag.value)
        return value if 1 <= value <= 8 else UPRIGHT

    def _samples(self) -> RawPixels:
        """(H, W, samples) as stored."""
        page = self._page
        if page.dtype is not None and page.dtype.kind == "c":
            raise _refused(self._path, "has complex samples, which are not read")
        if int(page.photometric) == _YCBCR:
            return self._by_opencv()
        if 1 < page.bitspersample < 16 and page.bitspersample != _BYTE:
            return self._packed()
        try:
            samples = np.asarray(page.asarray())
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            return self._by_opencv()
        except KeyError:
            return self._by_opencv()  # a predictor or compression that needs imagecodecs
        if page.samplesperpixel > 1 and int(page.planarconfig) != _ONE_BY_ONE:
            samples = np.moveaxis(samples, 0, -1)
        return samples.reshape(page.imagelength, page.imagewidth, -1)

    def _packed(self) -> RawPixels:
        """Unpack gray samples of 2 to 15 bits, whose rows begin at bytes; up to 8 bits the largest becomes 255."""
        page, bits = self._page, self._page.bitspersample
        if page.samplesperpixel != 1 or int(page.compression) != _UNCOMPRESSED or page.is_tiled or page.fillorder != 1:
            raise _refused(
                self._path, f"has samples of {bits} bits that are compressed, tiled or of colours, which are not read"
            )
        row_bytes = (page.imagewidth * bits + 7) // 8
        parts = zip(page.dataoffsets, page.databytecounts, strict=True)
        data = np.frombuffer(b"".join(self._data[at : at + size] for at, size in parts), np.uint8)
        if data.size != row_bytes * page.imagelength:
            raise _refused(self._path, "is cut short: bytes of its pictures are missing")
        unpacked = np.unpackbits(data.reshape(page.imagelength, row_bytes), axis=1)[:, : page.imagewidth * bits]
        weights = 1 << np.arange(bits - 1, -1, -1)
        samples = unpacked.reshape(page.imagelength, page.imagewidth, bits) @ weights
        if bits < _BYTE and int(page.photometric) != _PALETTE:
            samples = np.rint(samples * 255 / ((1 << bits) - 1))
        return samples.astype(np.uint8 if bits < _BYTE else np.uint16)[:, :, None]

    def _by_opencv(self) -> RawPixels:
        """Decode what tifffile leaves to imagecodecs, such as LZW, for the layouts that OpenCV takes rightly."""
        import cv2

        page = self._page
        simple = int(page.planarconfig) == _ONE_BY_ONE and page.samplesperpixel in (1, 3)
        if not simple or page.index != 0 or page.bitspersample not in (8, 16, 32, 64) or page.dtype.kind not in "uif":
            raise _refused(
                self._path,
                f"is compressed by {page.compression.name}, which is not read",
                "Save it without compression.",
            )
        data = bytearray(self._data)
        tag = page.tags.get(_ORIENTATION)
        if tag is not None:  # OpenCV turns some kinds of pictures and not others: we turn all
            data[tag.valueoffset : tag.valueoffset + 2] = (1).to_bytes(2, "big" if data[:2] == b"MM" else "little")
        pixels = cv2.imdecode(np.frombuffer(bytes(data), np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None:
            raise _refused(self._path, "is damaged: its bytes do not decode")
        if int(page.photometric) == _WHITE_IS_ZERO and pixels.dtype == np.uint8:
            pixels = 255 - pixels  # it has turned them already
        return pixels[:, :, 2::-1] if pixels.ndim == 3 else pixels[:, :, None]

    def _picture(self, samples: RawPixels) -> RawPixels:
        page, kind = self._page, int(self._page.photometric)
        if samples.dtype == np.bool_:
            samples = samples.astype(np.uint8) * 255
        self._tell_left_out(samples)
        colour = samples.shape[2] >= 3 and samples.dtype in (np.uint8, np.uint16)
        if kind in (_RGB, _YCBCR, _PALETTE) and colour:  # OpenCV has looked a palette up already
            return np.ascontiguousarray(samples[:, :, 2::-1])
        if kind == _PALETTE:
            colours = (np.asarray(page.colormap) >> 8).astype(np.uint8).T
            return np.ascontiguousarray(colours[samples[:, :, 0]][:, :, ::-1])
        if kind == _CMYK and samples.dtype == np.uint8 and samples.shape[2] == 4:
            return _bgr_of_cmyk(samples)
        if kind in (_WHITE_IS_ZERO, _BLACK_IS_ZERO) and samples.shape[2] - len(page.extrasamples) == 1:
            return self._levels(np.ascontiguousarray(samples[:, :, :1]))
        name = getattr(page.photometric, "name", str(page.photometric)).lower()
        raise _refused(
            self._path,
            f"has {samples.shape[2]} samples of {samples.dtype} a pixel ({name}); read are gray, RGB, CMYK and palette",
        )

    def _tell_left_out(self, samples: RawPixels) -> None:
        """Warn where a pixel has more than gray or colour: parts that are transparent, or bands of another kind."""
        kinds = [int(kind) for kind in self._page.extrasamples]
        more = samples[:, :, samples.shape[2] - len(kinds) :] if kinds and samples.shape[2] > len(kinds) else None
        if more is None:
            return
        alpha = [plane for plane, kind in zip(np.moveaxis(more, 2, 0), kinds, strict=True) if kind in _ALPHA]
        if any(samples.dtype.kind == "u" and plane.min() < np.iinfo(plane.dtype).max for plane in alpha):
            warn_once(f"{self._path.parent}: {TRANSPARENT}")
        if len(alpha) < len(kinds):
            bands = counted(len(kinds) - len(alpha), "band")
            warn_once(
                f"{self._path.parent}: left out of its pictures: {bands} beside gray or colour, of which the files do "
                "not say what it shows. Save what is meant as a picture of its own."
            )

    def _levels(self, samples: RawPixels) -> RawPixels:
        if int(self._page.photometric) == _WHITE_IS_ZERO and samples.dtype.kind == "u":
            bits = self._page.bitspersample
            samples = ((1 << bits) - 1 if _BYTE < bits < 2 * _BYTE else np.iinfo(samples.dtype).max) - samples
        scale, offset = self._scale()
        no_data = self._no_data()
        if samples.dtype in (np.uint8, np.uint16) and (scale, offset) == (1.0, 0.0) and not no_data:
            return samples
        if samples.dtype.kind in "ui" and samples.dtype.itemsize > 2 and int(np.abs(samples).max()) >= _MOST_WHOLE:
            raise _refused(self._path, "has whole numbers of more than 24 bits, which would lose their last digits")
        holes = with_holes(samples, no_data)
        return np.asarray(holes * np.float32(scale) + np.float32(offset), np.float32)

    def _no_data(self) -> tuple[float, ...]:
        tag = self._page.tags.get(_NO_DATA)
        try:
            return () if tag is None else (float(str(tag.value).strip("\0 ")),)
        except ValueError:
            return ()

    def _scale(self) -> tuple[float, float]:
        """What GDAL says stored numbers are to be multiplied with, and what is to be added then."""
        tag = self._page.tags.get(_GDAL_ITEMS)
        found = {"scale": 1.0, "offset": 0.0}
        for role, text in re.findall(r'role="(scale|offset)"[^>]*>\s*([^<\s]+)', "" if tag is None else str(tag.value)):
            with suppress(ValueError):
                found[role] = float(text)
        return found["scale"], found["offset"]


def _bgr_of_cmyk(samples: RawPixels) -> RawPixels:
    """Plain inks without a profile: what is left of the light after each of them."""
    light = 255 - samples.astype(np.uint16)
    product = light[:, :, 2::-1] * light[:, :, 3:]
    return ((product + 128 + (product + 128 >> 8)) >> 8).astype(np.uint8)


def _refused(
    path: Path, says: str, remedy: str = "Save it again as TIFF or PNG with one gray channel, or RGB."
) -> CoconetError:
    return CoconetError(
        path, wanted="a picture of gray, RGB, CMYK or palette samples", got=f"one that {says}", remedy=remedy, says=says
    )
