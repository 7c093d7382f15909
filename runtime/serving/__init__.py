"""Serving: what a model server reads, says and answers, by the Open Inference Protocol."""
