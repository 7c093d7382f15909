"""The range of a precision: finite answers asserted, and narrow convolutions computed on a CPU as a GPU does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.networks.camera_ready import Fuser
from coconet.runtime.frame import FramePair

try:
    import torch
    from torch import Tensor, nn
    from torch.utils._python_dispatch import TorchDispatchMode
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


def require_finite(fuser: Fuser, pairs: Iterable[FramePair], where: object) -> list[Tensor]:
    """Fuse the pairs and look at what every layer of the core answers; return the fused pictures, bytes.

    Rounding to bytes turns a NaN into black, and a tanh or a clamp an infinity into an end of its range. ONNX Runtime
    cannot tell: on most processors it computes a half-precision graph in single precision.
    Raises CoconetError with the frame, the share of bad values and the layer they came from first, and for a core that
    cannot run in its precision.
    """
    strange: list[str] = []
    shares: list[float] = []

    def look(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_layer: nn.Module, _inputs: Any, answer: Any) -> None:
            if isinstance(answer, Tensor) and answer.is_floating_point() and not answer.isfinite().all():
                strange.append(name)

        return hook

    def look_at_answer(_core: nn.Module, _images: tuple[Tensor, ...], answer: Tensor) -> None:
        shares.append(1.0 - answer.isfinite().float().mean().item())

    layers = [(name, layer) for name, layer in fuser.core.named_modules() if name and not list(layer.children())]
    hooks = [layer.register_forward_hook(look(name)) for name, layer in layers]
    hooks.append(fuser.core.register_forward_hook(look_at_answer))
    fused = []
    try:
        for pair in pairs:
            fused.append(_fuse(fuser, pair, where))
            _require_none(shares[-1], strange, fuser, f"{where}, {pair.visible.name or f'frame {pair.visible.index}'}")
    finally:
        for hook in hooks:
            hook.remove()
    return fused


def _fuse(fuser: Fuser, pair: FramePair, where: object) -> Tensor:
    asked_by = fuser.precision.asked_by
    frames = [torch.from_numpy(side.pixels)[None] for side in (pair.visible, pair.infrared)]
    try:
        with torch.inference_mode(), NarrowConvolutions():
            fused: Tensor = fuser(*frames)
    except RuntimeError as error:
        raise CoconetError(
            where,
            wanted=f"a network that runs in {fuser.precision.word} precision",
            got=first_line(error),
            remedy=f"Export without --{asked_by}." if asked_by else "Check --multiple.",
            says=f"fails in {fuser.precision.word} precision: {first_line(error)}",
        ) from error
    return fused


def _require_none(share: float, strange: list[str], fuser: Fuser, where: str) -> None:
    if share == 0.0 and not strange:
        return
    asked_by = fuser.precision.asked_by
    largest = torch.finfo(getattr(torch, fuser.precision.exported_dtype())).max
    hidden = "inside the network, hidden by what follows" if share == 0.0 else f"in {share:.2%} of the picture"
    found = f"NaN or infinity {hidden}{f'; first from {strange[0]}' if strange else ''}{_unfit(fuser.core)}"
    raise CoconetError(
        where,
        wanted=f"finite values from the network in {fuser.precision.word} precision",
        got=found,
        remedy=f"Export without --{asked_by}: its values outgrow {largest:g}."
        if asked_by
        else "Check that the weights and the value range are the network's own.",
        says=f"gives {found}",
    )


def _unfit(core: nn.Module) -> str:
    """The weights that are no finite numbers in the precision they are in now."""
    names = [name for name, tensor in core.state_dict().items() if not tensor.isfinite().all()]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"; {', '.join(names[:3])}{more} not within its range" if names else ""
