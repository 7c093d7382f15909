"""What is measured once and kept in a file: INT8 ranges, alignment, time offset."""
