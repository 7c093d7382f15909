"""Journal: a CSV table that grows with a run, one line a step."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from coconet.files import whole_file


class Journal:
    """Lines of `step` and numbers. What an interrupted run wrote after the step it goes on from is dropped."""

    def __init__(self, path: Path, step: int) -> None:
        self._path = path
        self._rows: list[dict[str, str]] = []
        if path.exists():
            self._rows = [row for row in _whole_rows(path) if int(row["step"]) <= step]
            self._rewrite()

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Append one line, six digits behind the point."""
        row = {"step": str(step), **{name: f"{value:.6f}" for name, value in values.items()}}
        with self._path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(row))
            if not self._rows:
                writer.writeheader()
            writer.writerow(row)
        self._rows.append(row)

    def has(self, step: int) -> bool:
        """Whether there is a line of this step."""
        return any(row["step"] == str(step) for row in self._rows)

    def column(self, name: str) -> list[float]:
        """Every line's value, in order, as written."""
        return [float(row[name]) for row in self._rows]

    def _rewrite(self) -> None:
        with whole_file(self._path) as scratch, scratch.open("w", newline="", encoding="utf-8") as stream:
            if self._rows:
                writer = csv.DictWriter(stream, list(self._rows[0]))
                writer.writeheader()
                writer.writerows(self._rows)


def _whole_rows(path: Path) -> list[dict[str, str]]:
    # A power cut can leave a line half written.
    with path.open(newline="", encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if None not in row.values() and (row.get("step") or "").isdigit()]
