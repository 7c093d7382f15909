"""The synthetic rig."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from coconet.errors import CoconetError
from coconet.runtime.cameras.open_camera import ROLES, Role
from coconet.runtime.cameras.synthetic.camera import SyntheticCamera, SyntheticSettings
from coconet.runtime.frame import Frame

SMALL: dict[str, Any] = {"width": 96, "height": 72}


def frames(camera: SyntheticCamera, count: int) -> list[Frame]:
    return [frame for frame in (camera.read() for _ in range(count)) if frame is not None]


def test_a_frame_has_the_shape_of_its_camera() -> None:
    settings = SyntheticSettings(**SMALL)
    visible, infrared = (SyntheticCamera(role, settings).read() for role in ROLES)
    assert visible is not None
    assert infrared is not None
    assert visible.pixels.shape == (72, 96, 3)
    assert infrared.pixels.shape == (72, 96, 1)
    assert visible.pixels.dtype == infrared.pixels.dtype == np.uint8


@pytest.mark.parametrize("role", ROLES)
def test_one_seed_gives_the_same_frames_and_another_seed_others(role: Role) -> None:
    first, again, other = (
        SyntheticCamera(role, SyntheticSettings(**SMALL, seed=seed, jitter_ms=5)) for seed in (3, 3, 4)
    )
    for one, two, three in zip(frames(first, 3), frames(again, 3), frames(other, 3), strict=True):
        assert np.array_equal(one.pixels, two.pixels)
        assert one.timestamp_ns == two.timestamp_ns
        assert not np.array_equal(one.pixels, three.pixels)


def test_the_picture_depends_on_the_time_alone_and_not_on_the_rate() -> None:
    slow = frames(SyntheticCamera("infrared", SyntheticSettings(**SMALL, fps=10, noise=0)), 3)
    fast = frames(SyntheticCamera("infrared", SyntheticSettings(**SMALL, fps=30, noise=0)), 7)
    for one, two in zip(slow, fast[::3], strict=True):
        assert one.timestamp_ns == two.timestamp_ns
        assert np.array_equal(one.pixels, two.pixels)


def test_the_scene_moves() -> None:
    first, *_, last = frames(SyntheticCamera("infrared", SyntheticSettings(**SMALL, noise=0)), 15)
    assert np.abs(first.pixels.astype(int) - last.pixels).max() > 60


def test_two_sizes_show_the_same_street() -> None:
    large = SyntheticCamera("infrared", SyntheticSettings(width=192, height=144, noise=0)).read()
    small = SyntheticCamera("infrared", SyntheticSettings(**SMALL, noise=0)).read()
    assert large is not None
    assert small is not None
    halved = large.pixels[:, :, 0].reshape(72, 2, 96, 2).mean((1, 3))
    assert np.abs(halved - small.pixels[:, :, 0]).mean() < 6


def test_smoke_hides_a_person_from_the_visible_camera_only() -> None:
    """The second walker starts in the smoke: by day he is plain in the thermal picture, not in the visible one."""
    visible, infrared = (SyntheticCamera(role, SyntheticSettings(noise=0)).read() for role in ROLES)
    assert visible is not None
    assert infrared is not None
    rows, columns = slice(215, 235), slice(380, 415)
    thermal = infrared.pixels[rows, columns].astype(float)
    luma = visible.pixels[rows, columns].astype(float).mean(2)
    assert np.ptp(thermal) > 90
    assert np.ptp(luma) < 60


def test_noise_has_the_deviation_that_was_asked_for() -> None:
    quiet = frames(SyntheticCamera("infrared", SyntheticSettings(noise=0)), 1)[0].pixels.astype(float)
    noisy = frames(SyntheticCamera("infrared", SyntheticSettings(noise=4)), 1)[0].pixels.astype(float)
    difference = (noisy - quiet)[quiet > 40]
    assert difference.std() == pytest.approx(4, rel=0.05)
    assert abs(difference.mean()) < 0.1


def test_noise_changes_from_frame_to_frame() -> None:
    settings = SyntheticSettings(**SMALL, fps=1000)
    first, second = frames(SyntheticCamera("infrared", settings), 2)
    assert (first.pixels != second.pixels).mean() > 0.5


def test_jitter_delays_every_frame_by_less_than_was_said_and_keeps_their_order() -> None:
    stamps = [
        frame.timestamp_ns for frame in frames(SyntheticCamera("visible", SyntheticSettings(**SMALL, jitter_ms=20)), 20)
    ]
    delays_ms = np.array(stamps) / 1e6 - np.arange(20) * 1000 / 30
    assert delays_ms.min() >= 0
    assert 10 < delays_ms.max() <= 20
    assert all(before < after for before, after in itertools.pairwise(stamps))


def test_a_stream_with_a_duration_ends() -> None:
    camera = SyntheticCamera("visible", SyntheticSettings(**SMALL, fps=9, duration_s=1))
    assert (camera.frames_expected, len(frames(camera, 100))) == (9, 9)


def test_an_endless_stream_leaves_out_what_has_been_and_one_that_ends_does_not() -> None:
    endless, short = (SyntheticCamera("visible", SyntheticSettings(**SMALL, fps=10, duration_s=s)) for s in (None, 9))
    for camera in (endless, short):
        camera.skip_to(450_000_000)
    assert [(frame.index, frame.timestamp_ns) for frame in frames(endless, 2)] == [(5, 500_000_000), (6, 600_000_000)]
    assert frames(short, 1)[0].index == 0


def test_a_closed_camera_gives_nothing_more() -> None:
    camera = SyntheticCamera("visible", SyntheticSettings(**SMALL))
    camera.close()
    assert camera.read() is None


def test_a_jitter_longer_than_a_frame_is_refused() -> None:
    with pytest.raises(CoconetError, match=r"jitter_ms is 40, which is not less than the 33\.3333 ms"):
        SyntheticSettings(jitter_ms=40)


def test_a_size_out_of_range_is_refused() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 32"):
        SyntheticSettings(width=8)


def test_counts_are_the_synthetic_heat_in_hundredths_of_a_kelvin() -> None:
    gray = frames(SyntheticCamera("infrared", SyntheticSettings(**SMALL)), 1)[0].pixels
    counts = frames(SyntheticCamera("infrared", SyntheticSettings(**SMALL, counts=True)), 1)[0].pixels
    visible = frames(SyntheticCamera("visible", SyntheticSettings(**SMALL, counts=True)), 1)[0].pixels
    assert (str(counts.dtype), str(visible.dtype)) == ("uint16", "uint8")
    assert np.allclose(counts / 100 - 273.15, -12 + gray * 0.2, atol=0.0051)
