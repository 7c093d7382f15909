"""Long runs, faults and many viewers."""
