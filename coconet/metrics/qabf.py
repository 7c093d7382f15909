"""Qabf: how much of the edges of both sources, in strength and direction, a fused picture keeps."""

from __future__ import annotations

import numpy as np

from coconet.metrics.gray import Gray, Samples, as_samples


def qabf(fused: Gray, infrared: Gray, visible: Gray) -> float:
    """Qabf: edge preservation from both sources, weighted by their edge strength: 0..1, higher is better.

    All (H, W) on 0..255. Sobel gradients with a border of zeros; weights are the strengths themselves (L = 1).
    Where strengths are equal, their ratio is taken to be the strength itself, as in every toolbox of the field.
    Two black sources have no edge to lose: 1.0. (Other constant sources have one, at the border of zeros.)
    Source: Xydeas and Petrovic, Objective Image Fusion Performance Measure, Electronics Letters 36 (2000).
    """
    samples, *sources = as_samples(fused, infrared, visible)
    fused_edges = _edges(samples)
    kept = present = 0.0
    for source in sources:
        edges = _edges(source)
        strength = edges[0]
        kept += float((_preserved(edges, fused_edges) * strength).sum())
        present += float(strength.sum())
    return kept / present if present > 0 else 1.0


def _edges(samples: Samples) -> tuple[Samples, Samples]:
    """Sobel strength and direction, each (H, W); direction in (-pi/2, pi/2], pi/2 where nothing changes along a row."""
    padded = np.pad(samples, 1)
    column_sums = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    row_sums = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    # These signs matter: pi/2 stands for both verticals, so mirrored axes would give another number.
    leftward, downward = column_sums[:, :-2] - column_sums[:, 2:], row_sums[2:] - row_sums[:-2]
    slope = np.divide(downward, leftward, out=np.full_like(samples, np.inf), where=leftward != 0)
    return np.sqrt(leftward**2 + downward**2), np.arctan(slope)


def _preserved(source: tuple[Samples, Samples], fused: tuple[Samples, Samples]) -> Samples:
    """Preservation of strength times preservation of direction, (H, W), 0..1."""
    (strength, direction), (fused_strength, fused_direction) = source, fused
    weaker, stronger = np.minimum(strength, fused_strength), np.maximum(strength, fused_strength)
    ratio = np.divide(weaker, stronger, out=fused_strength.copy(), where=weaker != stronger)
    alignment = 1 - np.abs(direction - fused_direction) / (np.pi / 2)
    in_strength = 0.9994 / (1 + np.exp(-15 * (ratio - 0.5)))
    in_direction = 0.9879 / (1 + np.exp(-22 * (alignment - 0.8)))
    return np.asarray(in_strength * in_direction)
