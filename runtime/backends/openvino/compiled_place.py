"""Compiled models in the cache folder: reading one back takes OpenVINO a third of the time of compiling it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coconet.cards.onnx_weights import hashes_of_model
from coconet.errors import CoconetError
from coconet.files import make_folder, whole_file
from coconet.installation.processor import processor_kind
from coconet.runtime.cache_folder import default_cache_folder

MOST_BYTES = 256 * 2**20
"""What all compiled models may take on the disk together; those used longest ago go first."""

_FORM = 5  # of what our own code asks and makes of graphs; another number, and everything is compiled again

_ENDING = ".openvino"

_HASH_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class CompiledForms:
    """The compiled forms of a model file, one for each of the shapes that came; any number of processes share them.

    They depend on everything that decides besides shapes: the bytes of the model and of weights beside it, settings,
    OpenVINO's version and processor.
    """

    folder: Path
    digest: str

    @classmethod
    def of(cls, model: Path, config: Mapping[str, Any], version: str, folder: Path | None = None) -> CompiledForms:
        """Name them. version: OpenVINO's, with its build. Raises CoconetError for a model that is not there."""
        facts = ["".join(hashes_of_model(model)), sorted(config.items()), version, processor_kind(), _FORM]
        return cls(folder or default_cache_folder() / "compiled", _digest(facts))

    @property
    def any_kept(self) -> bool:
        """Whether there is one, so that the model was read whole, looked at and compiled before, as it is now."""
        return any(self.folder.glob(f"{self.digest}-*{_ENDING}"))

    def place(self, shapes: Mapping[str, tuple[int, ...]]) -> CompiledPlace:
        """Where the one for these shapes is kept."""
        return CompiledPlace(self.folder / f"{self.digest}-{_digest(sorted(shapes.items()))}{_ENDING}")


def _digest(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class CompiledPlace:
    """Where a compiled form is kept."""

    file: Path

    def load(self) -> bytes | None:
        """Read what is kept; None if there is nothing, or something that is damaged, which OpenVINO might not see."""
        with suppress(OSError):
            kept = self.file.read_bytes()
            if hashlib.sha256(kept[_HASH_BYTES:]).digest() == kept[:_HASH_BYTES]:
                with suppress(OSError):
                    self.file.touch()  # when it was used last
                return kept[_HASH_BYTES:]
        return None

    def save(self, compiled: bytes) -> None:
        """Keep a compiled form and make room for it; where that cannot be, the next run compiles again."""
        if len(compiled) > MOST_BYTES // 4:
            return
        with suppress(CoconetError, OSError):
            make_folder(self.file.parent)
            with whole_file(self.file, durable=False) as scratch:
                scratch.write_bytes(hashlib.sha256(compiled).digest() + compiled)
            _make_room(self.file.parent)


def _make_room(folder: Path) -> None:
    """Remove what was used longest ago until the rest fits; another process may do the same at the same time."""
    kept = []
    for file in folder.glob(f"*{_ENDING}"):
        with suppress(OSError):
            facts = file.stat()
            kept.append((facts.st_mtime_ns, facts.st_size, file))
    taken = 0
    for _, size, file in sorted(kept, reverse=True):
        taken += size
        if taken > MOST_BYTES:
            with suppress(OSError):
                file.unlink()
