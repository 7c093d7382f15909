"""Two models compared on the same frames."""
