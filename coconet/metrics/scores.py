"""Scores: the values of the fusion metrics, and how they are computed; readable without what computes them."""

from __future__ import annotations

from dataclasses import dataclass, fields

VARIANT = (
    "8 bit gray, 0..255, float64; VIF, SSIM, SCD and MI are sums over both sources; VIF is pixel-domain; MI in bits"
)
"""What a report says beside the numbers; tables made otherwise cannot be compared with these."""


@dataclass(frozen=True)
class Scores:
    """One fused picture, or the mean of many: each field as the function of its long name gives it."""

    EN: float
    AG: float
    SF: float
    SD: float
    SCD: float
    VIF: float
    MI: float
    Qabf: float
    SSIM: float


NAMES = tuple(field.name for field in fields(Scores))
"""The names of the metrics, in the order of tables and files."""
