"""The table of a sensitivity pass: what every convolution kept in floating point costs and brings."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from calibration.sensitivity import Damage, Mixture
from coconet.signature import Precision


def damage_table(damages: Sequence[Damage]) -> Table:
    """The convolutions, worst first, with the PSNR when each is the only one in INT8."""
    table = Table("convolution", "PSNR alone in INT8 (dB)", title="Sensitivity, worst first")
    for damage in sorted(damages, key=lambda damage: damage.psnr_db):
        table.add_row(damage.site.output, f"{damage.psnr_db:.1f}")
    return table


def mixture_table(mixtures: Sequence[Mixture], precision: Precision, chosen: Mixture | None) -> Table:
    """The models that were tried; the one to be written is marked with an arrow."""
    title = "Speed (share of multiply-accumulates in INT8) against quality"
    table = Table(
        "", f"kept in {precision.upper()}", "size (MB)", "in INT8", "PSNR (dB)", "worst frame (dB)", title=title
    )
    for mixture in mixtures:
        table.add_row(
            "->" if mixture is chosen else "",
            f"{len(mixture.kept)} of {len(mixture.kept) + len(mixture.sites)}",
            f"{mixture.size_bytes / 1e6:.2f}",
            f"{mixture.int8_share:.0%}",
            f"{mixture.parity.psnr_db:.1f}",
            f"{mixture.parity.worst_psnr_db:.1f}",
        )
    return table
