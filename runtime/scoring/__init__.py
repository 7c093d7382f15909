"""Scoring: fused pictures and videos, held against the pairs they were fused from."""
