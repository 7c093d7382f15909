"""Finite answers: a network that gives NaN or infinity on a frame is not exported; in half precision many would."""

from __future__ import annotations

from collections.abc import Iterable

from coconet.errors import CoconetError, MissingPackage
from coconet.fuser import Fuser
from export.half_convolutions import HalfConvolutions
from runtime.frame import FramePair

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="exporting a network", extra="export") from error


def require_finite(fuser: Fuser, pairs: Iterable[FramePair], where: object) -> None:
    """Fuse the pairs and look at what the core answers, before rounding to bytes turns a NaN into black.

    ONNX Runtime cannot tell: on most processors it computes a half-precision graph in single precision.
    Raises CoconetError with the frame and the share of bad values, and for a core that cannot run in half precision.
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
    frames = [torch.from_numpy(side.pixels)[None] for side in (pair.visible, pair.infrared)]
    try:
        with torch.inference_mode(), HalfConvolutions():  # type: ignore[no-untyped-call]
            fuser(*frames)
    except RuntimeError as error:
        raise CoconetError(
            where,
            wanted=f"a network that runs in {_precision(fuser)} precision",
            got=str(error).splitlines()[0],
            remedy="Export without --half." if fuser.half_precision else "Check --multiple.",
        ) from error


def _require_none(share: float, fuser: Fuser, where: str) -> None:
    if share == 0.0:
        return
    raise CoconetError(
        where,
        wanted=f"finite values from the network in {_precision(fuser)} precision",
        got=f"NaN or infinity in {share:.2%} of the picture",
        remedy="Export without --half: its values outgrow 65504."
        if fuser.half_precision
        else "Check that the weights and the value range are the network's own.",
    )


def _precision(fuser: Fuser) -> str:
    return "half" if fuser.half_precision else "single"
