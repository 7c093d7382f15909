"""Names of picture files: which they are, and when two of them are the same."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from coconet.errors import CoconetError

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pnm"})


def name_key(name: str) -> str:
    """A name as it is compared: without its ending, in one Unicode form, without the difference of capital letters."""
    ending = next((suffix for suffix in PICTURE_SUFFIXES if name.lower().endswith(suffix)), "")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name[: len(name) - len(ending)]).casefold())


def is_picture(path: Path) -> bool:
    """Whether a name is that of a picture: by its ending, and not hidden by a dot in front."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")


def check_picture_ending(path: Path) -> None:
    """Refuse a name that no picture can be written under; the ending chooses the format."""
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise CoconetError(
            path,
            wanted=f"a name that ends in one of {', '.join(sorted(PICTURE_SUFFIXES))}",
            got=path.suffix or "no ending",
            remedy="Change the ending.",
            says=f"has {f'the ending {path.suffix}' if path.suffix else 'no ending'}; a picture ends in one of "
            f"{', '.join(sorted(PICTURE_SUFFIXES))}",
        )
