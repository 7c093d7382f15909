"""Variants: how the tables that papers copy from each other were computed, for comparing with those.

`plain` is what everything here uses. The others differ from it as their evaluators do, and in nothing else.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from coconet.errors import CoconetError, nearest
from coconet.metrics import matlab_u8
from coconet.metrics.fusion import average_gradient, mutual_information, score
from coconet.metrics.gray import Gray
from coconet.metrics.scores import VARIANT, Scores
from coconet.metrics.ssim import structural_similarity, uniform_similarity


@dataclass(frozen=True)
class Variant:
    """One way to compute the nine metrics. score: of fused, infrared, visible. note: what a report says beside it."""

    name: str
    score: Callable[[Gray, Gray, Gray], Scores]
    note: str


def score_toolbox(fused: Gray, infrared: Gray, visible: Gray) -> Scores:
    """As the Matlab toolbox of SeAFusion's author does today.

    MI has levels 254 and 255 in one bin of the joint histogram, SSIM is the mean of both sources' and has constants for
    a dynamic range of 1.
    """
    sources = (infrared, visible)
    return dataclasses.replace(
        score(fused, infrared, visible),
        MI=sum(matlab_u8.shared_bits_u8(source, fused) for source in sources),
        SSIM=sum(structural_similarity(source, fused, peak=1.0) for source in sources) / 2,
    )


def score_cddfuse(fused: Gray, infrared: Gray, visible: Gray) -> Scores:
    """As CDDFuse's evaluator does: AG over H W, MI in nats, SSIM over even windows of 7 x 7."""
    height, width = fused.shape
    return dataclasses.replace(
        score(fused, infrared, visible),
        AG=average_gradient(fused) * (height - 1) * (width - 1) / (height * width),
        MI=mutual_information(fused, infrared, visible) * math.log(2.0),
        SSIM=uniform_similarity(fused, infrared) + uniform_similarity(fused, visible),
    )


_ALL = (
    Variant("plain", score, f"plain: {VARIANT}"),
    Variant(
        "toolbox",
        score_toolbox,
        "toolbox: as today's Matlab toolbox; MI with 254 and 255 in one joint bin, SSIM the mean of both, range 1",
    ),
    Variant("matlab-u8", matlab_u8.score_matlab_u8, matlab_u8.VARIANT),
    Variant(
        "cddfuse",
        score_cddfuse,
        "cddfuse: as CDDFuse's evaluator; AG over all pixels, MI in nats, SSIM over 7 x 7 pixels",
    ),
)

VARIANTS: Mapping[str, Variant] = MappingProxyType({variant.name: variant for variant in _ALL})
"""Every variant by its name, the one of this package first."""


def variant_named(name: str) -> Variant:
    """The variant of this name. Raises CoconetError if there is none."""
    if name not in VARIANTS:
        names = ", ".join(VARIANTS)
        remedy = f"{nearest(name, VARIANTS)}Leave it out for plain."
        raise CoconetError(
            "--variant",
            wanted=f"one of {names}",
            got=repr(name),
            remedy=remedy,
            says=f"must be one of {names}, not {name!r}",
        )
    return VARIANTS[name]
