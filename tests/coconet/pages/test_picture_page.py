"""A page of pictures holds all it shows, as it was, and takes names as text."""

from __future__ import annotations

import base64
import re

import cv2
import numpy as np

from coconet.pages.picture_page import PagePicture, PageTable, PicturePage
from tests.support.media.textured import textured

PICTURE = np.dstack([textured(seed) for seed in range(3)])


def page_named(name: str) -> str:
    table = PageTable("Means", ("name", "VIF"), [(name, "0.500")])
    return PicturePage(name, f"{name} wins.", [table], "Worst", [PagePicture(name, PICTURE)], ["plain"]).to_html()


def test_the_pictures_lie_in_the_page_without_loss() -> None:
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page_named("lite"))
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decoded, PICTURE)


def test_the_page_loads_nothing() -> None:
    text = re.sub(r'"data:[^"]+"', '""', page_named("lite"))
    assert not re.search(r"https?:|//|<script|<link|url\(", text)


def test_names_are_text_and_no_markup() -> None:
    text = page_named('<b onclick="x">')
    assert "<b" not in re.sub(r"<body", "", text)
    assert text.count("&lt;b onclick=&#34;x&#34;&gt;") == 6
