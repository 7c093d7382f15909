"""Video encoders: which there are, which of them work, and files written by the first that does."""
