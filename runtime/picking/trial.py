"""A trial: candidates fuse the same pair in turns; the fastest whose pictures are near enough is picked."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timezone
from statistics import median
from threading import Event

from coconet.cards.precision import PRECISIONS, REFERENCE, ParityLimits
from coconet.errors import CoconetError
from coconet.installation.processor import processor_name, usable_cores
from coconet.media.pixels import Pixels
from coconet.progress.board import tell_of
from coconet.progress.work import Work
from coconet.runtime.backends.backend import Backend, WarpingBackend
from coconet.runtime.backends.tiles.backend import tiled
from coconet.runtime.backends.tiles.limit import AUTOMATIC, TileLimit
from coconet.runtime.frame import FramePair
from coconet.runtime.picking.candidate import Candidate
from coconet.runtime.picking.pick import Pick, TrialRow
from coconet.runtime.verify.parity import ModelPictures, frame_error, parity_of, within

SECONDS = 1.0
"""How long each candidate is timed at most, but for the least number of rounds."""

LEAST_ROUNDS, MOST_ROUNDS = 3, 31

GAIN = 0.95
"""The reference stays unless another one takes at most this share of its time: less is within what is measured."""

HOPELESS = 2.0
"""What takes this many times as long as the fastest for the pair it is compared by is not timed again."""


class Stopped(Exception):
    """The run was stopped while candidates were timed."""


@dataclass
class _Contestant:
    """A candidate that is open. seconds: what it took for the pair, time after time."""

    candidate: Candidate
    backend: Backend
    psnr_db: float | None
    seconds: list[float]

    def ratio_to(self, reference: _Contestant) -> float:
        """Its time over the reference's: of neighbouring runs if both were timed in turns."""
        if len(self.seconds) == len(reference.seconds):
            return median(mine / others for mine, others in zip(self.seconds, reference.seconds, strict=True))
        return median(self.seconds) / median(reference.seconds)


def pick_fastest(
    candidates: list[Candidate],
    pairs: Sequence[FramePair],
    clock: Callable[[], float] = time.perf_counter,
    tiles: TileLimit = AUTOMATIC,
    stop: Event | None = None,
) -> Pick:
    """Time candidates on the first of some pairs, as prepared for the first of them, and pick one.

    The first candidate is the reference: its pictures are what the others' are held against on every pair, by the
    limits of their precision. tiles: from which size on pictures are cut in parts.
    Raises CoconetError if the reference cannot be opened or does not fuse a pair, and Stopped once `stop` is set.
    """
    pair, stop = pairs[0], stop or Event()
    with ExitStack() as stack:
        work = stack.enter_context(tell_of(Work("measuring what is fastest here", len(candidates), aside=True)))
        rows: dict[Candidate, TrialRow] = {}
        contestants: list[_Contestant] = []
        wanted: list[Pixels] = []
        for candidate in candidates:
            _go_on_unless(stop)
            try:
                backend = stack.enter_context(closing(tiled(candidate.open(), tiles)))
                _fuse(backend, pair)  # the first run of a model compiles, allocates and reads its weights
                begun = clock()
                picture = _fuse(backend, pair)
                took_s = clock() - begun
                pictures = [picture, *(_fuse(backend, other) for other in pairs[1:])]
            except CoconetError as error:
                if not wanted:
                    raise
                rows[candidate] = _row(candidate, refused=error.says)
                work.advance()
                continue
            wanted = wanted or pictures
            psnr_db, refused = _held(
                [ModelPictures(*one) for one in zip(pairs, wanted, pictures, strict=True)], _limits(backend, candidate)
            )
            rows[candidate] = _row(candidate, psnr_db=psnr_db, refused=refused)
            if refused:
                backend.close()
            else:
                contestants.append(_Contestant(candidate, backend, psnr_db, [max(took_s, 1e-9)]))
            work.advance()
        _race(contestants, pair, clock, stop)
    reference = contestants[0]
    ratios = {one.candidate: one.ratio_to(reference) for one in contestants}
    for one in contestants:
        rows[one.candidate] = _row(one.candidate, ratio=round(ratios[one.candidate], 4), psnr_db=one.psnr_db)
    best = min(contestants, key=lambda one: ratios[one.candidate])
    chosen = best if ratios[best.candidate] <= GAIN else reference
    return Pick(
        model=chosen.candidate.path.name,
        kind=chosen.candidate.kind,
        size_px=(pair.visible.pixels.shape[0], pair.visible.pixels.shape[1]),
        processor=processor_name(),
        cores=len(usable_cores()),
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        reference_ms=round(1e3 * median(reference.seconds), 3),
        pairs=len(pairs),
        rows=tuple(rows.values()),
    )


def _go_on_unless(stop: Event) -> None:
    if stop.is_set():
        raise Stopped


def _race(contestants: list[_Contestant], pair: FramePair, clock: Callable[[], float], stop: Event) -> None:
    """Let all that may be the fastest fuse in turns: what disturbs the machine for a while slows all of them."""
    fastest_s = min(one.seconds[0] for one in contestants)
    racing = [one for one in contestants if one.seconds[0] <= HOPELESS * fastest_s]
    until_s = clock() + SECONDS * len(racing)
    rounds = 0
    while rounds < LEAST_ROUNDS or (clock() < until_s and rounds < MOST_ROUNDS):
        rounds += 1
        _go_on_unless(stop)
        for one in racing:
            begun = clock()
            _fuse(one.backend, pair)
            one.seconds.append(max(clock() - begun, 1e-9))


def _limits(backend: Backend, candidate: Candidate) -> ParityLimits:
    precision = REFERENCE if candidate.kind == "torch" else backend.card.precision
    return PRECISIONS[precision].limits


def _held(found: list[ModelPictures], limits: ParityLimits) -> tuple[float | None, str]:
    """The worst PSNR against the reference's pictures, None for equal ones, and what is beyond the limits."""
    for one in found:
        if one.candidate.shape != one.reference.shape:
            return None, f"a picture of shape {one.candidate.shape}, not {one.reference.shape}"
    parity = parity_of([frame_error(one) for one in found])
    psnr_db = None if parity.max_abs_error == 0 else round(parity.worst_psnr_db, 2)
    if within(parity, limits):
        return psnr_db, ""
    return psnr_db, f"{parity.worst_psnr_db:.1f} dB, errors up to {parity.max_abs_error}; wanted {limits}"


def _row(
    candidate: Candidate, *, ratio: float | None = None, psnr_db: float | None = None, refused: str = ""
) -> TrialRow:
    return TrialRow(model=candidate.path.name, kind=candidate.kind, ratio=ratio, psnr_db=psnr_db, refused=refused)


def _fuse(backend: Backend, pair: FramePair) -> Pixels:
    if isinstance(backend, WarpingBackend):
        backend.align(pair.warp)
    return backend.fuse(pair.visible.pixels, pair.infrared.pixels)
