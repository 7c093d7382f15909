"""The header of a TensorRT plan: which TensorRT built a file, known without any TensorRT and before it is loaded."""

from __future__ import annotations

from pathlib import Path

_PRODUCTS = {b"ftrt": "TensorRT", b"vtrt": "TensorRT for RTX"}
"""The first four bytes of a plan."""

_SERIALIZATION, _VERSION = slice(4, 8), slice(24, 28)
"""The layout is known for serialisation 0: four bytes of version, from the major number to the build."""


def plan_origin(path: Path) -> str:
    """Say what built a plan, such as `TensorRT 10.3.0.30`; `no TensorRT engine` for other bytes.

    The layout is that of NVIDIA's trtexec, `--getPlanVersionOnly`, which knows it from TensorRT 8.6 on; TensorRT for
    RTX has the same behind a tag of its own.
    """
    with path.open("rb") as stream:
        header = stream.read(_VERSION.stop)
    product = _PRODUCTS.get(header[:4])
    if product is None or len(header) < _VERSION.stop:
        return "no TensorRT engine"
    if any(header[_SERIALIZATION]):
        return f"{product} of a version that is not known here"
    return f"{product} {'.'.join(map(str, header[_VERSION]))}"
