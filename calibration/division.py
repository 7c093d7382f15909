"""Which frames the ranges are measured on, and which others the INT8 model is compared on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from calibration.calibration_set import CalibrationSet, Survey
from calibration.frame_source import FolderSource, FrameSource
from coconet.errors import CoconetError
from runtime.frame import FramePair


@dataclass(frozen=True)
class Division:
    """measure: what ranges come from, None where they are there already. check: what is compared. origin: of check."""

    measure: CalibrationSet | None
    check: Iterable[FramePair]
    origin: str


def divided(source: FrameSource, found: Survey, check: Path | None) -> Division:
    """Measure on the frames that were kept, or, without a folder to check on, on those not held out for it.

    Raises CoconetError where the frames are no fit pictures or too few.
    """
    everything = CalibrationSet(source, found.kept)
    found.coverage.require(source)
    if check is not None:
        return Division(everything, FolderSource(check), str(check))
    measure, held_out = everything.held_out()
    return Division(measure, held_out, f"frames held out of {source}")


def only_compared(source: FrameSource | None, check: Path | None) -> Division:
    """For ranges that are there already: compare on `check`, or else on all frames of the source."""
    frames = source if check is None else FolderSource(check)
    if frames is None:
        raise no_frames("Name some; with --ranges, --check will do.")
    return Division(None, frames, str(frames))


def no_frames(remedy: str) -> CoconetError:
    """The error of a command that was given no frames."""
    return CoconetError("--frames", wanted="a folder of paired pictures, or two recordings", got="none", remedy=remedy)
