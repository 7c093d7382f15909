"""The table of a sensitivity pass: what every convolution kept in floating point costs and brings."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from calibration.sensitivity import Damage, Mixture
from coconet.signature import Precision

RATES: dict[Precision, float] = {"fp32": 4.0, "fp16": 2.0}
"""How many multiply-accumulates tensor cores do in INT8 while they do one in this precision (FP32 as TF32).

The dense peak rates of NVIDIA's data sheets from Ampere on: INT8 has twice the rate of FP16, and FP16 that of TF32.
"""


def expected_speed(int8_share: float, precision: Precision) -> float:
    """How much faster the convolutions get, by Amdahl's law: 1 for none in INT8, RATES[precision] for all.

    An upper bound: memory, and what is no convolution, is left out.
    """
    return 1.0 / (int8_share / RATES[precision] + 1.0 - int8_share)


def damage_table(damages: Sequence[Damage]) -> Table:
    """The convolutions, worst first, with the PSNR when each is the only one in INT8."""
    table = Table("convolution", "PSNR alone in INT8 (dB)", title="Sensitivity, worst first")
    for damage in sorted(damages, key=lambda damage: damage.psnr_db):
        table.add_row(damage.site.output, f"{damage.psnr_db:.1f}")
    return table


def mixture_table(mixtures: Sequence[Mixture], precision: Precision, chosen: Mixture | None) -> Table:
    """The models that were tried, as a Pareto row; the one to be written is marked with an arrow."""
    table = Table(
        *("", f"kept in {precision.upper()}", "size (MB)", "in INT8", "speed", "PSNR (dB)", "worst frame (dB)"),
        title="Speed against quality",
        caption=f"speed: expected of the convolutions on tensor cores, {precision.upper()} being 1; not measured",
    )
    for mixture in mixtures:
        table.add_row(
            "->" if mixture is chosen else "",
            f"{len(mixture.kept)} of {len(mixture.kept) + len(mixture.sites)}",
            f"{mixture.size_bytes / 1e6:.2f}",
            f"{mixture.int8_share:.0%}",
            f"{expected_speed(mixture.int8_share, precision):.2f}",
            f"{mixture.parity.psnr_db:.1f}",
            f"{mixture.parity.worst_psnr_db:.1f}",
        )
    return table
