"""Sensitivity: which convolutions INT8 harms most, and how many stay in floating point until the picture is right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from calibration.gate import Gate
from calibration.macs import share
from calibration.onnx_model import OnnxModel
from calibration.placement import ConvSite
from calibration.qdq import quantized_model
from calibration.ranges import ActivationRanges
from runtime.frame import Frame, FramePair
from runtime.parity import Parity

RANKING_FRAMES = 3
RANKING_SIDE_PX = 256


@dataclass(frozen=True)
class Damage:
    """What INT8 in one convolution alone does to the fused picture: its PSNR against the float model's, in dB."""

    site: ConvSite
    psnr_db: float


@dataclass(frozen=True)
class Mixture:
    """A model with some convolutions in INT8 and the others as they were, and how it did.

    kept: the outputs of those left in floating point, worst first. int8_share: share of all convolutions'
    multiply-accumulates in INT8, 0..1. holds: within the limits of the gate.
    """

    sites: tuple[ConvSite, ...]
    kept: tuple[str, ...]
    size_bytes: int
    int8_share: float
    parity: Parity
    holds: bool


@dataclass(frozen=True)
class Sensitivity:
    """One model with its ranges, against the gate it has to pass. macs: output of every convolution to its work."""

    model: OnnxModel
    ranges: ActivationRanges
    gate: Gate
    macs: dict[str, int]

    def damages(self, sites: Iterable[ConvSite]) -> Iterator[Damage]:
        """Quantise one convolution at a time, in the order of `sites`, each over the same few pictures.

        One at a time, not all but one: as many runs, each with one Q/DQ pair instead of all of them, and the damage
        is read by itself instead of as the small difference of two large errors.
        """
        frames = [self.cut_small(pair) for pair in islice(self.gate.frames, RANKING_FRAMES)]
        gate = replace(self.gate, frames=frames)
        for site in sites:
            trial = gate.measure(quantized_model(self.model, [site], self.ranges))
            yield Damage(site, trial.parity.psnr_db)

    def mixture(self, worst_first: Sequence[ConvSite], keep: int) -> Mixture:
        """Measure the model with the first `keep` of the sites in floating point, on all frames of the gate.

        They stay in the type they have: FP16 in an FP16 export, which makes one strongly typed file of both.
        """
        sites = tuple(worst_first[keep:])
        trial = self.gate.measure(quantized_model(self.model, sites, self.ranges))
        return Mixture(
            sites=sites,
            kept=tuple(site.output for site in worst_first[:keep]),
            size_bytes=trial.size_bytes,
            int8_share=share(self.macs, {site.output for site in sites}),
            parity=trial.parity,
            holds=self.gate.passes(trial.parity),
        )

    def cut_small(self, pair: FramePair) -> FramePair:
        """The middle of large pictures, which ranks as well and costs less; whole ones for a model of one size."""
        if self.model.card.height_px is not None:
            return pair
        return FramePair(_middle(pair.visible), _middle(pair.infrared))


def worst_first(damages: Sequence[Damage]) -> list[ConvSite]:
    """The sites from the lowest PSNR to the highest."""
    return [damage.site for damage in sorted(damages, key=lambda damage: damage.psnr_db)]


def steps(sites: int) -> list[int]:
    """How many of so many convolutions are kept, one trial after the other: 0, 1, 2, 3, 4, 6, 9, 13 ...

    Half as many again beyond four, so that a deep network is not tried layer by layer; one at least is in INT8.
    """
    counts = [0]
    while counts[-1] + 1 < sites:
        last = counts[-1]
        counts.append(min(sites - 1, last + 1 if last < 4 else last + last // 2))
    return counts


def _middle(frame: Frame) -> Frame:
    rows, columns = (_middle_part(side) for side in frame.pixels.shape[:2])
    return replace(frame, pixels=np.ascontiguousarray(frame.pixels[rows, columns]))


def _middle_part(side: int) -> slice:
    kept = min(side, RANKING_SIDE_PX)
    return slice((side - kept) // 2, (side - kept) // 2 + kept)
