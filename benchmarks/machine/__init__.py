"""The machine under a benchmark: device, clocks, power, load."""
