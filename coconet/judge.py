"""The judge: how good a network is on held-out pairs, in one number and in the metrics of the field."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.data import GrayPair
from coconet.errors import CoconetError, MissingPackage
from coconet.fuser import Fuser, check_frame_size
from coconet.metrics import Scores, score
from coconet.signature import Signature

try:
    import torch
    from torch import nn
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error

Gray = NDArray[np.uint8]

JUDGED = ("SCD", "VIF", "Qabf", "SSIM")
"""The metrics of the score: those that compare with both sources. EN, AG, SF and SD also grow with noise."""


@dataclass(frozen=True)
class Judgement:
    """What a network made of the held-out pairs, and their mean metrics.

    score: mean over JUDGED of the metric divided by what the better of average and maximum fusion reaches in it.
    """

    pictures: tuple[Gray, ...]
    mean: Scores
    score: float


class Judge:
    """Fuses whole held-out pictures as the deployed network will, at 8 bit, and scores them."""

    def __init__(self, pairs: Sequence[GrayPair], signature: Signature) -> None:
        for pair in pairs:
            height, width = pair.visible.shape
            check_frame_size(height, width, signature)
        self.pairs, self._signature = pairs, signature

    def judge(self, core: nn.Module, device: torch.device) -> Judgement:
        """Fuse and score every pair with a copy of the core, so that its own state of training stays as it is."""
        fuser = Fuser(copy.deepcopy(core), self._signature, visible_channels=1).to(device).eval()
        pictures = tuple(_fused(fuser, pair, device) for pair in self.pairs)
        mean = _mean_scores(self.pairs, pictures)
        ratios = [getattr(mean, name) / level for name, level in self._levels.items()]
        return Judgement(pictures, mean, sum(ratios) / len(ratios))

    @cached_property
    def _levels(self) -> dict[str, float]:
        """What the better of the two simplest fusions reaches, by metric."""
        means = [_mean_scores(self.pairs, [rule(pair) for pair in self.pairs]) for rule in (_average, _maximum)]
        levels = {name: max(getattr(mean, name) for mean in means) for name in JUDGED}
        if min(levels.values()) <= 0.0:
            raise CoconetError(
                "validation", wanted="pictures of something", got="only flat ones", remedy="Validate on other pairs."
            )
        return levels


def _fused(fuser: Fuser, pair: GrayPair, device: torch.device) -> Gray:
    with torch.inference_mode():
        sides = (torch.from_numpy(side)[None, :, :, None].to(device) for side in (pair.visible, pair.infrared))
        picture: Gray = fuser(*sides)[0, :, :, 0].cpu().numpy()
    return picture


def _mean_scores(pairs: Sequence[GrayPair], pictures: Iterable[NDArray[Any]]) -> Scores:
    scores = [score(picture, pair.infrared, pair.visible) for picture, pair in zip(pictures, pairs, strict=True)]
    return Scores(*np.mean([dataclasses.astuple(one) for one in scores], axis=0).tolist())


def _average(pair: GrayPair) -> NDArray[Any]:
    return (pair.visible + pair.infrared.astype(np.float64)) / 2


def _maximum(pair: GrayPair) -> NDArray[Any]:
    return np.maximum(pair.visible, pair.infrared)
