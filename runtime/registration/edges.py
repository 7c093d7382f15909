"""Alignment without a target: the edges of both pictures, whichever side of them is brighter, laid onto each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coconet.errors import CoconetError
from coconet.media.pixels import luma
from coconet.runtime.frame import FramePair
from coconet.runtime.preprocess.edge_features import (
    SEARCH_WIDTH_PX,
    Field,
    Homography,
    Plane,
    agreement,
    distinctness,
    edge_field,
    move_field,
    shrink,
)
from coconet.runtime.preprocess.fit import fitted
from coconet.runtime.registration.coarse_search import first_guesses
from coconet.runtime.registration.patch_matching import PatchSupport, PatchVotes, patch_votes, shared_warp, support_by
from coconet.runtime.registration.registrar import Registration

_GUESSES = 10  # of the first search, refined at small size

_KEPT = 4  # of these, refined at middle size

_LEAST_GAIN = 1e-4  # of the agreement, relative: below, another round is not worth its time

# The best warp between pictures of different scenes stood out by up to 1.5 from the places around it, and once by 1.7,
# but not with a fifth of the patches; the right one by 1.6 or more.
_LEAST_DISTINCT = 1.5
_MOST_BY_CHANCE = 0.9  # of the patches: repeated things agree in several places


@dataclass(frozen=True)
class EdgeFit:
    """How infrared pixels map to visible ones, (3, 3), and how well that is borne out.

    agreement: of all edges, 1 for all and 0 as by chance. distinct: how many times better they agree than where the
    picture is shifted elsewhere. support: of patches of both pictures.
    """

    homography: Homography
    agreement: float
    distinct: float
    support: PatchSupport

    @property
    def weakness(self) -> str:
        """What forbids to trust the fit, in words; empty if nothing does."""
        if not self.support.weakness and self.distinct < _LEAST_DISTINCT and self.support.share < _MOST_BY_CHANCE:
            return (
                f"edges agree only {self.distinct:.1f} times as well as elsewhere, which may be chance, and "
                f"{self.support}"
            )
        return self.support.weakness


class EdgeRegistrar:
    """Aligns by the edges of both pictures, whichever side of them is brighter."""

    def register(self, pairs: Sequence[FramePair]) -> Registration:
        """Register as register_edges does, with its errors."""
        found = register_edges(pairs)
        edges = f"agreement {found.agreement:.2f}, {found.distinct:.1f} times that elsewhere"
        return Registration(found.homography, "edges", f"{edges}; {found.support}")


def register_edges(pairs: Sequence[FramePair]) -> EdgeFit:
    """Find the homography from infrared to visible pixels that brings the edges of all pairs together.

    pairs: of one size a side, 8 bit, infrared as it comes (not warped). The pictures may differ in size; the infrared
    one may be scaled by 0.75 to 1.34 (beyond the ratio of the sizes), turned by 9 degrees and shifted by any amount.
    Raises CoconetError if no more patches bear it out than may be by chance, or only those of one corner, and if
    the edges agree no better than with the picture shifted elsewhere.

    A search of small pictures gives first guesses; another one is that both cameras see the same. Patches of ever
    larger pictures are then looked for near where a guess puts them, and the warp that most of them share is taken
    where the edges agree better with it.
    """
    found = best_fit(pairs)
    if found.weakness:
        raise CoconetError(
            "alignment",
            wanted="a scene with edges that both cameras see, all over the picture",
            got=found.weakness,
            remedy="Point the rig at buildings, people or a heated board, or look at more pairs; or name points.",
            says=f"cannot be found from this scene: {found.weakness}",
        )
    return found


def best_fit(pairs: Sequence[FramePair]) -> EdgeFit:
    """Find what register_edges does, however little bears it out."""
    views = _Views(pairs)
    guesses = first_guesses(views.visible, views.infrared, _GUESSES)
    small = sorted((_refined(guess, views, _SMALL) for guess in guesses), key=lambda found: -found[1])
    kept = [guess for guess, _ in small[:_KEPT]] + [_as_they_are(views)]
    middle = max((_refined(guess, views, _MIDDLE) for guess in kept), key=lambda found: found[1])
    homography, agreed = _refined(middle[0], views, _LARGE)
    edges = _StageEdges(views, _LARGE)
    moved = edges.moved(_rescaled(homography, edges.scale))
    support = support_by(edges.votes(moved), edges.scale)
    return EdgeFit(homography, agreed, distinctness(edges.target, moved), support)


def _as_they_are(views: _Views) -> Homography:
    """The whole infrared picture in the middle of the visible one."""
    sizes = ((plane.shape[1], plane.shape[0]) for plane in (views.infrared[0], views.visible[0]))
    laid = fitted("scale", *sizes)
    (x, y), scale = laid.corner_px, laid.scale
    return _refined(np.array([[scale, 0.0, x], [0.0, scale, y], [0.0, 0.0, 1.0]]), views, _SMALL)[0]


def patch_support(pairs: Sequence[FramePair], homography: Homography) -> PatchSupport:
    """Look which patches of pairs as register_edges takes them bear a homography out."""
    return _support(homography, _Views(pairs))


class _Views:
    """What both cameras saw at the same moments, as luma planes, each side of one size."""

    def __init__(self, pairs: Sequence[FramePair]) -> None:
        self.visible: list[Plane] = [luma(pair.visible.pixels) for pair in pairs]
        self.infrared: list[Plane] = [luma(pair.infrared.pixels) for pair in pairs]


@dataclass(frozen=True)
class _Stage:
    """One refinement.

    width_px, blur_px: of the visible pictures, at most so wide. patch_px, radius_px: of the patches, and how far around
    they are looked for. sigmas_px: of the Gaussians their votes are blurred by. freedoms: of the warp, in this order.
    """

    width_px: int
    blur_px: float
    patch_px: int
    radius_px: int
    sigmas_px: tuple[float, ...]
    freedoms: tuple[int, ...] = (4, 6, 8)
    rounds: int = 2


_SMALL = _Stage(SEARCH_WIDTH_PX, 1.5, 40, 10, (5.0, 3.0, 2.0), rounds=3)

_MIDDLE = _Stage(320, 1.5, 64, 8, (4.0, 2.0, 1.2))

_LARGE = _Stage(640, 1.3, 96, 8, (4.0, 2.0, 1.0), freedoms=(6, 8))


class _StageEdges:
    """The edges of all pairs at the size of a stage; homographies here are to pixels of that size."""

    def __init__(self, views: _Views, stage: _Stage) -> None:
        scale = min(1.0, stage.width_px / views.visible[0].shape[1])
        self.target = edge_field([shrink(plane, scale) for plane in views.visible], stage.blur_px)
        self.scale, self._infrared, self._stage = scale, views.infrared, stage

    def moved(self, homography: Homography) -> Field:
        """Give the edges of the infrared side where a homography puts them."""
        size_px = (self.target.shape[2], self.target.shape[1])
        return move_field(self._infrared, homography, size_px, self._stage.blur_px)

    def votes(self, moved: Field) -> PatchVotes:
        """Look for the patches of the visible side there."""
        return patch_votes(self.target, moved, self._stage.patch_px, self._stage.radius_px)


def _refined(start: Homography, views: _Views, stage: _Stage) -> tuple[Homography, float]:
    """Let patches vote for better warps; the best of them, and how much the edges agree with it."""
    sight = _StageEdges(views, stage)
    best = _rescaled(start, sight.scale)
    moved = sight.moved(best)
    agreed = agreement(sight.target, moved)
    for _ in range(stage.rounds):
        votes, base, before = sight.votes(moved), best, agreed
        for freedom in stage.freedoms:
            trial = shared_warp(votes, freedom, stage.sigmas_px) @ base
            trial_moved = sight.moved(trial)
            trial_agreed = agreement(sight.target, trial_moved)
            if trial_agreed > agreed:
                best, moved, agreed = trial, trial_moved, trial_agreed
        if agreed - before <= _LEAST_GAIN * abs(before):
            break
    found = _rescaled(best, 1 / sight.scale)
    return found / found[2, 2], agreed


def _support(homography: Homography, views: _Views) -> PatchSupport:
    sight = _StageEdges(views, _LARGE)
    return support_by(sight.votes(sight.moved(_rescaled(homography, sight.scale))), sight.scale)


def _rescaled(homography: Homography, scale: float) -> Homography:
    """From infrared pixels to visible pixels of a picture scaled by `scale`."""
    scaled: Homography = np.diag([scale, scale, 1.0]) @ homography
    return scaled
