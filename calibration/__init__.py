"""Frames become activation ranges, and ranges become an INT8 graph with explicit Q/DQ nodes."""
