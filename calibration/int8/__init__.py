"""Frames become activation ranges, and ranges an INT8 graph with explicit Q/DQ nodes."""
