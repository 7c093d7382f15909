"""Pictures that come to a served model and go from it as files, and files that do not fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pytest

from coconet.media.pixels import Pixels, RawPixels
from coconet.runtime.serving.model_server import ModelServer
from coconet.runtime.serving.protocol.picture_codec import decoded_picture
from coconet.runtime.serving.protocol.wire import HEADER_LENGTH
from tests.support.servers.served_model import ask, changed


def as_file(pixels: RawPixels, suffix: str) -> bytes:
    return bytes(cv2.imencode(suffix, pixels)[1])


def with_files(files: Mapping[str, bytes], more: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
    """A request whose pictures are files."""
    parts = {name: len(data).to_bytes(4, "little") + data for name, data in files.items()}
    inputs = [
        {"name": name, "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(part)}}
        for name, part in parts.items()
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}, **more}).encode()
    return head + b"".join(parts.values()), {HEADER_LENGTH: str(len(head))}


def test_pictures_come_and_go_as_files_and_png_is_as_good_as_raw(
    server: ModelServer, pair: tuple[Pixels, Pixels], bare: Pixels
) -> None:
    files = {name: as_file(pixels, ".png") for name, pixels in zip(("visible", "infrared"), pair, strict=True)}
    outputs = {"outputs": [{"name": "fused", "parameters": {"binary_data": True, "encoding": "png"}}]}
    status, headers, said = ask(server, "POST", "/v2/models/lite/infer", *with_files(files, outputs))
    told = json.loads(said[: int(headers[HEADER_LENGTH.lower()])])["outputs"][0]
    assert (status, told["datatype"], told["shape"]) == (200, "BYTES", [1])
    fused = said[-told["parameters"]["binary_data_size"] + 4 :]
    assert decoded_picture(fused, 3, 10**6).tobytes() == bare.tobytes()
    raw = ask(server, "POST", "/v2/models/lite/infer", *with_files(files, {}))
    assert raw[2][-bare.nbytes :] == bare.tobytes()


BIG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\2\0\0\0" + bytes(4)
GOOD = as_file(np.zeros((8, 8, 3), np.uint8), ".jpg")
FILES = {
    "no picture": (b"GIF89a", "is neither JPEG nor PNG"),
    "cut off": (GOOD[:-30], "was cut off"),
    "damaged": (
        as_file(np.zeros((8, 8, 3), np.uint8), ".png")[:30] + GOOD[-2:] + b"IEND\xaeB`\x82",
        "visible is damaged",
    ),
    "more pixels than a request may have": (BIG, "is 60000 x 60000, more than 64 MB of pixels"),
    "16 bits": (
        as_file(np.full((8, 8, 3), 29_000, np.uint16), ".png"),
        "visible has 16 bits a sample, but must have 8",
    ),
    "another size than the other": (as_file(np.zeros((4, 8, 3), np.uint8), ".png"), "but the visible one is"),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_that_do_not_fit_are_refused_in_words(server: ModelServer, kind: str) -> None:
    data, words = FILES[kind]
    other = as_file(np.zeros((8, 8, 1), np.uint8), ".png")
    sent = with_files({"visible": data, "infrared": other}, {})
    status, _, said = ask(server, "POST", "/v2/models/lite/infer", *sent)
    assert (status, words in json.loads(said)["error"]) == (400, True), said


COUNTS = np.linspace(29_000, 29_399, 64).astype(np.uint16).reshape(8, 8, 1)
PALETTE = cv2.applyColorMap(np.arange(64, dtype=np.uint8).reshape(8, 8), cv2.COLORMAP_INFERNO)
NOT_GRAY = {
    "counts": (COUNTS, ".png", "infrared has 16 bits a sample, but must have 8. Spread its levels over 0 to 255"),
    "a palette": (PALETTE, ".png", "infrared is in colour, but must be gray. Send it in one channel; an infrared one"),
    "a palette as JPEG": (PALETTE, ".jpg", "infrared is in colour, but must be gray"),
}


@pytest.mark.parametrize("kind", NOT_GRAY)
def test_an_infrared_file_that_would_lose_its_levels_is_refused(server: ModelServer, kind: str) -> None:
    pixels, suffix, words = NOT_GRAY[kind]
    files = {"visible": as_file(np.zeros((8, 8, 3), np.uint8), ".png"), "infrared": as_file(pixels, suffix)}
    status, _, said = ask(server, "POST", "/v2/models/lite/infer", *with_files(files, {}))
    assert (status, words in json.loads(said)["error"]) == (400, True), said


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_gray_picture_in_three_channels_keeps_its_levels(suffix: str) -> None:
    gray = np.random.default_rng(5).integers(0, 256, (9, 7, 1), np.uint8)
    one, three = (as_file(np.repeat(gray, depth, axis=2), suffix) for depth in (1, 3))
    wanted = np.asarray(cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)[:, :, None]
    assert decoded_picture(one, 1, 10**6).tobytes() == wanted.tobytes()
    alike = decoded_picture(three, 1, 10**6)
    assert (alike.shape, alike.tobytes()) == (wanted.shape, wanted.tobytes())


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"binary_data": True, "encoding": "gif"}, "encoding must be jpeg or png, not gif"),
        ({"binary_data": True, "encoding": "jpeg", "quality": 0}, "quality must be a whole number from 1 to 100"),
        ({"binary_data": False, "encoding": "png"}, "parameter encoding applies to an output in binary only"),
    ],
)
def test_an_output_in_no_known_encoding_is_refused(server: ModelServer, parameters: Any, words: str) -> None:
    body = changed("outputs", [{"name": "fused", "parameters": parameters}])
    status, _, said = ask(server, "POST", "/v2/models/lite/infer", body)
    assert (status, words in json.loads(said)["error"]) == (400, True), said
