"""The TensorRT backend, and the GPU memory behind it."""
