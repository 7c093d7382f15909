"""CameraInfo as a lens and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coconet.runtime.preprocess.warp import Lens
from coconet.runtime.ros.camera_info import info_message, info_topic, lens_of
from coconet.runtime.ros.messages import CAMERA_INFO, pack
from tests.support.ros.bags import FIRST_NS, TYPES, camera_info

K = (800.0, 0, 320.0, 0, 810.0, 256.0, 0, 0, 1)

D = (-0.3, 0.1, 0.001, -0.002, 0.01)


@pytest.mark.parametrize(
    ("images", "info"),
    [
        ("/thermal/image_raw", "/thermal/camera_info"),
        ("/thermal/image_raw/compressed", "/thermal/camera_info"),
        ("/image", "/camera_info"),
    ],
)
def test_the_lens_of_images_lies_beside_them(images: str, info: str) -> None:
    assert info_topic(images) == info


def test_a_calibrated_camera_has_a_lens() -> None:
    assert lens_of(camera_info(K, D), "/thermal/image_raw") == Lens((800, 810), (320, 256), D)
    assert lens_of(camera_info(K, D[:4]), "/thermal/image_raw") == Lens((800, 810), (320, 256), (*D[:4], 0))
    assert lens_of(camera_info(K, (*D, 0, 0, 0), "rational_polynomial"), "/image_raw") == Lens(
        (800, 810), (320, 256), D
    )


def test_rectified_images_have_the_projection_and_no_distortion() -> None:
    assert lens_of(camera_info(K, D), "/thermal/image_rect") == Lens((400, 405), (160, 128))


def test_a_camera_that_is_not_calibrated_has_none() -> None:
    assert lens_of(camera_info([0.0] * 9, []), "/thermal/image_raw") is None


@pytest.mark.parametrize(
    ("d", "model"), [((0.1, 0.2, 0.3, 0.4), "equidistant"), ((*D, 0.5, 0, 0), "rational_polynomial")]
)
def test_a_lens_of_another_kind_is_named_and_left_out(
    d: tuple[float, ...], model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lens_of(camera_info(K, d, model), f"/{model}/image_raw") is None
    assert f"of the kind {model}" in capsys.readouterr().err


def test_a_lens_that_is_sent_is_the_one_that_is_read() -> None:
    lens = Lens((800.5, 810.25), (320.125, 256), D)
    sent = info_message(lens, (640, 512), FIRST_NS, "thermal")
    message: Any = TYPES.deserialize_cdr(pack(CAMERA_INFO, sent), CAMERA_INFO)
    assert (message.width, message.height) == (640, 512)
    assert lens_of(message, "/thermal/image_raw") == lens
    assert np.array_equal(message.p.reshape(3, 4)[:, :3], message.k.reshape(3, 3))
