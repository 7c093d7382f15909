"""The range of a precision: finite answers asserted, and narrow convolutions computed on a CPU as a GPU does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.networks.camera_ready import Fuser
from coconet.runtime.frame import FramePair

try:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
except ImportError as error:
    raise MissingPackage("torch", job="exporting a network", extra="export") from error

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="exporting a network", extra="export") from error


# In inference mode PyTorch does not take conv2d apart into the general convolution.
CONVOLUTIONS = (torch.ops.aten.convolution, torch.ops.aten.conv2d, torch.ops.aten.conv_transpose2d)


class NarrowConvolutions(TorchDispatchMode):
    """Within it, convolutions of tensors narrower than single precision are computed in that, on a processor.

    Their sums are rounded once, to the type of the tensors, and what is too large for it becomes infinite, as in the
    matrix units of a GPU. Most processors have no half-precision arithmetic: PyTorch's own way there takes minutes per
    frame.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run one operation of PyTorch."""
        tensors = [one for one in args if isinstance(one, torch.Tensor)]
        narrow = getattr(func, "overloadpacket", None) in CONVOLUTIONS and all(map(_narrow_on_processor, tensors))
        if not narrow or len({tensor.dtype for tensor in tensors}) != 1:
            return func(*args, **(kwargs or {}))
        single = [one.float() if isinstance(one, torch.Tensor) else one for one in args]
        return func(*single, **(kwargs or {})).to(tensors[0].dtype)


def _narrow_on_processor(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and tensor.dtype.itemsize < torch.float32.itemsize and tensor.device.type == "cpu"


def require_finite(fuser: Fuser, pairs: Iterable[FramePair], where: object) -> None:
    """Fuse the pairs and look at what the core answers, before rounding to bytes turns a NaN into black.

    ONNX Runtime cannot tell: on most processors it computes a half-precision graph in single precision.
    Raises CoconetError with the frame and the share of bad values, and for a core that cannot run in its precision.
    """
    shares: list[float] = []

    def look(_core: nn.Module, _images: tuple[Tensor, ...], answer: Tensor) -> None:
        shares.append(1.0 - answer.isfinite().float().mean().item())

    hook = fuser.core.register_forward_hook(look)
    try:
        for pair in pairs:
            _fuse(fuser, pair, where)
            _require_none(shares[-1], fuser, f"{where}, {pair.visible.name or f'frame {pair.visible.index}'}")
    finally:
        hook.remove()


def _fuse(fuser: Fuser, pair: FramePair, where: object) -> None:
    asked_by = fuser.precision.asked_by
    frames = [torch.from_numpy(side.pixels)[None] for side in (pair.visible, pair.infrared)]
    try:
        with torch.inference_mode(), NarrowConvolutions():
            fuser(*frames)
    except RuntimeError as error:
        raise CoconetError(
            where,
            wanted=f"a network that runs in {fuser.precision.word} precision",
            got=first_line(error),
            remedy=f"Export without --{asked_by}." if asked_by else "Check --multiple.",
        ) from error


def _require_none(share: float, fuser: Fuser, where: str) -> None:
    if share == 0.0:
        return
    asked_by = fuser.precision.asked_by
    largest = torch.finfo(getattr(torch, fuser.precision.exported_dtype())).max
    raise CoconetError(
        where,
        wanted=f"finite values from the network in {fuser.precision.word} precision",
        got=f"NaN or infinity in {share:.2%} of the picture",
        remedy=f"Export without --{asked_by}: its values outgrow {largest:g}."
        if asked_by
        else "Check that the weights and the value range are the network's own.",
    )
