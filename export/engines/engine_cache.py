"""The engine cache: engines under a name that follows from all that went into them, built only if missing."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from coconet.cards.engine_card import BuildKey, EngineCard, card_path, read_engine_card
from coconet.errors import CoconetError
from coconet.event_log import note_once, warn_once
from coconet.export.engines.engine import BuildAids, build_engine, check_destination
from coconet.export.engines.engine_job import EngineJob
from coconet.files import make_folder
from coconet.model_endings import ENGINE_SUFFIX
from coconet.runtime.backends.tensorrt.own_engine import place_in
from coconet.writing.outputs import check_free
from coconet.writing.together import whole_together
from coconet.writing.turn import turn_at

MOST_ENGINES = 24
"""Beyond these the ones not used for longest go."""


@dataclass(frozen=True)
class EngineCache:
    """A folder of engines, each with its card. What is damaged in it counts as not there."""

    folder: Path

    def fetch(self, key: BuildKey, out: Path) -> EngineCard | None:
        """Copy the engine of a key, and its card, to `out`, and return the card; None if none is kept."""
        kept = self.place(key)
        try:
            card = read_engine_card(kept)
        except (CoconetError, OSError):
            return None
        if BuildKey.of(card) != key:
            return None
        try:
            copy_engine(kept, out)
        except FileNotFoundError:  # another process has just taken the oldest ones out
            return None
        with suppress(OSError):  # a cache that others share may be read-only
            for path in (kept, card_path(kept)):
                os.utime(path)
        return card

    def keep(self, engine: Path, card: EngineCard) -> None:
        """Copy an engine with its card into the cache. One that cannot be written to costs no more than a warning."""
        try:
            make_folder(self.folder)
            copy_engine(engine, self.place(BuildKey.of(card)))
            self._thin_out()
        except (CoconetError, OSError) as error:
            warn_once(f"the engine is built, but not kept for the next time: {error}")

    def timing(self, device: str, version: str) -> Path:
        """Where TensorRT's measurements of layers are kept, one file for a device and a version."""
        return self.folder / f"{re.sub(r'[^A-Za-z0-9]+', '-', device).strip('-')}-{version}.timing"

    def place(self, key: BuildKey) -> Path:
        """Where the engine of a key is kept."""
        return place_in(self.folder, key)

    def _thin_out(self) -> None:
        engines = sorted(self.folder.glob(f"[0-9a-f]*{ENGINE_SUFFIX}"), key=_used)
        for path in engines[:-MOST_ENGINES]:
            path.unlink(missing_ok=True)
            card_path(path).unlink(missing_ok=True)


def _used(engine: Path) -> float:
    """When an engine was used last; 0 for one that another process has taken out."""
    try:
        return engine.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def copy_engine(engine: Path, out: Path) -> None:
    """Copy an engine with its card; both are whole before either gets its name, and the engine is the last."""
    with whole_together(card_path(out), out) as (card_scratch, engine_scratch):
        shutil.copyfile(engine, engine_scratch)
        shutil.copyfile(card_path(engine), card_scratch)


def check_no_foreign_card(engine: Path) -> None:
    """Raise AlreadyExists for a file in the place of the card of an engine that is not there, unless it is such a card.

    That is what a build leaves that was killed just between two renames; without its engine it is worth nothing.
    """
    place = card_path(engine)
    if engine.exists() or not place.is_file():
        return
    try:
        EngineCard.from_json(place.read_text(encoding="utf-8", errors="replace"), place)
    except CoconetError:
        check_free([place])


@dataclass(frozen=True)
class CachedBuild:
    """An engine's card, and how it came about. built: False where an equal engine was there. because: in words."""

    card: EngineCard
    built: bool
    because: str


def build_cached(
    job: EngineJob, out: Path, cache: EngineCache, aids: BuildAids | None = None, *, overwrite: bool = True
) -> CachedBuild:
    """Leave the engine of a job at `out`: the one that is there, or the one in the cache, or a new one.

    overwrite: whether an engine of another job that is there is replaced; otherwise it is an AlreadyExists.
    Another process that makes the same engine with the same cache is waited for, as both would measure the GPU while
    the other keeps it busy. Raises CoconetError as build_engine does.
    """
    check_destination(out)
    with turn_at(cache.place(job.key).with_suffix(".lock"), _tell_of_another):
        return _build_cached(job, out, cache, aids or BuildAids(), overwrite=overwrite)


def _tell_of_another() -> None:
    note_once("another process is building this engine; waiting for it")


def _build_cached(job: EngineJob, out: Path, cache: EngineCache, aids: BuildAids, *, overwrite: bool) -> CachedBuild:
    key = job.key
    there, because = engine_there(out, key)
    if there is not None:
        return CachedBuild(there, built=False, because="the same model, TensorRT, GPU and options")
    if not overwrite:
        check_free([out])
    kept = cache.fetch(key, out)
    if kept is not None:
        return CachedBuild(kept, built=False, because=f"taken from {cache.folder}")
    timing = cache.timing(str(key.device), key.tensorrt_version) if key.device else None
    card = build_engine(job, out, replace(aids, timing=timing))
    cache.keep(out, card)
    return CachedBuild(card, built=True, because=because)


def engine_there(engine: Path, key: BuildKey) -> tuple[EngineCard | None, str]:
    """Return the card of the engine at a path if it is the one of a key; or else None, and why it is not."""
    if not engine.exists():
        return None, "there was no such engine"
    try:
        card = read_engine_card(engine)
    except CoconetError as error:
        return None, f"the one that was there is not whole: {error}"
    changes = key.changes_since(BuildKey.of(card))
    return (None, changes) if changes else (card, "")
