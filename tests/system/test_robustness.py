"""What cameras give at their worst, through the shipped networks and a fresh CoCoNet: a sensible picture, no NaN.

The baselines are held to the same statements: a statement that they do not meet would be about fusion, not robustness.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from coconet.cards.model_card import Signature
from coconet.media.pixels import BGR_TO_LUMA, Pixels
from coconet.model_names import CHECKPOINTS, shipped_checkpoint
from coconet.networks.camera_ready import Fuser
from coconet.networks.checkpoint import Checkpoint, load_checkpoint
from coconet.networks.coconet import OURS, PUBLISHED, CoCoNet
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.backends.pytorch import EagerBackend
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs

HEIGHT, WIDTH = 61, 75  # odd, so that every network has to pad
BASELINES = ["average", "pyramid"]
FRESH = ["fresh coconet, stored statistics", "fresh coconet, statistics of the picture"]
PAIR = synthetic_pairs(1, HEIGHT, WIDTH)[0]
VISIBLE: Pixels = PAIR.visible.pixels
INFRARED: Pixels = PAIR.infrared.pixels


def flat(level: int, channels: int) -> Pixels:
    return np.full((HEIGHT, WIDTH, channels), level, np.uint8)


FRAMES: dict[str, tuple[Pixels, Pixels]] = {
    "white hot": (VISIBLE, INFRARED),
    "black hot": (VISIBLE, 255 - INFRARED),
    "gray visible": (VISIBLE[:, :, :1], INFRARED),
    "no target": (VISIBLE, flat(128, 1)),
    "lost infrared": (VISIBLE, flat(0, 1)),
    "burnt infrared": (VISIBLE, flat(255, 1)),
    "night": (flat(0, 3), INFRARED),
    "burnt visible": (flat(255, 3), INFRARED),
    "both black": (flat(0, 3), flat(0, 1)),
    "both white": (flat(255, 3), flat(255, 1)),
    "black and white": (flat(0, 3), flat(255, 1)),
    "white and black": (flat(255, 3), flat(0, 1)),
}


def fresh_coconet(statistics: str) -> tuple[nn.Module, Signature]:
    torch.manual_seed(0)
    core = CoCoNet()
    if statistics.endswith("picture"):
        core.use_image_statistics()
        return core.eval(), PUBLISHED
    return core.eval(), OURS


def opened(name: str) -> Backend:
    if name in FRESH:
        core, signature = fresh_coconet(name)
        return EagerBackend(Checkpoint("coconet", core, signature, ""))
    return open_backend(name)


MODELS = ("lite", "lite-int8-fp16", "lite-int8", "coconet")
"""The FP16 graphs of the others are compared with these elsewhere."""


@pytest.fixture(scope="module", params=[*BASELINES, *MODELS])
def trained(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """What is held to sensible pictures."""
    with closing(opened(request.param)) as backend:
        yield backend


@pytest.fixture(scope="module", params=[*BASELINES, *MODELS, *FRESH])
def any_model(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """The same and what was never trained, which has no sensible pictures to give."""
    with closing(opened(request.param)) as backend:
        yield backend


def luma(pixels: Pixels) -> NDArray[np.float64]:
    return (pixels @ BGR_TO_LUMA if pixels.shape[2] == 3 else pixels[:, :, 0]).astype(np.float64)


def correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


@pytest.mark.parametrize("frames", FRAMES)
def test_every_pair_of_frames_gives_a_picture_shaped_like_the_visible_one(any_model: Backend, frames: str) -> None:
    visible, infrared = FRAMES[frames]
    fused = any_model.fuse(visible, infrared)
    assert (fused.shape, fused.dtype) == (visible.shape, np.dtype(np.uint8))


@pytest.mark.slow
def test_a_picture_does_not_depend_on_the_frames_before(any_model: Backend) -> None:
    first = [any_model.fuse(*frames) for frames in FRAMES.values()]
    again = [any_model.fuse(*frames) for frames in reversed(FRAMES.values())]
    assert all(np.array_equal(one, other) for one, other in zip(first, reversed(again), strict=True))


@pytest.mark.parametrize("name", [*FRESH, *CHECKPOINTS])
@pytest.mark.parametrize("frames", FRAMES)
def test_no_frame_makes_a_network_give_nan_or_infinity(name: str, frames: str) -> None:
    if name in FRESH:
        core, signature = fresh_coconet(name)
    else:
        checkpoint = load_checkpoint(shipped_checkpoint(name))
        core, signature = checkpoint.core, checkpoint.signature
    gray = [torch.from_numpy(luma(side)).float()[None, None] for side in FRAMES[frames]]
    with torch.inference_mode():
        answer = Fuser(core, signature).fuse_gray(*gray)  # a picture of 8 bit would show a NaN as black
    assert torch.isfinite(answer).all()


@pytest.mark.parametrize(("level", "least", "most"), [(0, 0, 47), (255, 208, 255)])
def test_two_black_pictures_stay_dark_and_two_white_ones_bright(
    trained: Backend, level: int, least: int, most: int
) -> None:
    fused = trained.fuse(flat(level, 3), flat(level, 1))
    assert least <= fused.min() <= fused.max() <= most


@pytest.mark.parametrize(("visible", "infrared"), [(0, 0), (128, 128), (255, 255), (0, 255), (255, 0)])
def test_two_flat_pictures_stay_flat(trained: Backend, visible: int, infrared: int) -> None:
    fused = trained.fuse(flat(visible, 3), flat(infrared, 1)).astype(int)
    assert np.ptp(fused) <= 32  # an eighth of the range: the borders of zeros that convolutions see show a little


@pytest.mark.parametrize("level", [0, 64, 128, 192])
def test_an_infrared_picture_without_targets_leaves_the_visible_texture(trained: Backend, level: int) -> None:
    assert correlation(luma(trained.fuse(VISIBLE, flat(level, 1))), luma(VISIBLE)) > 0.9


@pytest.mark.parametrize("level", [0, 64, 128, 192])
def test_a_visible_picture_without_detail_leaves_the_thermal_texture(trained: Backend, level: int) -> None:
    assert correlation(luma(trained.fuse(flat(level, 3), INFRARED)), luma(INFRARED)) > 0.9


@pytest.mark.parametrize("infrared", [INFRARED, 255 - INFRARED], ids=["white hot", "black hot"])
def test_either_polarity_gives_a_picture_that_resembles_the_mean_of_both(trained: Backend, infrared: Pixels) -> None:
    assert correlation(luma(trained.fuse(VISIBLE, infrared)), luma(VISIBLE) + luma(infrared)) > 0.9


def test_turning_the_polarity_turns_the_thermal_share_of_the_picture(trained: Backend) -> None:
    white_hot, black_hot = (luma(trained.fuse(VISIBLE, infrared)) for infrared in (INFRARED, 255 - INFRARED))
    assert correlation(white_hot - black_hot, luma(INFRARED)) > 0.8
