"""Model endings: by which ending of its name a file of a model is known."""

SAFETENSORS = ".safetensors"
"""Checkpoints that are written here."""

CHECKPOINT_SUFFIXES = (SAFETENSORS, ".pth", ".pt", ".pkl", ".model", ".ckpt")
"""Checkpoints that are read; all but SAFETENSORS are what torch.save wrote."""

ARCHIVE_SUFFIX = ".zip"
"""Archives that checkpoints are handed round in."""

ONNX_SUFFIX = ".onnx"

ENGINE_SUFFIX = ".engine"
"""TensorRT engines, with a card beside them."""

MODEL_SUFFIXES = (ONNX_SUFFIX, ENGINE_SUFFIX, *CHECKPOINT_SUFFIXES)
"""Everything that runs."""
