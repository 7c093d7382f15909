"""Large pictures fused in parts of one size, which come out as if they were whole."""
