"""A pick: what was found fastest for a model, a size and a machine, and the file that remembers it."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import ValidationError

from coconet.cards.onnx_weights import hashes_of_model
from coconet.config import Checked
from coconet.errors import CoconetError
from coconet.files import make_folder, whole_file
from coconet.installation.processor import processor_kind, usable_cores
from coconet.runtime.cache_folder import default_cache_folder
from coconet.runtime.picking.candidate import Candidate, CandidateKind

_PACKAGES = ("coconet-edge", "onnxruntime", "onnxruntime-gpu", "openvino", "torch")

_FORM = 4  # of what our own code makes of graphs; another number, and everything is measured again


class TrialRow(Checked):
    """How a candidate did. model: its file's name. ratio: its time as a multiple of the reference's; None if untimed.

    psnr_db: the worst of its pictures against the reference's; None for equal ones. refused: why it is out; empty if
    it is not.
    """

    model: str
    kind: CandidateKind
    ratio: float | None = None
    psnr_db: float | None = None
    refused: str = ""


class Pick(Checked):
    """The fastest candidate, and all that were tried, the reference first.

    date: ISO 8601. reference_ms: the reference's median. pairs: on how many pictures were compared.
    """

    model: str
    kind: CandidateKind
    size_px: tuple[int, int]
    processor: str
    cores: int
    date: str
    reference_ms: float
    pairs: int = 1
    rows: tuple[TrialRow, ...]

    @property
    def ratio(self) -> float:
        """The time of the pick as a multiple of the reference's."""
        return next((row.ratio or 1.0 for row in self.rows if (row.model, row.kind) == (self.model, self.kind)), 1.0)

    def among(self, candidates: list[Candidate]) -> Candidate | None:
        """The candidate that was picked; None if it is not there any more."""
        found = (one for one in candidates if (one.path.name, one.kind) == (self.model, self.kind))
        return next(found, None)


@dataclass(frozen=True)
class PickPlace:
    """Where the pick for some candidates and a frame size is kept.

    It depends on everything that decides: the model files with the weights beside them, the versions of what runs them,
    processor and cores.
    """

    folder: Path
    digest: str

    @classmethod
    def of(cls, candidates: list[Candidate], shape: tuple[int, ...], folder: Path | None = None) -> PickPlace:
        """Name the place; shape: (H, W, C) of the visible frame. Raises CoconetError for a model that is not there."""
        paths = dict.fromkeys(one.path for one in candidates)
        facts = {
            "files": [one for path in paths for one in hashes_of_model(path)],
            "kinds": [one.kind for one in candidates],
            "shape": shape,
            "processor": processor_kind(),
            "cores": len(usable_cores()),
            "packages": [_version(name) for name in _PACKAGES],
            "form": _FORM,
        }
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return cls(folder or default_cache_folder() / "picks", digest)

    @property
    def file(self) -> Path:
        """The file of the pick."""
        return self.folder / f"{self.digest[:32]}.json"

    def load(self) -> Pick | None:
        """Read what is remembered; None if there is nothing, or nothing that can be read."""
        with suppress(OSError, ValidationError, ValueError):
            return Pick.model_validate_json(self.file.read_bytes())
        return None

    def save(self, pick: Pick) -> str:
        """Remember a pick; gives why it could not be, which costs no more than measuring again."""
        try:
            make_folder(self.folder)
            with whole_file(self.file) as scratch:
                scratch.write_text(pick.model_dump_json(indent=1))
        except CoconetError as error:
            return str(error)
        return ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
