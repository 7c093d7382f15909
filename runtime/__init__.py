"""Two live cameras in, one fused stream out."""
