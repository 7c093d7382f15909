"""A checkpoint becomes a camera-ready ONNX graph, and a graph becomes a TensorRT engine."""
