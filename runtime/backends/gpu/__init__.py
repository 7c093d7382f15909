"""GPU memory: pinned and device buffers, streams, events and CUDA graphs, through one library or another."""
