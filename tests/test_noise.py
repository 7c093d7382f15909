from __future__ import annotations

import pytest
import torch

from coconet.crops import Crops
from coconet.noise import DEVIATION_LEVELS, NoisyTwin, noise_gain


@pytest.fixture
def crops() -> Crops:
    return Crops(*torch.rand(3, 6, 1, 64, 64, generator=torch.Generator().manual_seed(0)))


def test_a_step_has_the_same_noise_whenever_it_comes(crops: Crops) -> None:
    first, again, other = (NoisyTwin.of(crops, 3, step) for step in (7, 7, 8))
    assert torch.equal(first.visible, again.visible)
    assert not torch.equal(first.visible, other.visible)
    assert not torch.equal(first.visible, NoisyTwin.of(crops, 4, 7).visible)


def test_the_noise_has_the_deviation_it_says_and_none_in_common(crops: Crops) -> None:
    twin = NoisyTwin.of(crops, 0, 0)
    noise = [(twin.visible - crops.visible).flatten(1), (twin.infrared - crops.infrared).flatten(1)]
    for side in noise:
        torch.testing.assert_close(side.std(dim=1), twin.deviation, rtol=0.05, atol=0.0)
    assert abs((noise[0] * noise[1]).mean() / (noise[0].std() * noise[1].std())) < 0.03
    assert DEVIATION_LEVELS[0] <= 255 * twin.deviation.min() <= 255 * twin.deviation.max() <= DEVIATION_LEVELS[1]


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
    twin = NoisyTwin.of(crops, 0, 0)
    found = noise_gain(rule(crops.visible, crops.infrared), rule(twin.visible, twin.infrared), twin.deviation)
    assert found.item() == pytest.approx(gain, rel=0.05, abs=1e-6)
