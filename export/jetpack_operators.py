"""What TensorRT 10.3's ONNX parser (JetPack 6.1 and 6.2) takes, and a look for what it would not.

OPERATORS holds the published support list, each operator with its types: what stands in `docs/operators.md` of
onnx/onnx-tensorrt both before 10.3 (commit 6d0ab7be, TensorRT 8.5, as its `docs/Changelog.md` extends it:
GroupNormalization and LayerNormalization in 8.6, INT64 kept as it is in 9.0) and after it (commit 0137504e, TensorRT
10.6, where INT8 is a type of Q/DQ alone). The opsets are those stated for 10.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from coconet.errors import MissingPackage

try:
    from onnx import TensorProto, shape_inference
except ImportError as error:
    raise MissingPackage("onnx", job="building engines", extra="calibration") from error

if TYPE_CHECKING:
    import onnx


OLDEST_OPSET, NEWEST_OPSET = 9, 20

FLOATS = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16})

INTEGERS = frozenset({TensorProto.INT32, TensorProto.INT64})

NUMBERS = FLOATS | INTEGERS

BOOLS = frozenset({TensorProto.BOOL})

INT8 = frozenset({TensorProto.INT8})

ENDS = frozenset({TensorProto.UINT8})
"""Bytes are taken between a Cast and an end of the network, and asked for their shape, but by nothing else."""

OPERATORS: Mapping[str, frozenset[int]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Max", "Min", "Abs", "Neg", "Range"), NUMBERS),
    **dict.fromkeys(("Less", "LessOrEqual", "Equal", "Greater", "GreaterOrEqual"), NUMBERS | BOOLS),
    **dict.fromkeys(("And", "Or", "Not"), BOOLS),
    **dict.fromkeys(("Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool"), FLOATS),
    **dict.fromkeys(("Relu", "LeakyRelu", "PRelu", "Elu", "Sigmoid", "Tanh", "HardSigmoid", "Softplus"), FLOATS),
    **dict.fromkeys(("Clip", "Round", "GridSample"), FLOATS),
    **dict.fromkeys(("BatchNormalization", "InstanceNormalization", "GroupNormalization"), FLOATS),
    **dict.fromkeys(("LayerNormalization", "Softmax", "MatMul", "Resize", "Erf", "Exp", "Log", "Pow", "Sqrt"), FLOATS),
    **dict.fromkeys(("Gemm", "Floor", "Ceil", "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"), FLOATS),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), NUMBERS),
    **dict.fromkeys(("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Concat"), NUMBERS | BOOLS),
    **dict.fromkeys(("Split", "Expand", "Tile", "Where", "Flatten"), NUMBERS | BOOLS),
    **dict.fromkeys(("Gather", "Pad"), NUMBERS),
    **dict.fromkeys(("Identity", "Constant", "ConstantOfShape"), NUMBERS | BOOLS),
    **dict.fromkeys(("Shape", "Cast"), NUMBERS | BOOLS | ENDS),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), FLOATS | INT8),
    **dict.fromkeys(("Sign", "Mod", "Mean", "Sum", "ScatterND", "ScatterElements", "Scatter", "Shrink"), NUMBERS),
    **dict.fromkeys(("GatherND", "GatherElements", "Trilu", "OneHot", "EyeLike"), NUMBERS | BOOLS),
    **dict.fromkeys(("If", "Loop", "Size"), NUMBERS | BOOLS | ENDS),
    "IsNaN": NUMBERS | BOOLS,
    "NonZero": FLOATS | INTEGERS,
    "Xor": BOOLS,
    **dict.fromkeys(("ArgMax", "ArgMin", "TopK", "NonMaxSuppression", "RoiAlign"), FLOATS | INTEGERS),
    **dict.fromkeys(("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cos", "Cosh", "Sin", "Sinh", "Tan"), FLOATS),
    **dict.fromkeys(("Celu", "HardSwish", "Selu", "Softsign", "ThresholdedRelu", "ScaledTanh"), FLOATS),
    **dict.fromkeys(("ParametricSoftplus", "LogSoftmax", "Reciprocal", "CumSum", "Dropout", "Einsum"), FLOATS),
    **dict.fromkeys(("GlobalLpPool", "GlobalMaxPool", "LpPool", "LRN", "LpNormalization"), FLOATS),
    **dict.fromkeys(("MeanVarianceNormalization", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp"), FLOATS),
    **dict.fromkeys(("ReduceProd", "ReduceSumSquare", "GRU", "LSTM", "RNN", "Scan", "ReverseSequence"), FLOATS),
    **dict.fromkeys(("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Upsample"), FLOATS),
}
"""Operator to the types of what it reads first and of what it makes; the other inputs follow from these."""


def refusals(model: onnx.ModelProto) -> Iterator[str]:
    """Say what TensorRT 10.3's parser would not take of a model, a clause each; nothing where it takes all of it."""
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx") and not OLDEST_OPSET <= entry.version <= NEWEST_OPSET:
            yield f"opset {entry.version}, outside {OLDEST_OPSET} to {NEWEST_OPSET}"
    types = _types(model)
    for node in model.graph.node:
        if node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx"):
            yield f"operator {'.'.join(filter(None, (node.domain, node.op_type)))} (node {node.name})"
            continue
        for tensor in (*node.input[:1], *node.output):
            if types.get(tensor, TensorProto.FLOAT) not in OPERATORS[node.op_type]:
                yield f"{node.op_type} of {TensorProto.DataType.Name(types[tensor])} (node {node.name})"
    yield from _inner_bytes(model, types)


def refusals_by_kind(model: onnx.ModelProto) -> list[str]:
    """The same, each kind once: with its node, or with how many nodes there are."""
    found: dict[str, list[str]] = {}
    for clause in refusals(model):
        kind, _, node = clause.partition(" (")
        found.setdefault(kind, []).append(node.rstrip(")"))
    return [
        f"{kind} ({len(nodes)} nodes)" if len(nodes) > 1 else f"{kind} ({nodes[0]})" if nodes[0] else kind
        for kind, nodes in found.items()
    ]


def _types(model: onnx.ModelProto) -> dict[str, int]:
    graph = shape_inference.infer_shapes(model).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    return {value.name: value.type.tensor_type.elem_type for value in values} | {
        tensor.name: tensor.data_type for tensor in graph.initializer
    }


def _inner_bytes(model: onnx.ModelProto, types: Mapping[str, int]) -> Iterator[str]:
    ends = {value.name for value in (*model.graph.input, *model.graph.output)}
    for name, kind in types.items():
        if kind == TensorProto.UINT8 and name not in ends:
            yield f"UINT8 inside the network (tensor {name})"
