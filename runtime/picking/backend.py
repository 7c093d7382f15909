"""The backend that is picked at the first pair: from what is remembered, or after a trial with that pair."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event

from coconet.cards.model_card import ModelCard
from coconet.errors import CoconetError
from coconet.event_log import note_once, warn_once
from coconet.installation.processor import usable_cores
from coconet.media.pixels import Pixels
from coconet.runtime.backends.backend import Backend, OverlappingBackend, WarpingBackend
from coconet.runtime.backends.tiles.backend import check_tiles, tiled
from coconet.runtime.backends.tiles.limit import AUTOMATIC, TileLimit
from coconet.runtime.frame import FramePair
from coconet.runtime.picking.candidate import Candidate, candidates_of, card_of
from coconet.runtime.picking.pick import Pick, PickPlace
from coconet.runtime.preprocess.warp import Alignment

MOST_AT_ONCE = 4
"""Pairs under way: more take memory and gain nothing beside what decodes and encodes."""


class PickedBackend:
    """A model run by whatever is fastest on this machine; one thread at a time.

    Until the first pair `card` is that of the model as it ships and `name` says that nothing is picked yet.
    """

    def __init__(
        self,
        model: Path | str,
        tiles: TileLimit = AUTOMATIC,
        scenes: Callable[[ModelCard], Iterable[FramePair]] = lambda card: (),
    ) -> None:
        """Look for what runs a model, given as a file or a word. tiles: from which size on pictures are cut in parts.

        scenes: gives more pairs that candidates are held to their limits on, for the card of the model; asked only
        if nothing is remembered.

        Raises CoconetError for a file that is not ours, and for parts that were asked for and cannot be.
        """
        self._candidates = candidates_of(model)
        self._label = Path(model).name
        self.card: ModelCard = card_of(self._candidates)
        self._tiles, self._scenes = tiles, scenes
        check_tiles(self.card, tiles)
        self.name = "not picked yet"
        self.depth = 1
        self._backend: Backend | None = None
        self._done = deque[Pixels]()

    def let_overlap(self, allowed: bool) -> None:
        """Say whether several pairs may be under way at once, before one is picked: then as many as there are cores."""
        self.depth = min(len(usable_cores()), MOST_AT_ONCE) if allowed else 1

    def choose(self, pair: FramePair, stop: Event | None = None) -> None:
        """Pick what runs the pairs like this one, unless that is done; shows on stderr what it does and has found.

        stop: once it is set, the first candidate runs them, and nothing is remembered.
        Raises CoconetError if the model cannot be opened, or does not take the pair.
        """
        if self._backend is not None:
            return
        place = PickPlace.of(self._candidates, pair.visible.pixels.shape)
        pick = place.load()
        found = None if pick is None else pick.among(self._candidates)
        if pick is None or found is None:
            pick = self._tried(pair, place, stop or Event())
            found = None if pick is None else pick.among(self._candidates)
        found = found or self._candidates[0]
        self._backend = tiled(found.open(self.depth), self._tiles)
        self.card, self.name = self._backend.card, self._backend.name
        if pick is not None:
            note_once(in_words(pick, found, self._candidates[0]))

    def align(self, alignment: Alignment | None) -> None:
        """Lay infrared pictures as an alignment says from the next one on, if the model takes one."""
        if isinstance(self._backend, WarpingBackend):
            self._backend.align(alignment)

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, 3) BGR or (H, W, 1) gray with (H, W, 1), uint8; shaped like `visible`.

        Raises CoconetError before anything is picked, and as the backend that was picked does.
        """
        return self._picked.fuse(visible, infrared)

    def submit(self, visible: Pixels, infrared: Pixels) -> None:
        """Start with a pair, as OverlappingBackend says; what cannot overlap fuses it at once."""
        backend = self._picked
        if isinstance(backend, OverlappingBackend):
            backend.submit(visible, infrared)
        else:
            self._done.append(backend.fuse(visible, infrared))

    def collect(self) -> Pixels:
        """Wait for the oldest pending pair and give its picture."""
        backend = self._picked
        return backend.collect() if isinstance(backend, OverlappingBackend) else self._done.popleft()

    def close(self) -> None:
        """Release the model; a second call does nothing."""
        if self._backend is not None:
            self._backend.close()

    @property
    def _picked(self) -> Backend:
        if self._backend is None:
            raise CoconetError(
                self._label,
                wanted="a backend that was picked",
                got="none",
                remedy="Call choose with a pair first.",
                says="has not chosen a backend yet",
            )
        return self._backend

    def _tried(self, pair: FramePair, place: PickPlace, stop: Event) -> Pick | None:
        from coconet.runtime.picking.trial import Stopped, pick_fastest

        height, width = pair.visible.pixels.shape[:2]
        what = f"what runs {self._label} fastest on this machine for pictures of {width}x{height}"
        note_once(f"measuring once {what}, which takes some seconds; another size is measured when it comes")
        others = (one for one in self._scenes(self.card) if _sizes(one) == _sizes(pair))
        try:
            pick = pick_fastest(self._candidates, [pair, *others], tiles=self._tiles, stop=stop)
        except Stopped:
            return None
        if trouble := place.save(pick):
            warn_once(f"what was measured is not remembered: {trouble}")
        return pick


def _sizes(pair: FramePair) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return pair.visible.pixels.shape, pair.infrared.pixels.shape


def in_words(pick: Pick, found: Candidate, reference: Candidate) -> str:
    """What was picked, in a sentence."""
    if found == reference:
        return f"{found} is the fastest here (measured {pick.date[:10]}; coconet bench pick shows and renews it)"
    return (
        f"{found} takes {pick.ratio:.2f} of the time of {reference} here (measured {pick.date[:10]}; "
        "coconet bench pick shows and renews it)"
    )
