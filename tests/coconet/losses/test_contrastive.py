from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from coconet.losses.contrastive import EPSILON, LAYER_WEIGHTS, contrastive_loss
from coconet.losses.vgg_features import frozen_features


class SmallPyramid(nn.Module):
    """Five depths of a small random network, in double precision."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList(nn.Conv2d(1 if i == 0 else 3, 3, 3, padding=1) for i in range(5)).double()

    def forward(self, image: Tensor) -> list[Tensor]:
        taps = []
        for layer in self.layers:
            image = torch.tanh(layer(image))
            taps.append(image)
        return taps


Pyramid = list[Tensor]
FEATURES = SmallPyramid().requires_grad_(False)


def batch(size: int, side: int = 12, seed: int = 1) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Fused, visible, infrared and a mask with some target in every image."""
    draw = torch.Generator().manual_seed(seed)
    images = torch.rand(3, size, 1, side, side, generator=draw, dtype=torch.float64)
    mask = (torch.rand(size, 1, side, side, generator=draw) < 0.3).double()
    return images[0], images[1], images[2], mask


def by_hand(fused: Tensor, visible: Tensor, infrared: Tensor, mask: Tensor) -> float:
    """The formula, one sample, one level and one number at a time."""

    def distance(first: list[Pyramid], second: list[Pyramid], level: int) -> float:
        total = sum((a[level] - b[level]).abs().sum().item() for a, b in zip(first, second, strict=True))
        return total / sum(a[level].numel() for a in first)

    def seen(image: Tensor, cut: Tensor) -> Pyramid:
        levels: Pyramid = FEATURES(((image * 2 - 1) * cut)[None])
        return levels

    loss, size = 0.0, len(fused)
    for liked, avoided, cuts in ((infrared, visible, mask), (visible, infrared, 1 - mask)):
        anchors = [seen(fused[k], cuts[k]) for k in range(size)]
        positives = [seen(liked[k], cuts[k]) for k in range(size)]
        negatives = [[seen(avoided[(k - turn) % size], cuts[k]) for k in range(size)] for turn in range(min(3, size))]
        for level, weight in enumerate((1 / 32, 1 / 16, 1 / 8, 1 / 4, 1)):
            apart = sum(distance(anchors, others, level) for others in negatives)
            loss += weight * distance(anchors, positives, level) / (apart + EPSILON)
    return loss


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_it_is_the_published_ratio_worked_out_one_number_at_a_time(size: int) -> None:
    images = batch(size)
    assert contrastive_loss(FEATURES, *images).item() == pytest.approx(by_hand(*images), rel=1e-9)


def test_three_equal_distances_to_others_and_one_to_the_own_kind_make_a_third_a_layer() -> None:
    # With the picture itself as its only feature: the fused one lies as far from the positive as from each negative.
    flat = torch.ones(3, 1, 4, 4)
    loss = contrastive_loss(
        lambda x: [x] * 5, 0.5 * flat, 0.75 * flat, 0.25 * flat, (torch.rand(3, 1, 4, 4) < 0.5) * flat
    )
    assert loss.item() == pytest.approx(2 * sum(LAYER_WEIGHTS) / 3, rel=1e-4)


def test_targets_from_the_infrared_on_a_visible_ground_are_the_best_there_is() -> None:
    _, visible, infrared, mask = batch(3)
    wanted = infrared * mask + visible * (1 - mask)
    assert contrastive_loss(FEATURES, wanted, visible, infrared, mask).item() == pytest.approx(0.0, abs=1e-12)
    assert contrastive_loss(FEATURES, visible * mask + infrared * (1 - mask), visible, infrared, mask).item() > 1.0


def test_its_gradient_is_that_of_finite_differences() -> None:
    fused, visible, infrared, mask = batch(3, side=5)
    loss = lambda picture: contrastive_loss(FEATURES, picture, visible, infrared, mask)  # noqa: E731
    assert torch.autograd.gradcheck(loss, fused.requires_grad_())


def test_sources_get_no_gradient() -> None:
    *images, mask = batch(3)
    fused, visible, infrared = (image.requires_grad_() for image in images)
    contrastive_loss(FEATURES, fused, visible, infrared, mask).backward()
    assert fused.grad is not None
    assert visible.grad is infrared.grad is None


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_batches_without_a_target_or_without_a_ground_are_finite(target: float) -> None:
    fused, visible, infrared, mask = batch(3)
    fused.requires_grad_()
    loss = contrastive_loss(FEATURES, fused, visible, infrared, torch.full_like(mask, target))
    loss.backward()
    assert 0 < loss.item() < 10
    assert fused.grad is not None
    assert fused.grad.isfinite().all()


def test_a_picture_without_a_target_weighs_nothing_among_those_with_one() -> None:
    _, visible, infrared, mask = batch(3)
    mask[1] = 0
    spoilt = infrared * mask + visible * (1 - mask)
    assert contrastive_loss(FEATURES, spoilt, visible, infrared, mask).item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.slow
def test_a_picture_that_follows_it_shows_targets_like_the_infrared_and_the_rest_like_the_visible() -> None:
    features, _ = frozen_features(None)
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    mask = ((x - 16) ** 2 + (y - 16) ** 2 < 60).float().expand(3, 1, 32, 32)
    visible = torch.stack([0.5 + 0.3 * torch.sin(x / pace) for pace in (1.5, 2.0, 3.0)])[:, None]
    infrared = 0.1 + 0.8 * mask * torch.tensor([0.7, 0.85, 1.0]).view(3, 1, 1, 1)
    average = 0.5 * (visible + infrared)
    picture = average.clone().requires_grad_()
    optimizer = torch.optim.Adam([picture], lr=0.02)
    for _ in range(12):
        optimizer.zero_grad()
        contrastive_loss(features, picture, visible, infrared, mask).backward()
        optimizer.step()
    for wanted, where in ((infrared, mask), (visible, 1 - mask)):
        before, after = (functional.l1_loss(image * where, wanted * where) for image in (average, picture))
        assert after < 0.9 * before
