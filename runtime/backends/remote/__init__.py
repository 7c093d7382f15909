"""Models that run on a server, asked by the Open Inference Protocol."""
