"""The first stages of VGG-19 on one gray channel, with one more pooling step: features at 1/2, 1/4 and 1/8 size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

from coconet.errors import CoconetError, MissingPackage
from coconet.media.luma_weights import BGR_WEIGHTS
from coconet.networks.tensors.state_dict import load_tensor_file

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


IMAGENET_FILE = "vgg19-dcbb9e9d.pth"
"""torchvision's file of VGG-19 weights, IMAGENET1K_V1."""

LUMA_WEIGHTS = BGR_WEIGHTS[::-1]
"""How the three colour planes of VGG-19's first kernel become one, R, G, B."""

IMAGENET_LAYERS = {0: 0, 3: 2, 6: 5, 8: 7, 11: 10, 13: 12, 15: 14, 17: 16}
"""Index of a convolution here -> its index in VGG-19's `features`; one more pooling step shifts them by one."""


class GrayVgg19(nn.Module):
    """VGG-19 up to relu3_4, for one gray channel. A pooling step stands between conv1_1 and conv1_2.

    The names of its parameters are those of the published checkpoint: `slice1.0` ... `slice3.17`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.slice1 = _stage(0, [(1, 64), None, (64, 64)])
        self.slice2 = _stage(5, [None, (64, 128), (128, 128)])
        self.slice3 = _stage(10, [None, (128, 256), (256, 256), (256, 256), (256, 256)])

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 1, H, W) to features of (B, 64, H/2, W/2), (B, 128, H/4, W/4) and (B, 256, H/8, W/8)."""
        half = self.slice1(image)
        quarter = self.slice2(half)
        return half, quarter, self.slice3(quarter)


def find_imagenet_file() -> Path | None:
    """Where torchvision keeps VGG-19 once it has loaded it, if it is there. Nothing is downloaded."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / IMAGENET_FILE
    return path if path.is_file() else None


def imagenet_encoder(features: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn a torchvision VGG-19 state dict (`features.0.weight` ...) into one of GrayVgg19.

    The first kernel's colour planes are summed with LUMA_WEIGHTS. Raises KeyError if a layer is missing.
    """
    state = {}
    for ours, theirs in IMAGENET_LAYERS.items():
        kernel = features[f"features.{theirs}.weight"]
        if theirs == 0:
            kernel = gray_kernel(kernel)
        stage = 1 if ours < 5 else 2 if ours < 10 else 3
        state[f"slice{stage}.{ours}.weight"] = kernel
        state[f"slice{stage}.{ours}.bias"] = features[f"features.{theirs}.bias"]
    return state


def gray_kernel(kernel: Tensor) -> Tensor:
    """Collapse a kernel for R, G and B, (C, 3, H, W), into one for gray, (C, 1, H, W), with LUMA_WEIGHTS."""
    return (kernel * torch.tensor(LUMA_WEIGHTS).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def load_imagenet(
    module: nn.Module, converted: Callable[[Mapping[str, Tensor]], dict[str, Tensor]], file: Path
) -> None:
    """Fill a module from torchvision's VGG-19 file and freeze it. Raises CoconetError for a file of another kind."""
    try:
        module.load_state_dict(converted(load_tensor_file(file)))
    except (KeyError, TypeError, RuntimeError) as error:
        raise CoconetError(
            file,
            wanted="VGG-19 weights as torchvision saves them",
            got=f"no {error}" if isinstance(error, KeyError) else str(error).splitlines()[-1].strip(),
            remedy="Name another file.",
            says="does not hold the VGG-19 weights of torchvision: "
            + (f"{error.args[0]} is missing" if isinstance(error, KeyError) else "its tensors have other shapes"),
        ) from error
    module.requires_grad_(False)


def _stage(first: int, plan: list[tuple[int, int] | None]) -> nn.Sequential:
    # None is a pooling step. Children are numbered through all stages, as in the published checkpoint.
    layers: list[nn.Module] = []
    for channels in plan:
        if channels is None:
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(*channels, kernel_size=3, padding=1), nn.ReLU()]
    return nn.Sequential(OrderedDict((str(first + index), layer) for index, layer in enumerate(layers)))
