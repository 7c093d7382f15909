"""Which convolutions become INT8: not those that save next to nothing."""

from __future__ import annotations

from coconet.calibration.int8.placement import ConvSite, worth_quantizing

SITES = [ConvSite(name, f"{name}.in", f"{name}.weight") for name in ("wide", "squeeze", "edge", "deep")]


def test_a_convolution_below_half_a_percent_of_the_arithmetic_stays_in_floating_point() -> None:
    macs = {"first": 10, "wide": 600, "squeeze": 4, "edge": 5, "deep": 381}
    assert [site.output for site in worth_quantizing(SITES, macs)] == ["wide", "edge", "deep"]


def test_where_all_are_small_all_are_tried() -> None:
    macs = {"fixed": 100_000} | {site.output: 10 for site in SITES}
    assert worth_quantizing(SITES, macs) == SITES
