"""The live loop and its supervision."""
