"""ONNX to TensorRT engine: the build, its check, its card and the cache of engines."""
