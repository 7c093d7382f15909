"""What it costs a fused picture that pairs travel as JPEG or PNG: its distance from the one without, and the bytes.

python -m coconet.benchmarks.studies.fleet.travel_cost lite --pairs tno --pairs roadscene

Each pair of a folder is scaled to 640x480, laid out as a request, read back as a server does, fused, laid out as an
answer and read back as a client does; nothing is sent. The bytes are those of both bodies.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from coconet.cards.model_card import FUSED, INFRARED, VISIBLE
from coconet.media.image import read_visible, resize
from coconet.media.pairs import paired_folder
from coconet.media.pixels import Pixels, as_bgr, as_gray
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.serving.protocol.picture_coding import PictureCoding
from coconet.runtime.serving.protocol.tensor_spec import spec_of
from coconet.runtime.serving.protocol.wire import HEADER_LENGTH, pack_answer, pack_request, read_answer, read_request
from coconet.terminal.console import Console

WIDTH_PX, HEIGHT_PX = 640, 480

SAME_DB = 99.0
"""What equal pictures count as."""


def main(
    pairs: Annotated[list[Path], typer.Option("--pairs", help="A folder of pairs; several times for several.")],
    model: Annotated[str, typer.Argument(help="As for serve.")] = "lite",
    ways: Annotated[str, typer.Option("--ways", help="As --travel-as of run.")] = "png,jpeg:95,jpeg,jpeg:80,jpeg:60",
    most: Annotated[int, typer.Option("--most", min=1, help="Pairs of each folder, spread over it.")] = 40,
) -> None:
    """Measure, and print a table for each folder."""
    console = Console()
    with closing(open_backend(model)) as backend:
        for folder in pairs:
            found = scaled_pairs(folder, most)
            table = Table(title=f"{model}, {folder.name}, {len(found)} pairs")
            for head in ("travel as", "dB, median", "at worst", "times less"):
                table.add_column(head, justify="right")
            raw = [travelled(backend, pair, None) for pair in found]
            for way in ways.split(","):
                coded = [travelled(backend, pair, PictureCoding.parse(way)) for pair in found]
                apart = [distance_db(one, other) for (one, _), (other, _) in zip(raw, coded, strict=True)]
                less = sum(size for _, size in raw) / sum(size for _, size in coded)
                table.add_row(
                    way,
                    *("the same" if db >= SAME_DB else f"{db:.1f}" for db in (median(apart), min(apart))),
                    f"{less:.1f}",
                )
            console.print(table)


def scaled_pairs(folder: Path, most: int) -> list[tuple[Pixels, Pixels]]:
    """Pairs of a folder at 640x480, evenly spread over it: (480, 640, 3) BGR and (480, 640, 1), uint8."""
    named = paired_folder(folder)
    step = max(1, len(named) // most)
    return [
        (_scaled(as_bgr(read_visible(one.visible))), _scaled(as_gray(read_visible(one.infrared))))
        for one in named[::step][:most]
    ]


def _scaled(pixels: Pixels) -> Pixels:
    return resize(pixels, WIDTH_PX, HEIGHT_PX)


def travelled(backend: Backend, pair: tuple[Pixels, Pixels], coding: PictureCoding | None) -> tuple[Pixels, int]:
    """The fused picture of a pair as a client gets it, and the bytes of its request and its answer."""
    spec = spec_of(backend.card)
    sent = pack_request({VISIBLE: pair[0][None], INFRARED: pair[1][None]}, None, coding, FUSED)
    request = read_request(memoryview(sent.body), sent.headers[HEADER_LENGTH], spec)
    fused = backend.fuse(request.tensors[VISIBLE][0], request.tensors[INFRARED][0])
    answer = pack_answer("model", "1", request, {FUSED: fused[None]})
    came: NDArray[Any] = read_answer(answer.body, answer.headers[HEADER_LENGTH], spec.outputs[0])
    return np.asarray(came[0], np.uint8), sent.size + answer.size


def distance_db(one: Pixels, other: Pixels) -> float:
    """PSNR of two pictures of one shape, uint8; SAME_DB if they are equal."""
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return SAME_DB if error == 0 else 10 * float(np.log10(255**2 / error))


if __name__ == "__main__":
    typer.run(main)
