"""Calibration frames: read from a folder, fitted to a card, hashed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coconet.calibration.int8.observer import FrameDigest
from coconet.errors import CoconetError
from coconet.media.image import write_picture
from coconet.runtime.cameras.pair_folder import FolderFrames
from coconet.runtime.frame import Frame, FramePair
from coconet.runtime.frame_check import fit_pairs
from tests.support.models.small_unet import unet_card

RNG = np.random.default_rng(0)
COLOUR = replace(unet_card(), visible_channels=3)


def pair_of(height: int, width: int, channels: int = 1, dtype: type = np.uint8) -> FramePair:
    def frame(depth: int) -> Frame:
        return Frame(RNG.integers(0, 256, (height, width, depth)).astype(dtype), 0, 0, "scene")

    return FramePair(frame(channels), frame(1))


def write_folder(root: Path, pairs: list[FramePair], names: tuple[str, str] = ("vis", "ir")) -> Path:
    for name, side in zip(names, ("visible", "infrared"), strict=True):
        (root / name).mkdir()
        for index, pair in enumerate(pairs):
            write_picture(root / name / f"{index}.png", getattr(pair, side).pixels)
    return root


@pytest.mark.parametrize("names", [("vis", "ir"), ("VIS", "IR"), ("visible", "infrared")])
def test_a_paired_folder_gives_its_pixels_in_order_and_again_at_a_second_pass(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    pairs = [pair_of(6, 8, 3), pair_of(5, 7)]
    frames = FolderFrames(write_folder(tmp_path, pairs, names))
    assert len(frames) == 2
    for _ in range(2):
        for read, written in zip(frames, pairs, strict=True):
            np.testing.assert_array_equal(read.visible.pixels, written.visible.pixels)
            np.testing.assert_array_equal(read.infrared.pixels, written.infrared.pixels)


def test_pictures_are_read_one_at_a_time(tmp_path: Path) -> None:
    frames = iter(FolderFrames(write_folder(tmp_path, [pair_of(6, 8), pair_of(6, 8)])))
    next(frames)
    (tmp_path / "vis" / "1.png").unlink()
    with pytest.raises(CoconetError, match="does not exist"):
        next(frames)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="has no pictures: it is empty"):
        FolderFrames(write_folder(tmp_path, []))


def test_a_folder_without_ir_and_vis_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="has no pictures"):
        FolderFrames(tmp_path)


def test_gray_is_repeated_for_a_colour_model() -> None:
    pair = pair_of(6, 8)
    (result,) = fit_pairs([pair], COLOUR)
    np.testing.assert_array_equal(result.visible.pixels, pair.visible.pixels[:, :, [0, 0, 0]])


def test_colour_becomes_luma_for_a_gray_model_and_in_infrared() -> None:
    pair = pair_of(6, 8, 3)
    (result,) = fit_pairs([FramePair(pair.visible, pair.visible)], unet_card())
    luma = pair.visible.pixels @ np.array([0.114, 0.587, 0.299])
    for frame in (result.visible, result.infrared):
        assert frame.pixels.shape == (6, 8, 1)
        assert np.abs(frame.pixels[:, :, 0] - luma).max() <= 0.51


def test_a_model_of_any_size_gets_the_picture_as_it_is() -> None:
    pair = pair_of(7, 9)
    (result,) = fit_pairs([pair], unet_card())
    np.testing.assert_array_equal(result.visible.pixels, pair.visible.pixels)


def test_a_model_of_one_size_gets_the_middle_of_a_larger_picture_unscaled() -> None:
    pair = pair_of(10, 13)
    (result,) = fit_pairs([pair], unet_card((4, 7)))
    np.testing.assert_array_equal(result.visible.pixels, pair.visible.pixels[3:7, 3:10])
    np.testing.assert_array_equal(result.infrared.pixels, pair.infrared.pixels[3:7, 3:10])


@pytest.mark.parametrize("shape", [(3, 5), (3, 40), (40, 5), (31, 47)])
def test_a_picture_that_is_too_small_is_enlarged_until_it_covers_the_model(shape: tuple[int, int]) -> None:
    flat = Frame(np.full((*shape, 1), 77, np.uint8), 0, 0)
    (result,) = fit_pairs([FramePair(flat, flat)], unet_card((32, 48)))
    assert result.visible.pixels.shape == (32, 48, 1)
    assert (result.visible.pixels == 77).all()


def test_raw_thermal_counts_are_refused() -> None:
    with pytest.raises(CoconetError, match="frame scene has samples of type uint16"):
        list(fit_pairs([pair_of(4, 4, dtype=np.uint16)], unet_card()))


def test_two_frames_of_unlike_size_are_refused() -> None:
    pair = FramePair(pair_of(4, 6).visible, pair_of(4, 8).infrared)
    with pytest.raises(CoconetError, match="infrared frame scene is 4x8.*, but its visible frame is 4x6"):
        list(fit_pairs([pair], unet_card()))


def test_the_digest_follows_pixels_order_and_shape() -> None:
    first, second = pair_of(4, 6), pair_of(4, 6)
    turned = FramePair(replace(first.visible, pixels=first.visible.pixels.reshape(6, 4, 1)), first.infrared)
    renamed = FramePair(replace(first.visible, name="other", timestamp_ns=5), first.infrared)

    def digest(*pairs: FramePair) -> str:
        running = FrameDigest()
        for pair in pairs:
            running.add(pair)
        assert running.frames == len(pairs)
        return running.hexdigest()

    assert digest(first, second) == digest(renamed, second)
    assert len({digest(first, second), digest(second, first), digest(first), digest(turned, second), digest()}) == 5


def test_infrared_pictures_of_another_size_are_laid_onto_the_visible_ones_in_their_proportions(tmp_path: Path) -> None:
    visible, infrared = pair_of(40, 60, 3), pair_of(20, 20)
    infrared.infrared.pixels[:] = 200
    (pair,) = FolderFrames(write_folder(tmp_path, [FramePair(visible.visible, infrared.infrared)]))
    assert pair.visible.pixels.shape == (40, 60, 3)
    assert np.array_equal(pair.infrared.pixels[:, 10:50, 0], np.full((40, 40), 200))
    assert not pair.infrared.pixels[:, [9, 50]].any()
