from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.measure import shannon_entropy
from torch import Tensor

from coconet.losses import adaptive


def image(seed: int, height: int = 40, width: int = 48) -> Tensor:
    return torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(seed))


def test_gradient_activity_is_the_mean_sobel_response_on_the_scale_of_training() -> None:
    picture = image(0)
    pixels = 2.0 * picture[0, 0].double().numpy()
    wanted = np.abs(ndimage.sobel(pixels, 0, mode="nearest")) + np.abs(ndimage.sobel(pixels, 1, mode="nearest")) + 1e-5
    assert adaptive.gradient_activity(picture).item() == pytest.approx(wanted.mean(), rel=1e-5)


def test_entropy_is_that_of_the_256_levels() -> None:
    levels = torch.randint(0, 256, (1, 1, 30, 30), generator=torch.Generator().manual_seed(1))
    assert adaptive.image_entropy((levels + 0.5) / 255.0).item() == pytest.approx(
        shannon_entropy(levels.numpy()), rel=1e-5
    )


def test_every_image_of_a_batch_has_an_entropy_of_its_own() -> None:
    flat, halves = torch.zeros(1, 1, 4, 4), torch.tensor([0.0, 1.0]).repeat(8).view(1, 1, 4, 4)
    torch.testing.assert_close(adaptive.image_entropy(torch.cat((halves, flat))), torch.tensor([1.0, 0.0]))


@pytest.mark.parametrize(("temperature", "limit"), [(0.5, 0.881), (0.75, 0.791)])
def test_shares_sum_to_one_and_reach_the_published_limits(temperature: float, limit: float) -> None:
    weight, rest = adaptive.shares(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 3.0]), temperature)
    torch.testing.assert_close(weight + rest, torch.ones(2))
    assert weight.tolist() == pytest.approx([limit, 0.5], abs=1e-3)


def test_two_flat_images_share_equally_and_nothing_is_divided_by_zero() -> None:
    weight, _ = adaptive.shares(torch.zeros(1), torch.zeros(1), 0.5)
    assert weight.item() == 0.5


def test_the_gaussian_window_is_the_one_of_scipy() -> None:
    picture = image(2)
    window = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    wanted = picture[0, 0].double().numpy()
    for axis in (0, 1):
        wanted = ndimage.correlate1d(wanted, window / window.sum(), axis, mode="constant")
    np.testing.assert_allclose(adaptive.gaussian(picture, 11, 1.5, padding=5)[0, 0].numpy(), wanted, atol=1e-6)
    np.testing.assert_allclose(adaptive.gaussian(picture, 11, 1.5)[0, 0].numpy(), wanted[5:-5, 5:-5], atol=1e-6)


def test_ssim_is_the_formula_over_scipys_windows() -> None:
    first, second = image(3), 0.7 * image(3) + 0.3 * image(11)
    window = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))

    def mean(pixels: np.ndarray) -> np.ndarray:
        rows = ndimage.correlate1d(pixels, window / window.sum(), 0, mode="constant")
        return np.asarray(ndimage.correlate1d(rows, window / window.sum(), 1, mode="constant"))

    x, y = first[0, 0].double().numpy(), second[0, 0].double().numpy()
    mx, my = mean(x), mean(y)
    vx, vy, cxy = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    wanted = (2 * mx * my + 1e-4) * (2 * cxy + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
    assert adaptive.ssim(first, second).item() == pytest.approx(wanted.mean(), rel=1e-4)
    assert adaptive.ssim(first, first).item() == pytest.approx(1.0, abs=1e-5)


def test_the_intensity_term_is_the_weighted_squared_error_on_the_scale_of_training() -> None:
    visible, infrared, fused = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8), torch.full((1, 1, 8, 8), 0.25)
    expected = 0.5 * 4 * 0.25**2 + 0.5 * 4 * 0.75**2  # two flat images: equal shares
    assert adaptive.intensity_term(fused, visible, infrared, 0.75).item() == pytest.approx(expected, rel=1e-5)


def test_the_source_with_more_edges_counts_more_in_the_structure() -> None:
    busy, flat = image(4), torch.full((1, 1, 40, 48), 0.5)
    follows_busy = adaptive.structure_term(busy, busy, flat, 0.5)
    follows_flat = adaptive.structure_term(flat, busy, flat, 0.5)
    assert follows_busy < follows_flat


def test_the_gradient_of_both_terms_is_that_of_finite_differences() -> None:
    visible, infrared = image(8, 12, 12).double(), image(9, 12, 12).double()
    fused = image(10, 12, 12).double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: (
            adaptive.structure_term(x, visible, infrared, 0.5) + adaptive.intensity_term(x, visible, infrared, 0.75)
        ),
        fused,
        nondet_tol=0.0,
    )
