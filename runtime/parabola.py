"""Between samples: the top of the parabola through a maximum and its two neighbours."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray


def vertex(line: NDArray[Any], index: int) -> float:
    """Where the maximum at `index` of a line of samples lies, to a part of a step; `index` itself at either end."""
    if not 0 < index < len(line) - 1:
        return float(index)
    before, here, after = (float(line[index + step]) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    return index + (0.5 * (before - after) / bend if bend < 0 else 0.0)
