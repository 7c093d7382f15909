"""What TensorRT 10.3's ONNX parser (JetPack 6.1 and 6.2) takes, and a look for what it would not.

OPERATORS holds the published support list, each operator with its types: `docs/operators.md` of onnx/onnx-tensorrt for
TensorRT 10.6 (commit 0137504e) without what its `docs/Changelog.md` says came in 10.4 to 10.6: the three window
functions and STFT. INT8 is a type of Q/DQ alone there. The opsets are those stated for 10.1.
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

_BY_TYPES: tuple[tuple[frozenset[int], str], ...] = (
    (
        FLOATS,
        "Acos Acosh Asin Asinh Atan Atanh AveragePool BatchNormalization Ceil Celu Clip Conv ConvTranspose Cos "
        "Cosh CumSum DeformConv Dropout Einsum Elu Erf Exp Floor GRU Gemm GlobalAveragePool GlobalLpPool "
        "GlobalMaxPool GridSample GroupNormalization HardSigmoid HardSwish Hardmax ImageScaler "
        "InstanceNormalization LRN LSTM LayerNormalization LeakyRelu Log LogSoftmax LpNormalization LpPool MatMul "
        "MaxPool MeanVarianceNormalization Mish PRelu ParametricSoftplus Pow RNN RandomNormal RandomNormalLike "
        "RandomUniform RandomUniformLike Reciprocal Resize RoiAlign Round ScaledTanh Scan Selu Sigmoid Sin Sinh "
        "Softmax Softplus Softsign Sqrt Tan Tanh ThresholdedRelu Upsample",
    ),
    (
        NUMBERS,
        "Abs Add ArgMax ArgMin DepthToSpace Div Gelu Max Mean Min Mod Mul Neg NonMaxSuppression NonZero Pad Range "
        "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum "
        "ReduceSumSquare Relu Scatter ScatterElements ScatterND Shrink Sign SpaceToDepth Sub Sum TopK",
    ),
    (
        NUMBERS | BOOLS,
        "Concat Constant ConstantOfShape Equal Expand EyeLike Flatten Gather GatherElements GatherND Greater "
        "GreaterOrEqual Identity If IsInf IsNaN Less LessOrEqual Loop OneHot Reshape ReverseSequence Slice Split "
        "Squeeze Tile Transpose Trilu Unsqueeze Where",
    ),
    (NUMBERS | BOOLS | ENDS, "Cast CastLike Shape Size"),
    (BOOLS, "And Not Or Xor"),
    (FLOATS | INT8, "DequantizeLinear QuantizeLinear"),
)

OPERATORS: Mapping[str, frozenset[int]] = {name: types for types, names in _BY_TYPES for name in names.split()}
"""Operator to the types of what it reads first and of what it makes; the other inputs follow from these."""


def refusals(model: onnx.ModelProto) -> Iterator[str]:
    """Say what TensorRT 10.3's parser would not take of a model, a clause each; nothing if it takes all of it."""
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
