"""A step of the self-check: what it is called, how long it takes, what came of it; nothing ends the steps after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.redaction import redact_text

State = Literal["ok", "failed", "skipped"]

Figures = Mapping[str, float | str]
"""What was measured, by names with units in them."""


WARNING = "warning"
"""Of figures, a sentence about what works and is not as it should be; it stands beside the outcome."""


class Absent(Exception):
    """What a step needs is not on this machine; says what."""


@dataclass(frozen=True)
class Step:
    """One thing to try. minutes: at most, about, for the user's patience.

    run: gives figures; raises Absent or MissingPackage for what is not there, CoconetError for what does not work.
    """

    name: str
    minutes: float
    run: Callable[[], Figures]


@dataclass(frozen=True)
class Outcome:
    """What came of a step. reason: why it was skipped or failed, or what to know of it. seconds: what it took."""

    name: str
    state: State
    seconds: float
    reason: str = ""
    figures: Figures = field(default_factory=dict)


def outcomes(steps: Iterable[Step], begun: Callable[[Step], object]) -> Iterator[Outcome]:
    """Run the steps in order. begun: is called with each before it runs."""
    for step in steps:
        begun(step)
        yield _outcome(step)


def _outcome(step: Step) -> Outcome:
    start, state, reason, figures = time.monotonic(), "ok", "", {}
    try:
        figures = dict(step.run())
        reason = str(figures.pop(WARNING, ""))
    except (Absent, MissingPackage) as error:
        state, reason = "skipped", str(error)
    except CoconetError as error:
        state, reason = "failed", str(error)
    except Exception as error:  # a fault of ours must not cost the report of all the other steps
        state, reason = "failed", f"unexpectedly, {type(error).__name__}: {first_line(error)}"
    return Outcome(step.name, state, round(time.monotonic() - start, 2), redact_text(reason), figures)  # type: ignore[arg-type]
