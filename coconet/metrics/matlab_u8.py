"""The uint8 arithmetic behind the field's most copied tables: for comparing with those, and for nothing else.

Matlab rounds and saturates every step of uint8 arithmetic at 0 and 255. A toolbox that computed on uint8 pictures made
the tables that papers copy from each other: an SD below 16, an SF on 0..1, a VIF whose finest scale nearly drops out,
and an MI whose joint histogram holds levels 254 and 255 in one bin. EN, AG and SCD are as in `coconet.metrics.fusion`.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from coconet.metrics.fusion import entropy, joint_entropy, score, spatial_frequency, vifp
from coconet.metrics.gray import Gray, as_levels, as_samples
from coconet.metrics.scores import Scores

VARIANT = "matlab-u8: SD, VIF and MI in saturating uint8 arithmetic, SF on 0..1, the rest as in the plain variant"
"""What a report says beside such numbers."""


def score_matlab_u8(fused: Gray, infrared: Gray, visible: Gray) -> Scores:
    """`coconet.metrics.fusion.score` with SF, SD, VIF and MI as in those tables; same pictures, same errors."""
    sources = (infrared, visible)
    return dataclasses.replace(
        score(fused, infrared, visible),
        SF=spatial_frequency(fused) / 255,
        SD=standard_deviation_u8(fused),
        VIF=sum(vifp(source, fused, matlab_u8=True) for source in sources),
        MI=sum(shared_bits_u8(source, fused) for source in sources),
    )


def standard_deviation_u8(picture: Gray) -> float:
    """Root mean of squares that stop at 255, of differences from the mean rounded and cut at 0; at most 15.97."""
    (samples,) = as_samples(picture)
    above = np.floor(np.maximum(samples - samples.mean(), 0) + 0.5)
    return math.sqrt(float(np.minimum(above**2, 255).mean()))


def shared_bits_u8(source: Gray, fused: Gray) -> float:
    """Mutual information in bits, with levels 254 and 255 in one bin of the joint histogram but not of the others."""
    merged = (np.minimum(levels, 254) for levels in as_levels(source, fused))
    return entropy(source) + entropy(fused) - joint_entropy(*merged)
