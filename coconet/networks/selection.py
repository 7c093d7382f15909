"""Selection: of two sources, at every place, the one that shows more there: what a Laplacian pyramid fuses by."""

from __future__ import annotations

from dataclasses import dataclass

from coconet.errors import MissingPackage

try:
    import torch
    from torch import Tensor
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


@dataclass(frozen=True)
class Selection:
    """How two sources share a place: by a power of the ratio of the structure that each has around it.

    around: side of the square, in samples, over which structure is averaged; odd.
    power: at 4, twice the structure has 16 of 17 parts.
    hardly_any: structure added to both, of the range 0..1. Two sources of noise alone are averaged, not selected, and
        two that are nearly alike share steadily from frame to frame.
    """

    around: int
    power: float
    hardly_any: float

    def __call__(self, bands: Tensor, structures: Tensor) -> Tensor:
        """Both bands, (B, 2, H, W), as one, (B, 1, H, W).

        structures: what each source shows at every place, of any sign and in 0..1, (B, 2, H, W).
        """
        # By logarithms: a fourth power of a gray level is nothing in half precision.
        shown = torch.log(average_around(structures.abs(), self.around) + self.hardly_any)
        share = torch.sigmoid(self.power * (shown[:, :1] - shown[:, 1:]))
        return torch.lerp(bands[:, 1:], bands[:, :1], share)


OF_DETAIL = Selection(around=7, power=4.0, hardly_any=1.0 / 255.0)
"""Of detail, in pixels: decided, or edges would be those of both at half their strength."""

OF_BANDS = Selection(around=13, power=2.0, hardly_any=4.0 / 255.0)
"""Of coarse bands, in squares: gentle, as levels that change sides are seen as flicker."""


def average_around(image: Tensor, side: int) -> Tensor:
    """Means over squares of an odd side around every place, and of what there is of them at the rim: to its shape."""
    return functional.avg_pool2d(image, side, stride=1, padding=side // 2, count_include_pad=False)
