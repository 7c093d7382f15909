"""What an engine follows from: equal keys mean equal engines, and unequal ones say what is different."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coconet.engine_card import BuildOptions, EngineCard, Flavour
from coconet.errors import CoconetError

BUILD_AGAIN = "Build it again on this device with coconet build."


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


@dataclass(frozen=True)
class EngineHost:
    """Where an engine is to run: TensorRT's kind and version, the GPU's compute capability (`sm87`) and its name."""

    flavour: Flavour
    version: str
    sm: str
    device: str


def require_fit(engine: Path, card: EngineCard, host: EngineHost) -> None:
    """Raise CoconetError, before an engine is deserialised, where the host is not what it was built for.

    TensorRT itself ends a wrong engine with a message about serialisation tags at best, and a crash at worst.
    """
    wrong = None
    if (card.flavour, card.tensorrt_version) != (host.flavour, host.version):
        wrong = (
            f"an engine of {host.flavour} {host.version}",
            f"one of {card.flavour} {card.tensorrt_version}",
        )
    elif host.sm not in card.targets:
        wrong = (
            f"an engine for this GPU, {_gpus((host.sm,), host.device)}",
            f"one for {_gpus(card.targets, card.device)}",
        )
    elif card.device not in (None, host.device):
        wrong = (f"an engine built on {host.device}", f"one built on {card.device}")
    if wrong is not None:
        raise CoconetError(engine, wanted=wrong[0], got=wrong[1], remedy=BUILD_AGAIN)


def _gpus(targets: tuple[str, ...], device: str | None) -> str:
    names = ", ".join(targets)
    return names if device is None else f"{device} ({names})"
