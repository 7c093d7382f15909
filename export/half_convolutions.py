"""Half-precision convolutions on a processor: summed in single precision and rounded once, as GPUs do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from coconet.errors import MissingPackage

try:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
except ImportError as error:
    raise MissingPackage("torch", job="exporting a network", extra="export") from error

# In inference mode PyTorch does not take conv2d apart into the general convolution.
CONVOLUTIONS = (torch.ops.aten.convolution, torch.ops.aten.conv2d, torch.ops.aten.conv_transpose2d)


class HalfConvolutions(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within it, convolutions of half-precision tensors on a processor are computed in single precision.

    Their sums are rounded to half precision, and what is too large for it becomes infinite, as in the matrix units of a
    GPU. Most processors have no half-precision arithmetic: PyTorch's own way there takes minutes a frame.
    """

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run one operation of PyTorch."""
        tensors = [one for one in args if isinstance(one, torch.Tensor)]
        half = getattr(func, "overloadpacket", None) in CONVOLUTIONS and all(map(_half_on_processor, tensors))
        if not half:
            return func(*args, **(kwargs or {}))
        single = [one.float() if isinstance(one, torch.Tensor) else one for one in args]
        return func(*single, **(kwargs or {})).half()


def _half_on_processor(tensor: torch.Tensor) -> bool:
    return tensor.dtype == torch.float16 and tensor.device.type == "cpu"
