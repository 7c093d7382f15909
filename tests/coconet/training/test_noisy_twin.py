from __future__ import annotations

import dataclasses

import pytest
import torch

from coconet.training.crops import Crops
from coconet.training.noisy_twin import GRAINS_PX, LEAST_SHARE, NoisyTwin, noise_gain


@pytest.fixture
def crops() -> Crops:
    visible, infrared, mask = torch.rand(3, 6, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    return Crops(visible, infrared, mask, visible, infrared)


def test_a_step_has_the_same_noise_whenever_it_comes(crops: Crops) -> None:
    first, again, other = (NoisyTwin.of(crops, 2.0, 3, step) for step in (7, 7, 8))
    assert torch.equal(first.visible, again.visible)
    assert not torch.equal(first.visible, other.visible)
    assert not torch.equal(first.visible, NoisyTwin.of(crops, 2.0, 4, 7).visible)


def test_the_noise_is_as_strong_as_it_says_and_none_is_in_common(crops: Crops) -> None:
    twin = NoisyTwin.of(crops, 2.0, 0, 0)
    noise = torch.stack((twin.visible - crops.visible, twin.infrared - crops.infrared)).flatten(2)  # (2, batch, N)
    assert noise.abs().sum(dim=(1, 2)).amax().item() == pytest.approx(twin.change, rel=1e-4)
    strengths = 255 * noise.std(dim=2)
    assert 0.8 * 2.0 * LEAST_SHARE < strengths.min() < strengths.max() < 1.2 * 2.0
    assert abs((noise[0] * noise[1]).mean() / (noise[0].std() * noise[1].std())) < 0.05


def test_noise_comes_in_grains_of_several_sizes(crops: Crops) -> None:
    noise = torch.cat([NoisyTwin.of(crops, 2.0, 0, step).visible - crops.visible for step in range(4)])
    constant = {g for g in GRAINS_PX for one in noise if torch.allclose(one[0, :g, :g], one[0, 0, 0], atol=1e-6)}
    assert constant == set(GRAINS_PX)


def test_a_video_brings_its_own_noise_and_what_moves_does_not_count(crops: Crops) -> None:
    later = crops.visible + 1 / 255
    later[:, :, :, 32:] += 0.5  # something comes into the right half
    twin = NoisyTwin.of(dataclasses.replace(crops, following_visible=later), 2.0, 0, 0)
    assert torch.equal(twin.infrared, crops.infrared)
    torch.testing.assert_close(twin.visible, later)
    assert twin.still[..., :27].all()
    assert not twin.still[..., 32:].any()
    assert twin.change == pytest.approx(twin.still.sum().item() / 255, rel=1e-4)
    assert noise_gain(crops.visible, later, twin).item() == pytest.approx(1.0, abs=1e-3)


def test_with_no_noise_to_draw_only_videos_count(crops: Crops) -> None:
    following = crops.visible.clone()
    following[2] += 1 / 255
    twin = NoisyTwin.of(dataclasses.replace(crops, following_visible=following), 0.0, 0, 0)
    assert twin.rows.tolist() == [2]
    torch.testing.assert_close(twin.visible, following[2:3])
    assert len(NoisyTwin.of(crops, 0.0, 0, 0).rows) == 0


@pytest.mark.parametrize(
    ("rule", "gain"),
    [
        (lambda v, i: v, 1.0),
        (lambda v, i: (v + i) / 2, 0.5**0.5),
        (lambda v, i: v + i, 2**0.5),
        (lambda v, i: 0 * v, 0.0),
    ],
    ids=["copy", "average", "sum", "nothing"],
)
def test_the_gain_of_simple_rules_is_known(crops: Crops, rule, gain: float) -> None:  # type: ignore[no-untyped-def]
    twin = NoisyTwin.of(crops, 2.0, 0, 0)
    found = noise_gain(rule(crops.visible, crops.infrared), rule(twin.visible, twin.infrared), twin)
    assert found.item() == pytest.approx(gain, rel=0.1, abs=1e-6)
