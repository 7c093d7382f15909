"""Sensitivity: which convolutions INT8 harms most, what each costs, and how many stay in floating point."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import floor, inf, prod

import numpy as np
from rich.table import Table

from coconet.calibration.int8.gate import Gate
from coconet.calibration.int8.graph import OnnxModel
from coconet.calibration.int8.observer import activations
from coconet.calibration.int8.placement import ConvSite
from coconet.calibration.int8.qdq import quantize_model
from coconet.calibration.int8.ranges import ActivationRanges
from coconet.cards.precision import PRECISIONS, REFERENCE, ParityLimits, PrecisionName
from coconet.errors import counted
from coconet.runtime.frame import Frame, FramePair
from coconet.runtime.verify.parity import Parity, within


def conv_macs(model: OnnxModel, pair: FramePair) -> dict[str, int]:
    """Output tensor of every Conv node to its multiply-accumulates on one pair, fitted to the card.

    A convolution of weights (O, I / groups, kh, kw) takes I / groups * kh * kw for every sample it gives. The matrix
    products of an attention are not counted.
    """
    convs = [node for node in model.nodes if node.op_type == "Conv"]
    constants = {node.input[1]: model.constant(node.input[1]) for node in convs}
    computed = [name for name, value in constants.items() if value is None]
    _, values = next(activations(model, [*(node.output[0] for node in convs), *computed], [pair]))
    shapes = {name: value.shape for name, value in (constants | values).items() if value is not None}
    return {node.output[0]: prod(shapes[node.output[0]]) * prod(shapes[node.input[1]][1:]) for node in convs}


def share(macs: dict[str, int], outputs: set[str]) -> float:
    """The share of all multiply-accumulates, 0..1, that the convolutions which make `outputs` take."""
    return sum(macs[output] for output in outputs) / sum(macs.values())


RANKING_FRAMES = 3

RANKING_SIDE_PX = 256


@dataclass(frozen=True)
class LayerSensitivity:
    """What INT8 in one convolution alone does to the fused picture: its PSNR against the float model's, in dB."""

    site: ConvSite
    psnr_db: float


@dataclass(frozen=True)
class MixedPrecision:
    """A model with some convolutions in INT8 and the others as they were, and how it did.

    kept: the outputs of those left in floating point, worst first. int8_share: share of all convolutions'
    multiply-accumulates in INT8, 0..1. reasons: what is beyond the limits of the gate.
    """

    sites: tuple[ConvSite, ...]
    kept: tuple[str, ...]
    size_bytes: int
    int8_share: float
    parity: Parity
    reasons: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether it is within all limits of the gate."""
        return not self.reasons


@dataclass(frozen=True)
class Sensitivity:
    """One model with its ranges, against the gate it has to pass. macs: output of every convolution to its work."""

    model: OnnxModel
    ranges: ActivationRanges
    gate: Gate
    macs: dict[str, int]

    def damages(self, sites: Iterable[ConvSite]) -> Iterator[LayerSensitivity]:
        """Quantise one convolution at a time, in the order of `sites`, each over the same few pictures.

        One at a time, not all but one: as many runs, each with one Q/DQ pair instead of all of them, and the damage
        is read by itself instead of as the small difference of two large errors.
        """
        frames = [self.cut_small(pair) for pair in islice(self.gate.frames, RANKING_FRAMES)]
        # The order of PSNR is all that is asked for.
        gate = replace(self.gate, frames=frames, metric_change=inf, measured=None)
        for site in sites:
            trial = gate.measure(quantize_model(self.model, [site], self.ranges))
            yield LayerSensitivity(site, trial.parity.psnr_db)

    def mixture(self, worst_first: Sequence[ConvSite], keep: int) -> MixedPrecision:
        """Measure the model with the first `keep` of the sites in floating point, on all frames of the gate.

        They stay in the type they have: FP16 in an FP16 export, which makes one strongly typed file of both.
        """
        sites = tuple(worst_first[keep:])
        trial = self.gate.measure(quantize_model(self.model, sites, self.ranges))
        return MixedPrecision(
            sites=sites,
            kept=tuple(site.output for site in worst_first[:keep]),
            size_bytes=trial.size_bytes,
            int8_share=share(self.macs, {site.output for site in sites}),
            parity=trial.parity,
            reasons=trial.reasons,
        )

    def cut_small(self, pair: FramePair) -> FramePair:
        """The middle of large pictures, which ranks as well and costs less; whole ones for a model of one size."""
        if self.model.card.height_px is not None:
            return pair
        return FramePair(_middle(pair.visible), _middle(pair.infrared))


def worst_first(damages: Sequence[LayerSensitivity]) -> list[ConvSite]:
    """The sites from the lowest PSNR to the highest."""
    return [damage.site for damage in sorted(damages, key=lambda damage: damage.psnr_db)]


def steps(sites: int) -> list[int]:
    """How many of `sites` convolutions are kept, one trial after the other: 0, 1, 2, 3, 4, 6, 9, 13 ...

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


