"""A page of figures and pictures as one self-contained HTML file: it loads nothing, and reads well on paper."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from coconet import __version__
from coconet.errors import MissingPackage
from coconet.media.pixels import Pixels

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="the pictures of a page", extra="headless") from error

try:
    from jinja2 import Environment, StrictUndefined
except ImportError as error:
    raise MissingPackage("jinja2", job="a page of figures and pictures", extra="bench") from error


@dataclass(frozen=True)
class PageTable:
    """Figures under a title. heads: of the columns, of which the first is text. rows: cells as text, one for each."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class PagePicture:
    """A picture, (H, W, 3) BGR or (H, W, 1) gray uint8, and the sentence below it."""

    caption: str
    pixels: Pixels


@dataclass(frozen=True)
class PicturePage:
    """All that a page says. verdict: a sentence in large letters. notes: sentences below the tables."""

    title: str
    verdict: str
    tables: Sequence[PageTable]
    pictures_title: str
    pictures: Sequence[PagePicture]
    notes: Sequence[str] = ()

    def to_html(self) -> str:
        """Lay the page out; the pictures lie in it as PNG, without loss."""
        template = (files("coconet.pages") / "picture_page.html.jinja").read_text(encoding="utf-8")
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        pictures = [(one.caption, _address_of(one.pixels)) for one in self.pictures]
        return environment.from_string(template).render(page=self, pictures=pictures, version=__version__) + "\n"


def _address_of(pixels: Pixels) -> str:
    """The picture itself as an address."""
    _, data = cv2.imencode(".png", np.ascontiguousarray(pixels))
    return f"data:image/png;base64,{base64.b64encode(data.tobytes()).decode()}"
