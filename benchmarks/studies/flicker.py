"""Flicker: how much a fused video changes where neither camera sees anything happen, and the report of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.table import Table

from coconet.benchmarks.studies.excerpt import Sample
from coconet.cards.model_card import Normalization
from coconet.cards.precision import PrecisionName
from coconet.errors import CoconetError, MissingPackage, counted
from coconet.media.pixels import luma
from coconet.runtime.backends.backend import Backend
from coconet.runtime.frame_check import size_in_words

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="finding what stands still", extra="headless") from error


Plane = NDArray[np.float32]
"""(H, W), in levels of 0..255; a change is signed."""


@dataclass(frozen=True)
class Stillness:
    """A pixel is still where the change of every camera, smoothed by a Gaussian, stays below a threshold.

    The signed change is smoothed, so that sensor noise averages out and anything larger than a few pixels stays: noise
    of 3 levels a frame leaves 0.6 after 2 px. So it is not only the quiet pixels of a noisy camera that are counted.

    threshold_levels: in gray levels of 0..255. sigma_px: the Gaussian's deviation.
    """

    threshold_levels: float = 2.0
    sigma_px: float = 2.0

    def mask(self, *changes: Plane) -> NDArray[np.bool_]:
        """(H, W), True where still; `changes` are the cameras' differences of two frames, each (H, W), signed."""
        smoothed = [np.abs(cv2.GaussianBlur(change, (0, 0), self.sigma_px)) for change in changes]
        still: NDArray[np.bool_] = np.maximum.reduce(smoothed) < self.threshold_levels
        return still

    def __str__(self) -> str:
        return (
            f"change below {self.threshold_levels:g} levels in both cameras, "
            f"smoothed by a Gaussian of {self.sigma_px:g} px"
        )


Planes = NDArray[np.float32]
"""(P, H, W): the visible and the infrared picture and every model's, as luma in levels of 0..255."""


@dataclass(frozen=True)
class Change:
    """How much one video changes from frame to frame on the still pixels, in levels of 0..255.

    flicker_levels: mean absolute change of a pixel.
    pumping_levels: absolute change of the mean level of all still pixels of a step, averaged over the steps, each
        weighted with its still pixels: brightness that goes up and down as a whole.
    flicker_ratio, pumping_ratio: each over the larger of the two sources' values; None if neither source changes.
        Against the larger, because a fused picture has to show what either camera shows: a plain copy of the less
        steady one is exactly 1. Detail of both kept at full strength brings the noise of both along: see what
        `pyramid` has on the same frames.
    """

    flicker_levels: float
    flicker_ratio: float | None
    pumping_levels: float
    pumping_ratio: float | None


@dataclass(frozen=True)
class ModelSteadiness:
    """One model's figures. normalization: from its card; `image` is what takes its statistics from every frame."""

    model: str
    network: str
    precision: PrecisionName
    normalization: Normalization
    backend: str
    change: Change


@dataclass(frozen=True)
class Steadiness:
    """What one run found, on the same frames for all models.

    frames: pairs that were fused. steps: neighbouring frames that were compared.
    still_share: the part of all pixels of all steps that was still and therefore counted, 0..1.
    """

    height_px: int
    width_px: int
    frames: int
    steps: int
    stillness: Stillness
    still_share: float
    visible: Change
    infrared: Change
    models: tuple[ModelSteadiness, ...]


def measure_steadiness(
    models: Sequence[tuple[str, Backend]],
    samples: Iterable[Sample],
    stillness: Stillness | None = None,
    report: Callable[[], None] = lambda: None,
) -> Steadiness:
    """Fuse every sample with every (name, model) and compare neighbours; `report` is called after every fused picture.

    What is still is decided by the sources alone. Raises CoconetError for frames of unlike size, for fewer than two
    neighbouring frames, and if no pixel is still.
    """
    tally = _Tally(stillness or Stillness(), 2 + len(models))
    for sample in samples:
        visible, infrared = sample.pair.visible.pixels, sample.pair.infrared.pixels
        planes = [luma(visible), luma(infrared)]
        for _, backend in models:
            planes.append(luma(backend.fuse(visible, infrared)))
            report()
        tally.add(np.stack(planes), sample.continues)
    return tally.result(models)


