from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from coconet.losses import fidelity
from coconet.losses.adaptive import gaussian
from coconet.metrics import fusion as metrics
from coconet.metrics import qabf


def image(seed: int, side: int = 96) -> Tensor:
    """Levels of 0..255 over smooth structure, so that the metrics have something to see."""
    noise = torch.rand(1, 1, side, side, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.interpolate(noise[..., : side // 8, : side // 8], size=(side, side), mode="bilinear")
    return ((0.8 * smooth + 0.2 * noise) * 255).round() / 255


def gray(picture: Tensor) -> np.ndarray:
    return (picture[0, 0] * 255).round().to(torch.uint8).numpy()


def test_the_correlation_loss_is_two_minus_scd() -> None:
    visible, infrared, fused = image(0), image(1), image(2)
    wanted = 2 - metrics.scd(gray(fused), gray(infrared), gray(visible))
    assert fidelity.correlation_loss(fused, visible, infrared).item() == pytest.approx(wanted, abs=1e-4)


def test_the_sum_of_both_sources_is_the_best_for_the_correlation() -> None:
    visible, infrared = image(3), image(4)
    assert fidelity.correlation_loss(visible + infrared, visible, infrared).item() == pytest.approx(0.0, abs=1e-3)


def test_the_exposure_is_right_at_the_mean_of_both_sources() -> None:
    visible, infrared = image(11), image(12)
    average = 0.5 * (visible + infrared)
    assert fidelity.exposure_loss(average, visible, infrared).item() == pytest.approx(0.0, abs=1e-10)
    assert fidelity.exposure_loss(average + 0.2, visible, infrared).item() == pytest.approx(0.04, rel=1e-4)


def test_visual_information_follows_the_metric() -> None:
    visible, infrared, fused = image(5), image(6), 0.5 * (image(5) + image(6))
    ours = fidelity.visual_information(visible, fused) + fidelity.visual_information(infrared, fused)
    assert ours.item() == pytest.approx(metrics.vif(gray(fused), gray(infrared), gray(visible)), abs=0.01)


def test_a_copy_of_one_source_loses_against_what_both_have_to_show() -> None:
    visible, infrared, both = image(7), image(8), image(7)
    visible[..., 48:], infrared[..., :48] = 0.5, 0.5
    both[..., 48:] = infrared[..., 48:]
    copied = fidelity.information_loss(visible, visible, infrared)
    assert fidelity.information_loss(both, visible, infrared) < copied - 0.5


def test_no_edge_is_missed_where_the_stronger_one_is_taken() -> None:
    left, right = image(9), image(10)
    visible, infrared = left.clone(), right.clone()
    visible[..., 48:] = 0.5
    infrared[..., :48] = 0.5
    fused = torch.cat((visible[..., :48], infrared[..., 48:]), dim=-1)
    inside = np.s_[..., 4:44]
    assert fidelity.edge_loss(fused[inside], visible[inside], infrared[inside]).item() == pytest.approx(0.0, abs=1e-6)
    assert fidelity.edge_loss(0.5 * (visible + infrared), visible, infrared).item() > 0.05


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_flat_images_give_finite_losses_and_gradients(level: float) -> None:
    flat, fused = torch.full((1, 1, 64, 64), level), torch.full((1, 1, 64, 64), level, requires_grad=True)
    terms = (
        fidelity.edge_loss,
        fidelity.edge_transfer_loss,
        fidelity.correlation_loss,
        fidelity.information_loss,
    )
    total = torch.stack([term(fused, flat, flat) for term in terms]).sum()
    total.backward()
    assert torch.isfinite(total)
    assert fused.grad is not None
    assert torch.isfinite(fused.grad).all()


def test_the_edge_transfer_follows_qabf_within_the_picture() -> None:
    # A ramp keeps directions away from the vertical, where the metric jumps. Its border of zeros is left out.
    ramp = torch.linspace(0, 0.5, 128).expand(1, 1, 128, 128)
    pictures = [255 * (ramp + 0.5 * gaussian(image(seed, 144), 17, 3.0)) for seed in (5, 6)]
    pictures.append(torch.maximum(*pictures))
    edges = []
    for picture in pictures:
        strength, angle = qabf._edges(picture[0, 0].double().numpy())
        edges.append((strength[1:-1, 1:-1], angle[1:-1, 1:-1]))
    kept = sum((qabf._preserved(source, edges[2]) * source[0]).sum() for source in edges[:2])
    wanted = 1 - kept / sum(source[0].sum() for source in edges[:2])
    visible, infrared, fused = (picture / 255 for picture in pictures)
    assert fidelity.edge_transfer_loss(fused, visible, infrared).item() == pytest.approx(wanted, abs=0.02)
    assert fidelity.edge_transfer_loss(visible, visible, visible).item() == pytest.approx(1 - 0.9994 * 0.976, abs=0.01)


def test_the_entropy_loss_is_nothing_where_all_levels_are_alike_and_most_on_a_flat_picture() -> None:
    ramp = (torch.arange(256).repeat(16, 1) / 255)[None, None]
    assert fidelity.entropy_loss(ramp).item() == pytest.approx(0.0, abs=0.05)
    assert 4.0 < fidelity.entropy_loss(torch.full((1, 1, 16, 256), 0.4)).item() < 6.0
    wanted = 8 - metrics.entropy(gray(image(12)))
    assert fidelity.entropy_loss(image(12)).item() == pytest.approx(wanted, abs=0.3)


def test_the_entropy_loss_spreads_levels_that_lie_together() -> None:
    picture = (torch.arange(100, 140).repeat(8, 4) / 255)[None, None].requires_grad_()
    fidelity.entropy_loss(picture).backward()
    assert picture.grad is not None
    assert picture.grad[picture < 0.43].mean() > 0.0 > picture.grad[picture > 0.51].mean()
