"""An entry of a benchmark, which is one line of it: a model, and what runs it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from coconet.cards.onnx_weights import hashes_of_model
from coconet.cards.precision import EXPORTED
from coconet.errors import CoconetError
from coconet.model_endings import CHECKPOINT_SUFFIXES
from coconet.model_names import CHECKPOINTS, model_labels, model_path, shipped_checkpoint
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.choice import choose_backend
from coconet.runtime.backends.open_backend import open_backend, open_choice
from coconet.runtime.backends.tensorrt.ring_options import RingOptions

NARROW = {record.asked_by: record for record in EXPORTED if record.asked_by is not None}
"""Runner to the precision that PyTorch runs a checkpoint in."""

RINGS = {
    "zero-copy": RingOptions(zero_copy=True),
    "no-graph": RingOptions(graph=False),
    "spin": RingOptions(spin=True),
}
"""Runner to the way in which frames travel through an engine, which is a choice for each device to measure."""

RUNNERS = ("auto", "ort", "ort-cuda", "openvino", "compile", *NARROW, *RINGS)
"""`auto`: what `open_backend` takes for the file. `ort`, `ort-cuda`, `openvino`: the backend it is asked for, for ONNX.
`compile`, and those of NARROW such as `half`: PyTorch's compiler, and its narrower precisions. Those of RINGS are for
engines."""


@dataclass(frozen=True)
class Entry:
    """A model and what is to run it; written `lite`, `lite.onnx@auto` or `coconet@compile`.

    model: what `coconet run --model` takes, or the bare file name of shipped weights. label: its name in reports.
    """

    model: str
    runner: str = "auto"
    label: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: str) -> Entry:
        """Read `model` or `model@runner`; an @ that no known runner follows belongs to the path."""
        found = re.fullmatch(rf"(.+)@({'|'.join(RUNNERS)})", text)
        return cls(found[1], found[2]) if found else cls(text)

    def open(self) -> Backend:
        """Load the model. Raises CoconetError if this runner cannot."""
        if self.runner in RINGS:
            return open_choice(replace(choose_backend(self.path), ring=RINGS[self.runner]))
        if self.runner not in ("compile", *NARROW):
            return open_backend(self.path, self.runner)
        path = self.resolved
        if path.suffix not in CHECKPOINT_SUFFIXES:
            raise CoconetError(
                f"{self.model}@{self.runner}",
                wanted=f"a checkpoint, which ends in {', '.join(CHECKPOINT_SUFFIXES)}",
                got=path.suffix or "a word that is none",
                remedy=f"Name the weights for @{self.runner}, such as coconet@{self.runner}.",
                says=f"has no checkpoint for {self.runner}: a checkpoint ends in {', '.join(CHECKPOINT_SUFFIXES)}",
            )
        from coconet.benchmarks.latency.torch_peers import CompiledBackend, NarrowBackend

        return CompiledBackend(path) if self.runner == "compile" else NarrowBackend(path, NARROW[self.runner])

    @property
    def path(self) -> str:
        """What to open: shipped weights by their bare file name too, unless such a file lies here."""
        shipped = {name: word for word, name in CHECKPOINTS.items()}
        here = model_path(self.model)
        if self.model in shipped and not here.exists():
            return str(shipped_checkpoint(shipped[self.model]))
        if self.model in CHECKPOINTS and self.runner in ("compile", *NARROW):  # PyTorch runs no ONNX file
            return str(shipped_checkpoint(self.model))
        return self.model

    @property
    def resolved(self) -> Path:
        """The model's file; a path that does not exist for a baseline, which has none."""
        return model_path(self.path)

    def file_sha256(self) -> str:
        """The SHA-256 of the model file; if weights lie beside its graph, that of all their hashes; "" of a baseline.

        Raises Refused for weights that are not there.
        """
        path = self.resolved
        hashes = hashes_of_model(path) if path.is_file() else [""]
        return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def label_entries(entries: Sequence[Entry]) -> list[Entry]:
    """The entries with labels that tell them apart; the second of two equal ones gets `#2`, to compare it with itself.

    Raises CoconetError for none at all.
    """
    if not entries:
        raise CoconetError(
            "models",
            wanted="one or more",
            got="none",
            remedy="Name a model, such as lite.",
            says="are missing: none was named",
        )
    seen: dict[str, int] = {}
    named = []
    for entry, short in zip(entries, model_labels([entry.model for entry in entries]), strict=True):
        label = short if entry.runner == "auto" else f"{short}@{entry.runner}"
        seen[label] = seen.get(label, 0) + 1
        named.append(Entry(entry.model, entry.runner, label if seen[label] == 1 else f"{label}#{seen[label]}"))
    return named