class _Tally:
    """Sums over the still pixels of all steps, one entry a plane."""

    def __init__(self, stillness: Stillness, planes: int) -> None:
        self._stillness = stillness
        self._flicker, self._pumping = np.zeros(planes), np.zeros(planes)
        self._frames = self._steps = self._still = self._looked_at = 0
        self._before: Planes | None = None

    def add(self, planes: Planes, continues: bool) -> None:
        """Take the next frame's planes; where it `continues` the one before, their step counts."""
        if self._before is not None and self._before.shape != planes.shape:
            raise CoconetError(
                f"frame {self._frames + 1}",
                wanted=f"{size_in_words(*self._before.shape[1:])} like the frames before",
                got=size_in_words(*planes.shape[1:]),
                remedy="Give two videos, or two folders with the frames of one recording.",
                says=f"is {size_in_words(*planes.shape[1:])}, but the frames before are "
                f"{size_in_words(*self._before.shape[1:])}",
            )
        if self._before is not None and continues:
            self._compare(planes - self._before)
        self._before = planes
        self._frames += 1

    def _compare(self, change: Planes) -> None:
        still = change[:, self._stillness.mask(change[0], change[1])].astype(np.float64)  # (P, still pixels)
        self._flicker += np.abs(still).sum(axis=1)
        self._pumping += np.abs(still.sum(axis=1))
        self._steps += 1
        self._still += still.shape[1]
        self._looked_at += change[0].size

    def result(self, models: Sequence[tuple[str, Backend]]) -> Steadiness:
        """What it all came to."""
        if self._before is None or not self._steps:
            says = f"needs two neighbouring frames or more, and the recording has {counted(self._frames, 'frame')}"
            raise _nothing(
                "two neighbouring frames or more", counted(self._frames, "frame"), "Give a longer one.", says
            )
        if not self._still:
            got = f"none in {counted(self._steps, 'step')}; still is a {self._stillness}"
            says = f"found no pixel that stands still in {counted(self._steps, 'step')}; still is a {self._stillness}"
            raise _nothing("pixels that stand still", got, "Give a recording of two cameras that do not move.", says)
        visible, infrared, *fused = self._changes()
        return Steadiness(
            height_px=self._before.shape[1],
            width_px=self._before.shape[2],
            frames=self._frames,
            steps=self._steps,
            stillness=self._stillness,
            still_share=self._still / self._looked_at,
            visible=visible,
            infrared=infrared,
            models=tuple(_model(name, backend, one) for (name, backend), one in zip(models, fused, strict=True)),
        )

    def _changes(self) -> list[Change]:
        flicker, pumping = self._flicker / self._still, self._pumping / self._still
        columns = (flicker.tolist(), _ratios(flicker), pumping.tolist(), _ratios(pumping))
        return [Change(*row) for row in zip(*columns, strict=True)]


def _ratios(levels: NDArray[np.float64]) -> list[float] | list[None]:
    """Each over the larger of the first two, which are the sources."""
    sources = levels[:2].max()
    ratios: list[float] = (levels / sources).tolist() if sources else []
    return ratios or [None] * len(levels)


def _model(name: str, backend: Backend, change: Change) -> ModelSteadiness:
    card = backend.card
    return ModelSteadiness(name, card.network, card.precision, card.signature.normalization, backend.name, change)


def _nothing(wanted: str, got: str, remedy: str, says: str) -> CoconetError:
    return CoconetError("steadiness", wanted=wanted, got=got, remedy=remedy, says=says)


SCHEMA = 1
"""Version of the JSON's layout; it goes up whenever a reader would have to change."""

RULE = "ratio: over the less steady camera, which has 1; pumping: the mean level of what is still"


def steadiness_json(found: Steadiness) -> str:
    """Everything, indented; units are in the names."""
    return json.dumps({"schema": SCHEMA, **dataclasses.asdict(found)}, indent=2)


def steadiness_table(found: Steadiness) -> Table:
    """One row for each camera and each model."""
    table = Table(
        title=f"{found.width_px} x {found.height_px}, {counted(found.frames, 'frame')}, {found.steps} steps",
        caption=f"{found.still_share:.1%} of the pixels counted as still: {found.stillness}\n{RULE}",
        title_justify="left",
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=0,
    )
    table.add_column("video", overflow="fold")
    table.add_column("statistics")
    for heading in ("flicker", "ratio", "pumping", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row("visible camera", "", *_cells(found.visible))
    table.add_row("infrared camera", "", *_cells(found.infrared))
    for one in found.models:
        table.add_row(one.model, one.normalization, *_cells(one.change))
    return table


def _cells(change: Change) -> list[str]:
    ratios = [f"{ratio:.2f}" if ratio is not None else "-" for ratio in (change.flicker_ratio, change.pumping_ratio)]
    return [f"{change.flicker_levels:.3f}", ratios[0], f"{change.pumping_levels:.3f}", ratios[1]]