def expected_speed(int8_share: float, precision: PrecisionName) -> float:
    """How much faster the convolutions get, by Amdahl's law: 1 for none in INT8, the quotient of both rates for all.

    An upper bound: memory, and what is no convolution, is left out.
    """
    times = PRECISIONS["int8"].rate / PRECISIONS[precision].rate
    return 1.0 / (int8_share / times + 1.0 - int8_share)


def damage_table(damages: Sequence[LayerSensitivity]) -> Table:
    """The convolutions, worst first, with the PSNR when each is the only one in INT8."""
    table = Table("convolution", "PSNR alone in INT8 (dB)", title="Sensitivity, worst first")
    for damage in sorted(damages, key=lambda damage: damage.psnr_db):
        table.add_row(damage.site.output, f"{damage.psnr_db:.1f}")
    return table


def mixture_table(mixtures: Sequence[MixedPrecision], precision: PrecisionName, chosen: MixedPrecision | None) -> Table:
    """The models that were tried, as a Pareto row; the one to be written is marked with an arrow."""
    label = PRECISIONS[precision].label
    table = Table(
        *("", f"kept in {label}", "beyond", "size (MB)", "in INT8", "speed", "PSNR (dB)", "worst frame (dB)"),
        title="Speed against quality",
        caption="beyond: the limit that decides; "
        f"speed: expected of the convolutions on tensor cores, {label} being 1; not measured",
    )
    for mixture in mixtures:
        table.add_row(
            "->" if mixture is chosen else "",
            f"{len(mixture.kept)} of {len(mixture.kept) + len(mixture.sites)}",
            _beyond(mixture),
            f"{mixture.size_bytes / 1e6:.2f}",
            f"{mixture.int8_share:.0%}",
            f"{expected_speed(mixture.int8_share, precision):.2f}",
            f"{mixture.parity.psnr_db:.1f}",
            f"{mixture.parity.worst_psnr_db:.1f}",
        )
    return table


def what_would_help(tried: Sequence[MixedPrecision], limits: ParityLimits, precision: PrecisionName) -> str:
    """Say after mixtures that all broke a limit what may bring one within it, the likeliest first.

    limits: those that they were held against. precision: of the float model.
    """
    nearest = max(tried, key=lambda mixture: mixture.parity.worst_psnr_db)
    reached = floor(nearest.parity.worst_psnr_db)
    of_pixels = not within(nearest.parity, limits)
    kept = f"{len(nearest.kept)} of {counted(len(nearest.kept) + len(nearest.sites), 'convolution')} kept"
    helps = []
    if of_pixels and PRECISIONS["int8"].limits.worst_psnr_db <= reached < limits.worst_psnr_db:
        helps.append(f"--min-psnr {reached} lets the nearest one, with {kept}, go on to the fusion metrics")
    helps.append(
        "calibrate on 100 or more frames of both cameras, each on its own side, of scenes like those to compare on"
    )
    helps.append("choose ranges by another --method")
    if precision == REFERENCE:
        helps.append("run it in half precision instead, with coconet export --half")
    text = "; or ".join(helps)
    return f"{text[0].upper()}{text[1:]}."


def _beyond(mixture: MixedPrecision) -> str:
    """The word for the first limit that a mixture breaks: PSNR, which stands for pixels, a metric, or frames."""
    if mixture.holds:
        return ""
    first = mixture.reasons[0].partition(" ")[0]
    return "frames" if first.isdigit() else first
