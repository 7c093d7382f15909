"""What an engine follows from: equal keys mean equal engines, and unequal ones say what is different."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from coconet.engine_card import BuildOptions, EngineCard, Flavour


@dataclass(frozen=True)
class BuildKey:
    """Everything that goes into a build; the fields are those of EngineCard.

    The precision, the ranges of INT8 and the layout are in the ONNX file, and so in its hash.
    """

    onnx_sha256: str
    flavour: Flavour
    tensorrt_version: str
    targets: tuple[str, ...]
    device: str | None
    options: BuildOptions

    @classmethod
    def of(cls, card: EngineCard) -> BuildKey:
        """The key of an engine that was built."""
        return cls(**{field.name: getattr(card, field.name) for field in dataclasses.fields(cls)})

    def digest(self) -> str:
        """64 hexadecimal digits that name the engine."""
        return hashlib.sha256(json.dumps(dataclasses.asdict(self), sort_keys=True).encode()).hexdigest()

    def changes_since(self, old: BuildKey) -> str:
        """Say what is other than in an old key; an empty text for equal ones."""
        return "; ".join(self._changes(old))

    def _changes(self, old: BuildKey) -> Iterator[str]:
        if self.onnx_sha256 != old.onnx_sha256:
            yield f"the model has changed ({old.onnx_sha256[:12]} to {self.onnx_sha256[:12]})"
        if (self.flavour, self.tensorrt_version) != (old.flavour, old.tensorrt_version):
            yield f"{old.flavour} {old.tensorrt_version} built it, now it is {self.flavour} {self.tensorrt_version}"
        if (self.targets, self.device) != (old.targets, old.device):
            yield f"it was for {_gpus(old.targets, old.device)}, now for {_gpus(self.targets, self.device)}"
        for field in dataclasses.fields(BuildOptions):
            before, now = getattr(old.options, field.name), getattr(self.options, field.name)
            if before != now and field.name != "gpus":
                yield f"{field.name} was {before}, now {now}"


def _gpus(targets: tuple[str, ...], device: str | None) -> str:
    names = ", ".join(targets)
    return names if device is None else f"{device} ({names})"
