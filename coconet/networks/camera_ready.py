"""Fuser: a fusion network that takes camera frames and gives a picture, as one PyTorch module."""

from __future__ import annotations

from coconet.cards.model_card import Signature
from coconet.cards.precision import PRECISIONS, REFERENCE, PrecisionName
from coconet.errors import MissingPackage
from coconet.media.luma_weights import BGR_WEIGHTS
from coconet.networks.bounds import upsampled
from coconet.networks.chroma import chroma_ratio, means_of_squares, square_side
from coconet.networks.layers.batch_norm import settle_batch_norms

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


LEAST_SPAN = 1e-5
"""Between the least and the largest value of a picture that is stretched, in the units of the network."""


class Fuser(nn.Module):
    """Wraps a network core so that uint8 frames go in and a uint8 picture comes out.

    Everything between camera and screen happens here and therefore in the exported graph: luma, padding, scaling, the
    network, the visible chroma put back as far as it fits the new luma, clipping and rounding.
    precision: what the core runs in; what stands around it stays in single precision, where it costs nothing.
    fold: in a narrower precision, whether a BatchNorm goes into the convolution before it (see settle_batch_norms).
    Raises CoconetError for a precision that is not exported.
    """

    luma: Tensor

    def __init__(
        self,
        core: nn.Module,
        signature: Signature,
        visible_channels: int = 3,
        precision: PrecisionName = REFERENCE,
        *,
        fold: bool = True,
    ) -> None:
        super().__init__()
        self.core = _in_precision(core, precision, fold=fold)
        self.signature = signature
        self.precision = PRECISIONS[precision]
        self.colour = visible_channels == 3
        self.register_buffer("luma", torch.tensor(BGR_WEIGHTS), persistent=False)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """(B, H, W, C) and (B, H, W, 1), uint8, to (B, H, W, C) uint8; C is 3 (BGR) or 1 (gray)."""
        batch, height, width, _ = visible.shape
        # Bytes become floats before anything else, because TensorRT takes bytes at the two ends only. Luma sums over
        # the last axis and one channel needs no transposition, so no pixel is moved to another place.
        picture = visible.float()
        luma = self._luma_of(picture) if self.colour else picture
        planes = (image.reshape(batch, 1, height, width) for image in (luma, infrared.float()))
        seen, made = self._fuse_padded(*planes)
        fused = self._cropped(made, height, width).reshape(batch, height, width, 1)
        if self.colour:
            ratio = self._cropped(self._chroma_ratio(made, seen), height, width).reshape(batch, height, width, 1)
            # Every colour is its luma and its chroma, of which the one is replaced and the other multiplied.
            fused = picture * torch.cat([ratio] * 3, dim=-1) + torch.cat([fused - ratio * luma] * 3, dim=-1)
        return fused.clamp(0.0, 255.0).round().to(torch.uint8)

    def _luma_of(self, picture: Tensor) -> Tensor:
        """(B, H, W, 3) to (B, H, W, 1).

        Whole rows are weighted by rows, and what is joined with every channel is a picture of three: spreading three
        numbers, or one, over the last axis takes ONNX Runtime as long as half a convolution. It is no matrix product,
        because TensorRT for RTX has none in single precision for Turing (SM75).
        """
        batch, height, width, channels = picture.shape
        weights = self.luma.expand(width, channels).reshape(width * channels)
        weighted = picture.reshape(batch, height, width * channels) * weights
        return weighted.reshape(batch, height, width, channels).sum(dim=-1, keepdim=True)

    def fuse_gray(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in 0..255 to one near 0..255, not clipped; the core sees its own range, padded."""
        _, made = self._fuse_padded(visible, infrared)
        return self._cropped(made, *visible.shape[-2:])

    def _fuse_padded(self, visible: Tensor, infrared: Tensor) -> tuple[Tensor, Tensor]:
        """The visible image and the fused one as of `fuse_gray`, both padded."""
        (low, high), multiple = self.signature.input_range, self.signature.side_multiple
        factor = (high - low) / 255.0
        padded = [_padded(image, multiple) for image in (visible, infrared)]
        output = _run(self.core, self.precision.name, *(_scaled(image, factor, low) for image in padded))
        if self.signature.stretch:
            return padded[0], _stretched(output, self._cropped(output, *visible.shape[-2:]))
        low, high = self.signature.output_range
        factor = 255.0 / (high - low)
        return padded[0], _scaled(output, factor, -low * factor)

    def _chroma_ratio(self, fused: Tensor, visible: Tensor) -> Tensor:
        """See coconet.networks.chroma: (B, 1, H, W) of two such images, padded."""
        side = square_side(self.signature.side_multiple)
        return upsampled(chroma_ratio(*(means_of_squares(image, side) for image in (fused, visible))), side)

    def _cropped(self, image: Tensor, height: int, width: int) -> Tensor:
        return _cropped(image, height, width, self.signature.side_multiple)


class BareFuser(nn.Module):
    """Wraps a network core so that floats go in and come out, in its own ranges; only the padding is added.

    precision, fold: as of Fuser; both ends stay in single precision.
    """

    def __init__(
        self, core: nn.Module, signature: Signature, precision: PrecisionName = REFERENCE, *, fold: bool = True
    ) -> None:
        super().__init__()
        self.core = _in_precision(core, precision, fold=fold)
        self.side_multiple = signature.side_multiple
        self.precision = PRECISIONS[precision]

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images in the signature's input_range to one in its output_range, not clipped."""
        padded = (_padded(image, self.side_multiple) for image in (visible, infrared))
        height, width = visible.shape[-2:]
        return _cropped(_run(self.core, self.precision.name, *padded), height, width, self.side_multiple)


def _in_precision(core: nn.Module, precision: PrecisionName, *, fold: bool) -> nn.Module:
    """The core, its floating-point tensors turned in place; one in the reference precision keeps what it has."""
    if precision == REFERENCE:
        return core
    settle_batch_norms(core, fold=fold)
    return core.to(_dtype(precision))


def _dtype(precision: PrecisionName) -> torch.dtype:
    dtype: torch.dtype = getattr(torch, PRECISIONS[precision].exported_dtype())
    return dtype


def _run(core: nn.Module, precision: PrecisionName, visible: Tensor, infrared: Tensor) -> Tensor:
    """What a core makes of two padded images, in single precision."""
    inputs = [image if precision == REFERENCE else image.to(_dtype(precision)) for image in (visible, infrared)]
    made: Tensor = core(*inputs)
    return made.float()


def _scaled(image: Tensor, factor: float, offset: float) -> Tensor:
    # The steps that change nothing would stand in the exported graph and cost a pass over the frame each.
    image = image if factor == 1.0 else image * factor
    return image if offset == 0.0 else image + offset


def _stretched(image: Tensor, own: Tensor) -> Tensor:
    """(B, 1, H, W) to 0..255, from the least to the largest value of each image of `own`; a flat one becomes black."""
    least = own.amin(dim=(1, 2, 3), keepdim=True)
    span = own.amax(dim=(1, 2, 3), keepdim=True) - least
    return (image - least) * (255.0 / span.clamp_min(LEAST_SPAN))


def _padded(image: Tensor, multiple: int) -> Tensor:
    return mirror_pad(mirror_pad(image, 2, multiple), 3, multiple)


def _cropped(image: Tensor, height: int, width: int, multiple: int) -> Tensor:
    return crop(crop(image, 2, height, multiple), 3, width, multiple)


def mirror_pad(image: Tensor, dim: int, multiple: int) -> Tensor:
    """Extend one dimension to the next multiple by reflection, half before and the odd rest behind.

    Written as a gather of rows, because a reflecting Pad of an amount known only at run time cannot be exported.
    """
    size = image.shape[dim]
    if _fits(size, multiple):
        return image
    padded = (size + multiple - 1) // multiple * multiple
    place = (torch.arange(padded, device=image.device) - _margin(size, padded)).abs()
    return image.index_select(dim, (size - 1) - ((size - 1) - place).abs())


def crop(image: Tensor, dim: int, size: int, multiple: int) -> Tensor:
    """Take back what mirror_pad added to a dimension that had this size."""
    if _fits(size, multiple):
        return image
    return image.narrow(dim, _margin(size, image.shape[dim]), size)


def _fits(size: int, multiple: int) -> bool:
    # In a graph of any size the size is symbolic, no int: asking about its value would fix the graph to the answer.
    return multiple == 1 or (isinstance(size, int) and size % multiple == 0)


def _margin(size: int, padded: int) -> int:
    # floor((padded - size) / 2) for even `padded`, without dividing a negative number: ONNX would round that up.
    return padded // 2 - (size + 1) // 2
