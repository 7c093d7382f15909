"""What a library says of an ONNX model that it does not load or run, in words; whichever library it is."""

from __future__ import annotations

import re
from pathlib import Path

from coconet.cards.onnx_metadata import no_onnx
from coconet.errors import NODE, CoconetError, first_line
from coconet.media.naming.mistaken_file import mistaken_file

EXPORT = "Export the model with coconet export."


def corrupt(path: Path, error: Exception) -> CoconetError:
    """Say that a file could not be read as a model, and what it is if that can be told."""
    if path.is_file() and mistaken_file(path, "onnx") is not None:
        return no_onnx(path)
    return CoconetError(
        path,
        wanted="a readable ONNX model",
        got=f"a corrupt or unsupported one ({first_line(error)})",
        remedy="Copy the file again, or export it again with coconet export.",
        says=f"cannot be read as an ONNX model: {ort_reason(error)}",
    )


_REASONS = {
    "InvalidProtobuf": "it is something else, or damaged",
    "NoModel": "it is something else, or damaged",
    "NoSuchFile": "a file that it consists of is missing",
    "NotImplemented": "it has an operation that this version does not have",
    "InvalidGraph": "its operations do not fit together, or are newer than this version",
    "InvalidArgument": "what an operation is given does not fit it",
}
"""What the kinds of ONNX Runtime's errors mean; their texts name lines of its source, types of C++ and nodes."""

_NO_MEMORY = re.compile(r"bad.?alloc|allocate memory|out of memory", re.IGNORECASE)


_CUDA = re.compile(r"CUDA failure \d+: [^;\n]+")


def remedy_for(error: BaseException) -> str:
    """What to do about a model that a library does not run, by what it says of it."""
    if no_memory(error):
        return "Close other programs that hold memory there, or fuse smaller frames or parts (--tile-pixels)."
    if _CUDA.search(str(error)):
        return "coconet doctor looks at the driver and its GPU."
    return EXPORT


def no_memory(error: BaseException) -> bool:
    """Whether an error of a library says that memory ran out."""
    return isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)) is not None


def ort_reason(error: BaseException) -> str:
    """Why ONNX Runtime gave up, as a sentence goes on after a colon; its own words are no help to a user.

    The number and the words of a failure of CUDA stay: they are what CUDA's manual and its users know it by.
    """
    if found := _CUDA.search(str(error)):
        return found[0].strip()
    if no_memory(error):
        return "the memory does not suffice"
    if "No graph was found" in str(error):
        return "there is no model in it"
    if found := NODE.search(str(error)):
        return f"its operation {found[1]} ({found[2]}) failed" if found[2] else f"its operation {found[1]} failed"
    return _REASONS.get(type(error).__name__, "one of its operations failed")


def closed(path: Path) -> CoconetError:
    """Say that a model was closed."""
    return CoconetError(path, wanted="an open model", got="a closed one", remedy="Open it again.", says="is closed")
