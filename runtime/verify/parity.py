"""Parity: how far apart the pictures of two models are, and which look as if numbers had overflowed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.cards.precision import ParityLimits
from coconet.errors import CoconetError, counted
from coconet.media.pixels import Pixels
from coconet.runtime.backends.backend import Backend, WarpingBackend
from coconet.runtime.frame import FramePair

PEAK = 255.0


@dataclass(frozen=True)
class Parity:
    """How far a candidate is from its reference, in levels of 0..255, over every sample of every frame.

    psnr_db: from the squared error over all frames at once; infinite where all pictures are equal.
    worst_frame: the frame of the lowest PSNR, which is worst_psnr_db.
    within_one_level: share of samples, 0..1, that differ by at most one level, as rounding does.
    """

    frames: int
    max_abs_error: int
    mean_abs_error: float
    psnr_db: float
    worst_psnr_db: float
    worst_frame: str
    within_one_level: float

    def __str__(self) -> str:
        return (
            f"PSNR {self.psnr_db:.1f} dB over {counted(self.frames, 'frame')}, "
            f"{self.worst_psnr_db:.1f} dB on {self.worst_frame}, "
            f"{self.within_one_level:.2%} within one level, at most {counted(self.max_abs_error, 'level')}"
        )


@dataclass(frozen=True)
class ModelPictures:
    """A pair of frames and what the two models made of it: pictures of one shape, (H, W, 3) or (H, W, 1) uint8."""

    pair: FramePair
    reference: Pixels
    candidate: Pixels

    @property
    def name(self) -> str:
        """The visible frame's name, or its number where it has none."""
        return self.pair.visible.name or f"frame {self.pair.visible.index}"


@dataclass(frozen=True)
class FrameError:
    """How far apart the two pictures of one frame are, as sums over their samples, exact."""

    name: str
    samples: int
    abs_sum: int
    squared_sum: int
    max_abs: int
    within_one: int

    @property
    def psnr_db(self) -> float:
        """Infinite for equal pictures."""
        return _psnr(self.squared_sum, self.samples)


def compare(reference: Backend, candidate: Backend, pairs: Iterable[FramePair]) -> Parity:
    """Fuse every pair with both models. Raises CoconetError without frames, and for answers of unequal shape."""
    return parity_of([frame_error(answers) for answers in answers_of(reference, candidate, pairs)])


def answers_of(reference: Backend, candidate: Backend, pairs: Iterable[FramePair]) -> Iterator[ModelPictures]:
    """Fuse pair after pair with both models; the pairs that come back are aligned, by either of them.

    Raises CoconetError for answers of unequal shape.
    """
    for pair in pairs:
        answers = ModelPictures(pair.laid(), _fused(reference, pair), _fused(candidate, pair))
        _check_shapes(answers)
        yield answers


def frame_error(answers: ModelPictures) -> FrameError:
    """Count the differences of one frame."""
    counts = _difference_counts(answers.reference, answers.candidate)
    levels = np.arange(len(counts))
    return FrameError(
        name=answers.name,
        samples=answers.reference.size,
        abs_sum=int(counts @ levels),
        squared_sum=int(counts @ levels**2),
        max_abs=int(np.flatnonzero(counts)[-1]),
        within_one=int(counts[:2].sum()),
    )


def parity_of(errors: Sequence[FrameError]) -> Parity:
    """Sum the errors of all frames up. Raises CoconetError without frames."""
    if not errors:
        raise CoconetError(
            "parity",
            wanted="at least one pair of frames",
            got="none",
            remedy="Name more frames.",
            says="has no pair of frames to compare",
        )
    samples = sum(error.samples for error in errors)
    worst = min(errors, key=lambda error: error.psnr_db)
    return Parity(
        frames=len(errors),
        max_abs_error=max(error.max_abs for error in errors),
        mean_abs_error=sum(error.abs_sum for error in errors) / samples,
        psnr_db=_psnr(sum(error.squared_sum for error in errors), samples),
        worst_psnr_db=worst.psnr_db,
        worst_frame=worst.name,
        within_one_level=sum(error.within_one for error in errors) / samples,
    )


def within(parity: Parity, limits: ParityLimits) -> bool:
    """Whether every frame is near enough."""
    return parity.worst_psnr_db >= limits.worst_psnr_db and parity.max_abs_error <= limits.max_abs_error


def require(parity: Parity, limits: ParityLimits, where: object) -> None:
    """Raise CoconetError, with the figures, if a candidate is beyond the limits; `where` names the candidate."""
    if within(parity, limits):
        return
    raise CoconetError(
        where,
        wanted=str(limits),
        got=str(parity),
        remedy=f"Look at {parity.worst_frame} first; a model this far off is not used.",
        says=f"is too far from its reference: {parity}; expected {limits}",
    )


def _fused(backend: Backend, pair: FramePair) -> Pixels:
    """What a model makes of a pair; one that lays infrared pictures itself is given them as they are."""
    if backend.card.form == "warped" and isinstance(backend, WarpingBackend):
        backend.align(pair.warp)
        return backend.fuse(pair.visible.pixels, pair.infrared.pixels)
    return backend.fuse(pair.visible.pixels, pair.laid_infrared)


def _check_shapes(answers: ModelPictures) -> None:
    if answers.reference.shape != answers.candidate.shape:
        raise CoconetError(
            f"parity, {answers.name}",
            wanted=f"a picture of shape {answers.reference.shape} like the reference's",
            got=str(answers.candidate.shape),
            remedy="Compare models made for the same frames.",
            says=f"has pictures of shape {answers.candidate.shape} and {answers.reference.shape}, which cannot be "
            "compared",
        )


def _difference_counts(wanted: Pixels, got: Pixels) -> NDArray[np.intp]:
    """How many samples differ by 0, 1 .. 255 levels; everything else follows from this without loss."""
    apart = np.maximum(wanted, got) - np.minimum(wanted, got)  # stays uint8 and cannot wrap
    return np.bincount(apart.ravel(), minlength=256)


def _psnr(squared_sum: int, samples: int) -> float:
    """10 log10(255^2 / mean squared error), and infinite for equal pictures, as coconet.metrics.fusion.psnr."""
    return 10 * math.log10(PEAK**2 * samples / squared_sum) if squared_sum else math.inf


FAR_LEVELS = 64

LEAST_SHARE = 0.001


def suspicion(answers: ModelPictures) -> str:
    """Say what is suspicious about the candidate's picture, or give an empty text.

    NaN and infinity do not survive the last step to 8 bit: they come out black or white, and spread from one sample
    to a patch or to the whole picture. Suspicious are a picture of one level where the reference shows more, and one
    with 0.1 % of its samples or more at 0 or 255 although the reference and both frames are 64 levels or more away.
    """
    reference, candidate = answers.reference, answers.candidate
    if candidate.min() == candidate.max() and reference.min() != reference.max():
        return f"every sample at {candidate.min()}"
    lost = (candidate == 0) | (candidate == 255)
    for picture in (reference, answers.pair.visible.pixels, answers.pair.infrared.pixels):
        lost &= _apart(picture, candidate) >= FAR_LEVELS
    share = float(lost.mean())
    return f"{share:.1%} of it black or white where nothing else is" if share >= LEAST_SHARE else ""


def _apart(first: Pixels, second: Pixels) -> Pixels:
    return np.maximum(first, second) - np.minimum(first, second)  # stays uint8 and cannot wrap
