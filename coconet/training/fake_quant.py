"""Rounding in training: a network that will run in INT8 gets used to it (quantisation-aware training).

What enters a convolution has 127 levels then. A step from one to the next, which the least noise sets off, is seen in
the fused video as flicker, so a network that is to be steady has to learn with it.
"""

from __future__ import annotations

from coconet.errors import MissingPackage

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


LEVELS = 127
"""INT8 is symmetric in TensorRT: -127..127, and zero stays zero."""


def round_as_int8(core: nn.Module) -> None:
    """Round the inputs of the inner convolutions of a core in place, from now on, while it is in training mode.

    Inner are all but the first and the last, which calibration leaves in floating point, too. Weights are not rounded:
    they are the same in every frame.
    """
    convolutions = [layer for layer in core.modules() if isinstance(layer, nn.Conv2d)]
    for layer in convolutions[1:-1]:
        layer.register_forward_pre_hook(_round_inputs)


def rounded(x: Tensor) -> Tensor:
    """Any tensor on the INT8 levels of its own largest magnitude; the gradient passes as if nothing had been done.

    Source: straight-through estimator, Bengio et al., arXiv:1308.3432.
    """
    values = x.detach().float()
    step = (values.abs().amax() / LEVELS).clamp_min(torch.finfo(torch.float32).tiny)
    return x + ((values / step).round() * step - values).to(x.dtype)


def _round_inputs(layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    return (rounded(inputs[0]),) if layer.training else None
