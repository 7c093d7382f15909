from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from coconet.cards.frame_size import check_frame_size
from coconet.cards.model_card import Signature
from coconet.errors import CoconetError
from coconet.networks.camera_ready import Fuser, crop, mirror_pad


class Core(nn.Module):
    """Gives back one of its inputs, moved from the input range to the output range, and remembers what it saw."""

    def __init__(self, side: int, signature: Signature) -> None:
        super().__init__()
        self.side, self.signature = side, signature
        self.saw: tuple[Tensor, ...] = ()

    def forward(self, *images: Tensor) -> Tensor:
        self.saw = images
        (low, high), (out_low, out_high) = self.signature.input_range, self.signature.output_range
        return (images[self.side] - low) / (high - low) * (out_high - out_low) + out_low


def frames(height: int = 11, width: int = 13, channels: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    visible = torch.randint(0, 256, (1, height, width, channels), generator=generator, dtype=torch.uint8)
    return visible, torch.randint(0, 256, (1, height, width, 1), generator=generator, dtype=torch.uint8)


PUBLISHED = Signature(input_range=(0.0, 255.0), output_range=(-1.0, 1.0), side_multiple=16)


@pytest.mark.parametrize(
    "signature", [Signature(), Signature(side_multiple=8), PUBLISHED], ids=["plain", "padded", "published"]
)
def test_a_core_that_returns_the_visible_image_returns_the_visible_frame(signature: Signature) -> None:
    visible, infrared = frames()
    assert torch.equal(Fuser(Core(0, signature), signature)(visible, infrared), visible)


def test_a_core_that_returns_the_infrared_image_gives_its_luma_and_the_visible_chroma_by_their_ratio() -> None:
    visible, infrared = frames()
    visible, infrared = visible // 4 + 96, infrared // 4 + 96  # nothing is clipped here
    blue, green, red = Fuser(Core(1, Signature()), Signature())(visible, infrared).float().unbind(-1)
    b, g, r = visible.float().unbind(-1)
    luma, before = 0.114 * blue + 0.587 * green + 0.299 * red, 0.114 * b + 0.587 * g + 0.299 * r
    ratio = (infrared[..., 0] + 8.0) / (before + 8.0)
    torch.testing.assert_close(luma, infrared[..., 0].float(), atol=0.6, rtol=0)
    torch.testing.assert_close(blue - red, ratio * (b - r), atol=1.01, rtol=0)
    torch.testing.assert_close(green - red, ratio * (g - r), atol=1.01, rtol=0)


def test_a_gray_visible_frame_gives_a_gray_picture() -> None:
    visible, infrared = frames(channels=1)
    fused = Fuser(Core(1, Signature()), Signature(), visible_channels=1)(visible, infrared)
    assert torch.equal(fused, infrared)


def test_the_core_sees_the_visible_image_first_in_its_range_and_padded() -> None:
    core = Core(0, PUBLISHED)
    visible, infrared = frames(channels=1)
    Fuser(core, PUBLISHED, visible_channels=1)(visible, infrared)
    first, second = core.saw
    assert first.shape == second.shape == (1, 1, 16, 16)
    assert torch.equal(first[..., 2:13, 1:14], visible.permute(0, 3, 1, 2).float())
    assert torch.equal(second[..., 2:13, 1:14], infrared.permute(0, 3, 1, 2).float())


@settings(max_examples=40)
@given(height=st.integers(8, 60), width=st.integers(8, 60))
def test_padding_reflects_with_the_odd_row_behind_and_is_taken_back_exactly(height: int, width: int) -> None:
    image = torch.rand(1, 1, height, width)
    padded = mirror_pad(mirror_pad(image, 2, 16), 3, 16)
    rows, columns = -height % 16, -width % 16
    pads = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    assert torch.equal(padded, functional.pad(image, pads, mode="reflect"))
    assert torch.equal(crop(crop(padded, 2, height, 16), 3, width, 16), image)


def test_pictures_too_small_to_be_reflected_are_refused() -> None:
    with pytest.raises(CoconetError, match="is 7x40 .* expected at least 8 pixels a side"):
        check_frame_size(7, 40, PUBLISHED)
