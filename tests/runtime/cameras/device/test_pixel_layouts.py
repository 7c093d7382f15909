"""Pictures taken out of the buffers of thermal cameras."""

from __future__ import annotations

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.cameras.device.pixel_layouts import LAYOUTS, FrameLayout, frame_layout
from coconet.runtime.cameras.device.v4l2 import check_read_back, driver_stamp


def test_a_doubled_frame_gives_the_raw_counts_of_its_lower_half() -> None:
    """InfiRay's P2 Pro: 256 x 384 in what calls itself YUYV, two bytes a sample, counts in the lower 192 rows."""
    counts = np.arange(192 * 256, dtype="<u2").reshape(192, 256)
    buffer = np.concatenate([np.zeros((192, 256, 2), np.uint8), counts.view(np.uint8).reshape(192, 256, 2)])
    picture = frame_layout("p2-pro").picture(buffer)
    assert (picture.shape, picture.dtype) == ((192, 256, 1), np.dtype(np.uint16))
    assert np.array_equal(picture[:, :, 0], counts)


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_takes_a_buffer_of_its_size_and_no_other(name: str) -> None:
    layout = LAYOUTS[name]
    picture = layout.picture(np.zeros((layout.height, layout.width), np.uint16))
    assert picture.shape[1:] == (layout.width, 1)
    with pytest.raises(CoconetError, match="should come in frames of .* bytes"):
        layout.picture(np.zeros((layout.height, layout.width + 1), np.uint16))


def test_big_endian_counts_and_bytes_are_read_as_such() -> None:
    buffer = np.array([[1, 2, 3, 4]], np.uint8)
    assert FrameLayout("Y16 ", 2, 1, byte_order="big").picture(buffer).ravel().tolist() == [258, 772]
    assert FrameLayout("GREY", 4, 1, samples="u8").picture(buffer).ravel().tolist() == [1, 2, 3, 4]


def test_signed_scaled_and_floating_samples_become_floats_in_their_unit() -> None:
    signed = FrameLayout("Y16 ", 2, 1, samples="i16", scale=0.1).picture(np.array([[-200, 360]], "<i2"))
    assert signed.dtype == np.float32
    assert signed.ravel().tolist() == pytest.approx([-20.0, 36.0])
    kelvin = FrameLayout("Y16 ", 1, 1, scale=0.01).picture(np.array([[30_015]], "<u2"))
    assert kelvin.ravel().tolist() == pytest.approx([300.15])
    floats = FrameLayout("RAW4", 2, 1, samples="f32", byte_order="big").picture(np.array([[1.5, -2.5]], ">f4"))
    assert floats.ravel().tolist() == [1.5, -2.5]


@pytest.mark.parametrize(
    ("name", "first", "rows"),
    [("tc002c-duo", 194, 192), ("lepton-telemetry", 0, 120), ("boson-640-telemetry", 2, 512), ("p2-pro", 192, 192)],
)
def test_rows_of_telemetry_are_no_picture(name: str, first: int, rows: int) -> None:
    layout = LAYOUTS[name]
    counts = np.repeat(np.arange(layout.height, dtype="<u2")[:, None], layout.width, axis=1)
    assert layout.picture(counts)[:, 0, 0].tolist() == list(range(first, first + rows))


def test_an_unknown_layout_lists_those_there_are() -> None:
    with pytest.raises(CoconetError, match="layout must be lepton or lepton-2 or boson-320"):
        frame_layout("camera")


def test_a_drivers_stamp_counts_only_on_the_clock_of_arrivals() -> None:
    now = 90_000_000_000
    assert driver_stamp(89_990.0, now) == (89_990_000_000, "driver")
    assert driver_stamp(0.0, now) == (now, "arrival")
    assert driver_stamp(1_700_000_000_000.0, now) == (now, "arrival")


def test_a_mode_that_the_device_did_not_take_is_told() -> None:
    check_read_back("/dev/video0", "rate", 9, 8.9)
    with pytest.raises(CoconetError, match="/dev/video0, width is 320: the camera does not take 640"):
        check_read_back("/dev/video0", "width", 640, 320)
