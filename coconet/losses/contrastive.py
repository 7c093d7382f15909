"""The coupled contrastive loss: targets are to look like the infrared picture, the rest like the visible one.

Source of the formulas: CoCoNet (Liu et al., IJCV 2024, arXiv 2211.10960), section on coupled contrastive learning, with
the constants of its published code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from coconet.errors import MissingPackage

try:
    import torch
    from torch import Tensor
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


LAYER_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""How much each depth of the features counts, shallowest first."""

NEGATIVES = 3
"""An anchor is kept away from its own other source and from those of two more pairs of the batch."""

EPSILON = 1e-6
"""Added to the sum of distances. Without it a batch without any target, or with nothing else, would be 0 / 0."""

Features = Callable[[Tensor], Sequence[Tensor]]


def contrastive_loss(features: Features, fused: Tensor, visible: Tensor, infrared: Tensor, mask: Tensor) -> Tensor:
    """R(FM; IM; V1 M, V2 M, V3 M) + R(F(1-M); V(1-M); I1 (1-M), I2 (1-M), I3 (1-M)): a scalar.

    Images (B, 1, H, W) in 0..1, mask (B, 1, H, W) with 1 on targets. R(anchor; positive; negatives) is the distance to
    the positive over the sum of those to the negatives, summed over the depths of `features` with LAYER_WEIGHTS. A
    distance is the mean absolute difference over the batch, so that a pair without a target adds nothing to it. All
    are cut with the anchor's mask, on the scale -1..1, where cut-out pixels are mid-gray. The other pairs are those
    one and two places on in the batch; a batch of fewer than three has fewer negatives. Sources get no gradient.
    """
    fused, visible, infrared = (2.0 * image - 1.0 for image in (fused, visible, infrared))
    cuts = torch.cat((mask, 1.0 - mask))  # the upper half of a batch shows targets, the lower half the rest
    turns = range(min(NEGATIVES, len(fused)))
    negatives = [torch.cat((visible.roll(turn, 0), infrared.roll(turn, 0))) for turn in turns]
    with torch.no_grad():
        known = features(torch.cat([cuts * pictures for pictures in (torch.cat((infrared, visible)), *negatives)]))
    anchors = features(cuts * torch.cat((fused, fused)))
    levels = zip(LAYER_WEIGHTS, anchors, known, strict=True)
    return torch.stack([weight * _ratios(anchor, others) for weight, anchor, others in levels]).sum()


def _ratios(anchors: Tensor, compared: Tensor) -> Tensor:
    """R on targets plus R on the rest, at one depth; the positives come first in `compared`."""
    targets, rest = anchors.chunk(2)
    others = compared.chunk(2 * len(compared) // len(anchors))
    return _ratio(targets, *others[::2]) + _ratio(rest, *others[1::2])


def _ratio(anchor: Tensor, positive: Tensor, *negatives: Tensor) -> Tensor:
    apart = torch.stack([functional.l1_loss(anchor, negative) for negative in negatives]).sum()
    return functional.l1_loss(anchor, positive) / (apart + EPSILON)
