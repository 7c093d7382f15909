from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from coconet.cards.model_card import Signature
from coconet.errors import CoconetError
from coconet.metrics.fusion import score
from coconet.networks.checkpoint import network_named
from coconet.networks.coconet import OURS
from coconet.training.data import GrayPair
from coconet.training.validation import JUDGED, Validator

CPU = torch.device("cpu")


class Mixture(nn.Module):
    """A network that gives half of each source, and noise of a given strength."""

    def __init__(self, noise: float = 0.0) -> None:
        super().__init__()
        self.noise = noise

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        strewn = torch.randn(visible.shape, generator=torch.Generator().manual_seed(0))
        return 0.5 * (visible + infrared) + self.noise * strewn


@pytest.fixture(scope="module")
def pairs() -> list[GrayPair]:
    y, x = np.mgrid[:48, :64]
    return [
        GrayPair(
            # Even levels: their mean is a level, and nothing is left to rounding.
            (127 + 60 * np.sin(x / pace) + 20 * np.cos(y)).astype(np.uint8) & 254,
            np.asarray(np.where((x - 30) ** 2 + (y - 20) ** 2 < 90, 230, 40 + y) & 254, np.uint8),
        )
        for pace in (2.0, 3.0)
    ]


def test_the_score_is_the_mean_ratio_to_the_better_of_average_and_maximum(pairs: list[GrayPair]) -> None:
    def means(rule: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
        scores = [score(rule(p.infrared * 1.0, p.visible * 1.0), p.infrared, p.visible) for p in pairs]
        shares = np.array([[getattr(one, name) for name in JUDGED] for one in scores], np.float64)
        return np.asarray(shares.mean(axis=0))

    average, maximum = means(lambda a, b: (a + b) / 2), means(np.maximum)
    judgement = Validator(pairs, Signature()).judge(Mixture(), CPU)
    assert judgement.score == pytest.approx(np.mean(average / np.maximum(average, maximum)), abs=1e-9)
    assert [getattr(judgement.mean, name) for name in JUDGED] == pytest.approx(average.tolist())
    assert [picture.shape for picture in judgement.pictures] == [(48, 64)] * 2


def test_noise_raises_sharpness_but_not_the_score(pairs: list[GrayPair]) -> None:
    judge = Validator(pairs, Signature())
    clean, noisy = judge.judge(Mixture(), CPU), judge.judge(Mixture(0.1), CPU)
    assert noisy.mean.AG > 1.5 * clean.mean.AG
    assert noisy.mean.EN > clean.mean.EN
    assert noisy.score < 0.9 * clean.score


def test_judging_leaves_the_state_of_training_alone_and_sees_the_stored_statistics(pairs: list[GrayPair]) -> None:
    known = network_named("coconet")
    core, signature = known.build(), known.signature
    core.train()
    core.get_submodule("bn1_1").eval()
    before = {name: tensor.clone() for name, tensor in core.state_dict().items()}
    modes = [module.training for module in core.modules()]
    judge = Validator(pairs[:1], signature)
    first, second = (judge.judge(core, CPU).pictures[0] for _ in range(2))
    assert np.array_equal(first, second)
    assert modes == [module.training for module in core.modules()]
    torch.testing.assert_close(core.state_dict(), before, atol=0, rtol=0)


def test_flat_pictures_are_refused() -> None:
    flat = np.full((48, 64), 90, np.uint8)
    with pytest.raises(CoconetError, match="validation has only flat pictures"):
        Validator([GrayPair(flat, flat)], Signature()).judge(Mixture(), CPU)


def test_pictures_too_small_for_the_network_are_refused() -> None:
    with pytest.raises(CoconetError, match="expected at least 8 pixels a side"):
        Validator([GrayPair(np.zeros((7, 64), np.uint8), np.zeros((7, 64), np.uint8))], OURS)
