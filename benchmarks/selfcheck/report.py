"""The report of a self-check: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from coconet import __version__
from coconet.benchmarks.machine.device import Device
from coconet.benchmarks.selfcheck.step import Figures, Outcome

SCHEMA = 1
"""Version of the JSON's layout."""


@dataclass(frozen=True)
class SelfCheckReport:
    """The device and what came of every step, in order."""

    device: Device
    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed; what is not there is no failure."""
        return all(outcome.state != "failed" for outcome in self.outcomes)

    @property
    def summary(self) -> str:
        """How many steps came to what."""
        counts = Counter(outcome.state for outcome in self.outcomes)
        return ", ".join(f"{counts[state]} {state}" for state in ("ok", "failed", "skipped"))

    def to_json(self) -> str:
        """Write it for programs."""
        told = {
            "schema": SCHEMA,
            "coconet": __version__,
            "passed": self.passed,
            "device": self.device.model_dump(),
            "steps": [asdict(outcome) for outcome in self.outcomes],
        }
        return json.dumps(told, indent=2) + "\n"

    def to_text(self) -> str:
        """Write it for people: the device, a line for each step, and the figures under it."""
        lines = [f"coconet-edge {__version__}, self-check on {self.device.name}", self.device.system]
        lines += [f"packages: {', '.join(self.device.packages)}", "", *_lines(self.outcomes), "", self.summary]
        return "\n".join(lines) + "\n"


def _lines(outcomes: Sequence[Outcome]) -> list[str]:
    lines = []
    for outcome in outcomes:
        reason = f": {outcome.reason}" if outcome.reason else ""
        lines.append(f"{outcome.state:8}{outcome.name} ({outcome.seconds:.1f} s){reason}")
        lines += figure_lines(outcome.figures)
    return lines


def figure_lines(figures: Figures) -> list[str]:
    """A line for each figure, indented below its step."""
    return [
        f"        {name}: {value:.4g}" if isinstance(value, float) else f"        {name}: {value}"
        for name, value in figures.items()
    ]
