"""Which convolutions of a network become INT8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coconet.cards.precision import EXPORTED, PRECISIONS, labels
from coconet.errors import CoconetError, counted

if TYPE_CHECKING:
    from coconet.calibration.int8.graph import Node, OnnxModel


TENSOR_CORE_CHANNELS = 16
"""INT8 kernels work on blocks of this many channels; a thinner convolution gains nothing."""


LEAST_SHARE = 0.005
"""Of all convolutions' multiply-accumulates: what a convolution has to take for INT8 to be tried on it."""


@dataclass(frozen=True)
class ConvSite:
    """A convolution that becomes INT8, by the tensor it makes and the two it reads."""

    output: str
    activation: str
    weight: str


def quantizable_convs(model: OnnxModel) -> list[ConvSite]:
    """The convolutions to quantise, in the order they run.

    Left out: those with no convolution before them (they see the raw pictures) or none after them (what they round
    is seen at once), and those with weights that change or with too few channels; worth_quantizing leaves out those of
    next to no arithmetic. Everything that is no
    convolution stays as it is, the attention's matrix products with it.
    Raises CoconetError if the model is quantised already or nothing is left.
    """
    _check_float(model)
    between = _after_a_conv(model) & _before_a_conv(model)
    convs = [node for node in model.nodes if node.op_type == "Conv"]
    sites = [
        ConvSite(node.output[0], node.input[0], node.input[1])
        for node in convs
        if node.output[0] in between and _wide_enough(model, node)
    ]
    if not sites:
        raise CoconetError(
            f"network {model.card.network}",
            wanted=f"convolutions of {TENSOR_CORE_CHANNELS} or more channels between the first and the last one",
            got=f"{counted(len(convs), 'convolution')}, none of that kind",
            remedy="Run this model in FP16.",
            says=f"has no convolution of {TENSOR_CORE_CHANNELS} or more channels between its first and its last one, "
            "so that INT8 would gain nothing",
        )
    return sites


def worth_quantizing(sites: Sequence[ConvSite], macs: Mapping[str, int]) -> list[ConvSite]:
    """Those that take LEAST_SHARE of all convolutions' arithmetic or more, in their order; all if none does.

    A convolution of next to no arithmetic saves nothing in INT8, and may do all of the damage: it is where a network
    squeezes everything through a few channels.
    macs: see conv_macs.
    """
    least = LEAST_SHARE * sum(macs.values())
    return [site for site in sites if macs[site.output] >= least] or list(sites)


def _check_float(model: OnnxModel) -> None:
    quantized = {"QuantizeLinear", "DequantizeLinear"}.intersection(node.op_type for node in model.nodes)
    if PRECISIONS[model.card.precision].calibrated or quantized:
        raise CoconetError(
            f"network {model.card.network}",
            wanted=f"a model in {labels(EXPORTED, 'or')}",
            got="one that is quantised already",
            remedy="Calibrate the model it was made from.",
            says="is quantised already",
        )


def _wide_enough(model: OnnxModel, node: Node) -> bool:
    """Whether INT8 kernels can fill their blocks; 8 channels on one side will do if the other side is full.

    The rule is the one NVIDIA's ModelOpt 0.47 applies to convolutions.
    """
    weight = model.constant(node.input[1])
    if weight is None:
        return False
    groups = next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)
    few, many = sorted(weight.shape[:2])
    square = len(set(weight.shape[2:])) == 1
    return few >= TENSOR_CORE_CHANNELS or (groups == 1 and square and few % 8 == 0 and many >= TENSOR_CORE_CHANNELS)


def _after_a_conv(model: OnnxModel) -> set[str]:
    """Outputs of convolutions that have another convolution before them."""
    reached: set[str] = set()
    later: set[str] = set()
    for node in model.nodes:
        behind = not reached.isdisjoint(node.input)
        if node.op_type == "Conv" and behind:
            later.update(node.output)
        if node.op_type == "Conv" or behind:
            reached.update(node.output)
    return later


def _before_a_conv(model: OnnxModel) -> set[str]:
    """Outputs of convolutions that have another convolution after them."""
    wanted: set[str] = set()
    earlier: set[str] = set()
    for node in reversed(model.nodes):
        ahead = not wanted.isdisjoint(node.output)
        if node.op_type == "Conv" and ahead:
            earlier.update(node.output)
        if node.op_type == "Conv" or ahead:
            wanted.update(node.input)
    return earlier
