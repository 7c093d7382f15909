"""What fusing takes of a processor: held against its limits, and against other ways to fuse."""
