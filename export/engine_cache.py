"""Engines that were built once, kept under a name that follows from all that went into them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coconet.build_key import BuildKey
from coconet.engine_card import ENGINE_SUFFIX, card_path, read_engine_card
from coconet.errors import CoconetError
from coconet.files import whole_file

FOLDER_VARIABLE = "COCONET_CACHE"
MOST_ENGINES = 24
"""Beyond these the ones not used for longest go."""


def default_cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """$COCONET_CACHE, or the folder that the XDG rules name for caches."""
    if environment.get(FOLDER_VARIABLE):
        return Path(environment[FOLDER_VARIABLE])
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "coconet-edge"


@dataclass(frozen=True)
class EngineCache:
    """A folder of engines, each with its card. What is damaged in it counts as not there."""

    folder: Path

    def fetch(self, key: BuildKey, out: Path) -> bool:
        """Copy the engine of a key, and its card, to `out`; False where none is kept."""
        kept = self._place(key)
        try:
            if BuildKey.of(read_engine_card(kept)) != key:
                return False
        except CoconetError:
            return False
        copy_engine(kept, out)
        for path in (kept, card_path(kept)):
            os.utime(path)
        return True

    def keep(self, engine: Path) -> None:
        """Copy an engine and its card into the cache. A cache that cannot be written to is no reason to fail."""
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            copy_engine(engine, self._place(BuildKey.of(read_engine_card(engine))))
            self._thin_out()

    def timing(self, device: str, version: str) -> Path:
        """Where TensorRT's measurements of layers are kept, one file for a device and a version."""
        return self.folder / f"{re.sub(r'[^A-Za-z0-9]+', '-', device).strip('-')}-{version}.timing"

    def _place(self, key: BuildKey) -> Path:
        return self.folder / f"{key.digest()}{ENGINE_SUFFIX}"

    def _thin_out(self) -> None:
        engines = sorted(self.folder.glob(f"[0-9a-f]*{ENGINE_SUFFIX}"), key=lambda path: path.stat().st_mtime)
        for path in engines[:-MOST_ENGINES]:
            path.unlink()
            card_path(path).unlink(missing_ok=True)


def copy_engine(engine: Path, out: Path) -> None:
    """Copy an engine with its card; both are whole before either gets its name, and the engine is the last."""
    with whole_file(out) as engine_scratch, whole_file(card_path(out)) as card_scratch:
        shutil.copyfile(engine, engine_scratch)
        shutil.copyfile(card_path(engine), card_scratch)
