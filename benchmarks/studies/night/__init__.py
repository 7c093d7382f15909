"""Studies of how pictures are fused by night."""
