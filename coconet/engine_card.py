"""What built a TensorRT engine and for which GPUs: the card that lies beside the engine file."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from coconet.errors import CoconetError
from coconet.files import existing_file, sha256_of
from coconet.signature import ModelCard

ENGINE_SUFFIX = ".engine"

Flavour = Literal["tensorrt", "tensorrt_rtx"]
"""`tensorrt` builds for the device it runs on, `tensorrt_rtx` (TensorRT for RTX) on any machine for GPUs it is told."""


@dataclass(frozen=True)
class FrameSize:
    """The size of a frame; written as `480x640`, height first."""

    height_px: int
    width_px: int

    def __post_init__(self) -> None:
        if min(self.height_px, self.width_px) < 1:
            raise _bad_option("frame size", "1 or more pixels a side", str(self))

    def __str__(self) -> str:
        return f"{self.height_px}x{self.width_px}"

    @classmethod
    def parse(cls, text: str) -> FrameSize:
        """Read `480x640` as 480 pixels high and 640 wide."""
        found = re.fullmatch(r"(\d+)x(\d+)", text)
        if found is None:
            raise _bad_option("frame size", "HEIGHTxWIDTH in pixels, such as 480x640", repr(text))
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True)
class SizeRange:
    """The frame sizes a graph takes; written as `256x320..1024x1280`."""

    minimum: FrameSize
    maximum: FrameSize

    def __post_init__(self) -> None:
        low, high = self.minimum, self.maximum
        if low == high or low.height_px > high.height_px or low.width_px > high.width_px:
            raise _bad_option("size range", "a smaller and a larger frame size", str(self))

    def __str__(self) -> str:
        return f"{self.minimum}..{self.maximum}"

    @classmethod
    def parse(cls, text: str) -> SizeRange:
        """Read `256x320..1024x1280`, the smaller size first."""
        ends = text.split("..")
        if len(ends) != 2:
            raise _bad_option("size range", "two sizes in pixels, such as 256x320..1024x1280", repr(text))
        return cls(*(FrameSize.parse(end) for end in ends))


@dataclass(frozen=True)
class SizeProfile:
    """The frame sizes an engine takes (TensorRT's optimisation profile): any between two, fastest at a third."""

    minimum: FrameSize
    optimum: FrameSize
    maximum: FrameSize

    def __post_init__(self) -> None:
        for side in ("height_px", "width_px"):
            low, middle, high = (getattr(size, side) for size in (self.minimum, self.optimum, self.maximum))
            if not low <= middle <= high:
                raise _bad_option("size profile", "minimum <= optimum <= maximum on both sides", str(self))

    def __str__(self) -> str:
        return f"{self.minimum} to {self.maximum}, best at {self.optimum}"


@dataclass(frozen=True)
class BuildOptions:
    """How an engine is built.

    gpus: GPUs by compute capability, such as `sm86`, for TensorRT for RTX; empty for the TensorRT of this device.
    profile: the frame sizes of a model that takes any; None for a model of one size.
    workspace_mib: the most scratch memory a layer may use; None leaves it to TensorRT.
    optimization_level: 0 (quick build) to 5 (fast engine); None leaves it to TensorRT.
    """

    gpus: tuple[str, ...] = ()
    profile: SizeProfile | None = None
    workspace_mib: int | None = None
    optimization_level: int | None = None

    def __post_init__(self) -> None:
        for gpu in self.gpus:
            if re.fullmatch(r"sm\d{2,3}", gpu) is None:
                raise _bad_option("GPU", "sm and the compute capability, such as sm86", repr(gpu))
        if self.workspace_mib is not None and self.workspace_mib < 1:
            raise _bad_option("workspace", "1 MiB or more", f"{self.workspace_mib} MiB")
        if self.optimization_level not in (None, *range(6)):
            raise _bad_option("optimisation level", "0 to 5", str(self.optimization_level))


@dataclass(frozen=True)
class EngineCard:
    """What an engine was built from, by what and for what; JSON beside the engine.

    model: the card of the ONNX model, whose file has the hash onnx_sha256.
    targets: the compute capabilities it runs on, such as `sm86`.
    device: the name of the GPU it was built on, and is good for; None where it was built without one.
    """

    model: ModelCard
    onnx_sha256: str
    engine_sha256: str
    flavour: Flavour
    tensorrt_version: str
    targets: tuple[str, ...]
    device: str | None
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
                    "options": _options(fields["options"]),
                }
            )
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise CoconetError(
                where,
                wanted="an engine card as JSON",
                got=str(error),
                remedy="Build the engine again with coconet build.",
            ) from error


def card_path(engine: Path) -> Path:
    """Where the card of an engine lies: `model.engine.json` beside `model.engine`."""
    return engine.with_name(engine.name + ".json")


def read_engine_card(engine: Path) -> EngineCard:
    """Read the card beside an engine. Raises CoconetError where it is missing, unreadable or of another engine."""
    existing_file(engine, "a TensorRT engine")
    path = existing_file(card_path(engine), f"the card of {engine.name}, which coconet build writes beside it")
    card = EngineCard.from_json(path.read_text(encoding="utf-8", errors="replace"), path)
    found = sha256_of(engine)
    if found != card.engine_sha256:
        raise CoconetError(
            path,
            wanted=f"the card of an engine with SHA-256 {found[:12]}",
            got=f"the card of {card.engine_sha256[:12]}",
            remedy="Copy engine and card together, or build the engine again with coconet build.",
        )
    return card


def _options(fields: Mapping[str, Any]) -> BuildOptions:
    profile = fields["profile"]
    sizes = None if profile is None else SizeProfile(**{name: FrameSize(**size) for name, size in profile.items()})
    return BuildOptions(**{**fields, "gpus": tuple(fields["gpus"]), "profile": sizes})


def _bad_option(name: str, wanted: str, got: str) -> CoconetError:
    return CoconetError(name, wanted=wanted, got=got, remedy="See coconet build --help.")
