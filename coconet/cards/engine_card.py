"""The engine card: what a TensorRT engine was built by, from what and for which GPUs, and the key that follows."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.cards.json_fault import json_fault
from coconet.cards.model_card import ModelCard
from coconet.cards.plan_header import plan_origin
from coconet.errors import CoconetError, ExitCode, ending_with
from coconet.files import existing_file, sha256_of
from coconet.media.naming.mistaken_file import mistaken_file

Flavour = Literal["tensorrt", "tensorrt_rtx"]
"""`tensorrt` builds for the device it runs on, `tensorrt_rtx` (TensorRT for RTX) on any machine for GPUs it is told."""


@dataclass(frozen=True)
class DeviceIdentity:
    """The GPU that an engine was built on: the driver's name of it, how many multiprocessors, and the board it sits on.

    All of it, because boards share names and compute capabilities. board: empty for a card in a slot.
    """

    name: str
    multiprocessors: int = 0
    board: str = ""

    def __str__(self) -> str:
        more = [f"{self.multiprocessors} SMs"] if self.multiprocessors else []
        more += [self.board] if self.board else []
        return f"{self.name} ({', '.join(more)})" if more else self.name


@dataclass(frozen=True)
class BuildOptions:
    """How an engine is built.

    gpus: GPUs by compute capability, such as `sm86`, for TensorRT for RTX; empty for the TensorRT of this device.
    profile: the frame sizes of a model that takes any; None for a model of one size.
    workspace_mib: the most scratch memory a layer may use; None leaves it to TensorRT.
    optimization_level: 0 (quick build) to 5 (fast engine); None leaves it to TensorRT.
    version_compatible: later versions of TensorRT run it too, more slowly. same_compute_capability: other boards whose
    GPU has the same compute capability run it too, more slowly. layers: it can tell of its layers in detail.
    """

    gpus: tuple[str, ...] = ()
    profile: SizeProfile | None = None
    workspace_mib: int | None = None
    optimization_level: int | None = None
    version_compatible: bool = False
    same_compute_capability: bool = False
    layers: bool = False

    def __post_init__(self) -> None:
        for gpu in self.gpus:
            if re.fullmatch(r"sm\d{2,3}", gpu) is None:
                raise _bad_build("GPU", "sm and the compute capability, such as sm86", repr(gpu))
        if self.workspace_mib is not None and self.workspace_mib < 1:
            raise _bad_build("workspace", "1 MiB or more", f"{self.workspace_mib} MiB")
        if self.optimization_level not in (None, *range(6)):
            raise _bad_build("optimisation level", "0 to 5", str(self.optimization_level))


def _bad_build(name: str, wanted: str, got: str) -> CoconetError:
    return CoconetError(
        name, wanted=wanted, got=got, remedy="See coconet build --help.", says=f"must be {wanted}, not {got}"
    )


@dataclass(frozen=True)
class EngineCard:
    """What an engine was built from, by what and for what; JSON beside the engine.

    model: the card of the ONNX model, whose file has the hash onnx_sha256.
    targets: the compute capabilities it runs on, such as `sm86`.
    device: the GPU it was built on, and is good for; None if it was built without one.
    """

    model: ModelCard
    onnx_sha256: str
    engine_sha256: str
    flavour: Flavour
    tensorrt_version: str
    targets: tuple[str, ...]
    device: DeviceIdentity | None
    options: BuildOptions

    def to_json(self) -> str:
        """Write the card as one line of JSON, keys in a fixed order."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str, where: object) -> EngineCard:
        """Read a card; `where` names the file in errors. Raises CoconetError for anything that is not a card."""
        try:
            fields = json.loads(text)
            return cls(
                **{
                    **fields,
                    "model": ModelCard.from_dict(fields["model"]),
                    "targets": tuple(fields["targets"]),
                    "device": None if fields["device"] is None else DeviceIdentity(**fields["device"]),
                    "options": _options(fields["options"]),
                }
            )
        except (TypeError, KeyError, ValueError, AttributeError, RecursionError) as error:
            raise CoconetError(
                where,
                wanted="an engine card as JSON",
                got=json_fault(error),
                remedy="Build the engine again with coconet build.",
                says=f"is not an engine card: it {json_fault(error)}",
            ) from error


def card_path(engine: Path) -> Path:
    """Where the card of an engine lies: `model.engine.json` beside `model.engine`."""
    return engine.with_name(engine.name + ".json")


_AGAIN = "Copy engine and card together, or build the engine again with coconet build."


@ending_with(ExitCode.MODEL)
def read_engine_card(engine: Path) -> EngineCard:
    """Read the card beside an engine. Raises CoconetError if it is missing, unreadable or of another engine."""
    existing_file(engine, "a TensorRT engine")
    mistaken = None if card_path(engine).exists() else mistaken_file(engine, "engine", _AGAIN)
    if mistaken is not None:
        got, remedy = mistaken
        says = f"is {got}; expected a TensorRT engine"
        raise CoconetError(engine, wanted="a TensorRT engine", got=got, remedy=remedy, says=says)
    path = existing_file(
        card_path(engine),
        f"the card of {engine.name} ({plan_origin(engine)}), which coconet build writes beside it",
        _AGAIN,
    )
    card = EngineCard.from_json(path.read_text(encoding="utf-8", errors="replace"), path)
    found = sha256_of(engine)
    if found != card.engine_sha256:
        raise CoconetError(
            path,
            wanted=f"the card of an engine with SHA-256 {found[:12]} ({plan_origin(engine)})",
            got=f"the card of {card.engine_sha256[:12]} ({card.flavour} {card.tensorrt_version})",
            remedy=_AGAIN,
            says=f"belongs to another engine ({card.engine_sha256[:12]}, {card.flavour} {card.tensorrt_version}) than "
            f"{engine.name} ({found[:12]}, {plan_origin(engine)})",
        )
    return card


def _options(fields: Mapping[str, Any]) -> BuildOptions:
    profile = fields["profile"]
    sizes = None if profile is None else SizeProfile(**{name: FrameSize(**size) for name, size in profile.items()})
    return BuildOptions(**{**fields, "gpus": tuple(fields["gpus"]), "profile": sizes})


@dataclass(frozen=True)
class BuildKey:
    """Everything that goes into a build; the fields are those of EngineCard.

    The precision, the ranges of INT8 and the layout are in the ONNX file, and so in its hash.
    """

    onnx_sha256: str
    flavour: Flavour
    tensorrt_version: str
    targets: tuple[str, ...]
    device: DeviceIdentity | None
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
            now = gpus_in_words(self.targets, self.device)
            yield f"it was for {gpus_in_words(old.targets, old.device)}, now for {now}"
        for field in dataclasses.fields(BuildOptions):
            before, now = getattr(old.options, field.name), getattr(self.options, field.name)
            if before != now and field.name != "gpus":
                yield f"{field.name} was {before}, now {now}"


def gpus_in_words(targets: tuple[str, ...], device: DeviceIdentity | None) -> str:
    """Say which GPUs an engine is for: `sm86, sm89`, or `Orin (8 SMs, ...), sm87`."""
    return ", ".join([*([] if device is None else [str(device)]), *targets])
