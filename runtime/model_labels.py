"""Labels: models named as shortly as tells them apart, for captions and tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def model_labels(models: Sequence[str]) -> list[str]:
    """The file names, with as many of the folders above as it takes to keep unlike models apart; in their order."""
    paths = [Path(model).parts for model in models]
    for depth in range(1, max(map(len, paths), default=0)):
        labels = ["/".join(parts[-depth:]) for parts in paths]
        if len(set(labels)) == len(set(paths)):
            return labels
    return [str(Path(model)) for model in models]
