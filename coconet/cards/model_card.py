"""The model card: what a fusion network takes and gives, and the thermal front end its frames came through."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from coconet.cards.json_fault import json_fault
from coconet.cards.precision import PRECISIONS, PrecisionName, labels
from coconet.cards.tiling import KNOWN, Tiling
from coconet.errors import CoconetError
from coconet.media.luma_weights import BGR_WEIGHTS


@dataclass(frozen=True)
class FrontEnd:
    """What was done to infrared pictures before a model saw them.

    raw_counts: whether they were 14 or 16 bit counts, stretched as the next five say; 8 bit pictures are not.
    agc_percentiles, agc_time_constant_s, contrast, plateau_percent, mend_dead_pixels: as in the rig file.
    black_hot: whether they were inverted. range_of: whose pixels counts were stretched by: `each`, `all`, `follow` (a
    video's AGC), or LOW..HIGH; empty if they were no counts, and in cards from before this was noted. no_data:
    values that were taken for holes, beside the usual ones. palette: the colours they were turned back from, if any.
    emissivity, distance_m: what the camera of radiometric pictures was set to; None for others.
    """

    raw_counts: bool = False
    agc_percentiles: tuple[float, float] = (0.5, 99.5)
    agc_time_constant_s: float = 0.5
    contrast: str = "linear"
    plateau_percent: float = 1.0
    mend_dead_pixels: bool = False
    black_hot: bool = False
    range_of: str = ""
    no_data: tuple[float, ...] = ()
    palette: str = ""
    emissivity: float | None = None
    distance_m: float | None = None

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> FrontEnd:
        """Rebuild it from `dataclasses.asdict` output or parsed JSON."""
        low, high = fields["agc_percentiles"]
        no_data = tuple(float(value) for value in fields.get("no_data", ()))
        return cls(**{**fields, "agc_percentiles": (float(low), float(high)), "no_data": no_data})

    def unlike(self, calibrated: FrontEnd) -> list[str]:
        """Say where this one differs from a model's in what shows in pictures, a phrase for each key."""
        keys = [
            field.name for field in dataclasses.fields(self) if self._shows(field.name) or calibrated._shows(field.name)
        ]
        if self.raw_counts != calibrated.raw_counts:
            keys = [
                "raw_counts",
                "black_hot",
                "palette",
            ]  # how counts are stretched says nothing about pictures that are not
        pairs = ((key, getattr(self, key), getattr(calibrated, key)) for key in keys)
        return [
            f"{key} = {_value(here)} (calibrated with {_value(there)})" for key, here, there in pairs if here != there
        ]

    def _shows(self, key: str) -> bool:
        if key in ("raw_counts", "black_hot", "palette"):
            return True
        if key in ("emissivity", "distance_m"):  # a note: what was measured, and not what was done to it
            return False
        if key == "range_of":  # from one scene or from those before it, the limits lie alike
            return self.range_of not in ("", "each", "follow")
        return self.raw_counts and (key != "plateau_percent" or self.contrast == "plateau")


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value)


VISIBLE = "visible"

INFRARED = "infrared"

WARP = "warp"
"""The third input of a model of the form `warped`: where the visible pixels lie in the infrared picture."""

FUSED = "fused"

CARD_KEY = "coconet_edge.card"
"""The ONNX metadata key under which a model keeps its card, as JSON."""

LUMA_RULE = "Y = {2} R + {1} G + {0} B is fused, and the visible chroma follows its ratio (BT.601, full range)".format(
    *BGR_WEIGHTS
)

Form = Literal["camera", "bare", "warped"]
"""Bytes in and out; floats in and out; bytes, with the alignment as a third input."""

Normalization = Literal["none", "running", "image"]


@dataclass(frozen=True)
class Signature:
    """What a network core takes: two (B, 1, H, W) float tensors, visible first, and gives: one of the same shape.

    input_range: the values that 0 and 255 are mapped to before the network.
    output_range: the values the network gives for 0 and 255.
    side_multiple: height and width are padded to a multiple of this many pixels.
    normalization: `running` for BatchNorm with stored statistics, `image` for statistics of the picture at hand
        (the published CoCoNet checkpoint), `none` for networks without such layers.
    stretch: whether every fused picture is stretched from its own darkest and brightest value to 0 and 255, as many
        published pictures were; on video it flickers.
    tiling: how a large picture may be fused in parts; None if a pixel depends on the whole picture, or on nobody
        knows how much of it.
    """

    input_range: tuple[float, float] = (0.0, 1.0)
    output_range: tuple[float, float] = (0.0, 1.0)
    side_multiple: int = 1
    normalization: Normalization = "none"
    stretch: bool = False
    tiling: Tiling | None = None

    def __post_init__(self) -> None:
        for name in ("input_range", "output_range"):
            low, high = getattr(self, name)
            if not low < high:
                raise _bad_card(name, "a low and a higher value", f"{low} and {high}")
        if self.side_multiple != 1 and (self.side_multiple < 2 or self.side_multiple % 2):
            raise _bad_card("side_multiple", "1 or a positive even number of pixels", str(self.side_multiple))
        if self.normalization not in get_args(Normalization):
            raise _bad_card("normalization", " or ".join(get_args(Normalization)), repr(self.normalization))


Order = Literal["visible,infrared", "infrared,visible", "either"]

Padding = Literal["zeros", "reflection", "edge", "mirrored strip"]


@dataclass(frozen=True)
class Publication:
    """What a signature does not say of how the authors of a network feed it and read it; the graph has it built in.

    order: of the two images inside the network; `either` where swapping them changes nothing.
    padding: what stands around the picture: zeros, its reflection with or without (`mirrored strip` at the right and
        bottom) its edge pixels once, or its edge pixels repeated.
    colour: what the authors do with it. fusion_rule: how features are joined; empty if learnt layers do that.
    stretched: whether the pictures they published were stretched one by one, as `Signature.stretch` does.
    """

    order: Order
    padding: Padding
    colour: str = "gray only"
    fusion_rule: str = ""
    stretched: bool = False


@dataclass(frozen=True)
class CalibrationRecord:
    """Where the INT8 ranges of a model came from.

    frames: how many frame pairs were read. frames_sha256: a hash over their pixels, in order.
    method: how a range was chosen from the histogram, for example `percentile 99.99`.
    front_end: what the infrared frames went through; None on models from before this was noted.
    """

    frames: int
    frames_sha256: str
    method: str
    front_end: FrontEnd | None = None

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> CalibrationRecord:
        """Rebuild a record from `dataclasses.asdict` output or parsed JSON."""
        front_end = fields.get("front_end")
        return cls(**{**fields, "front_end": None if front_end is None else FrontEnd.from_dict(front_end)})


@dataclass(frozen=True)
class ModelCard:
    """What made a model file and what it expects; JSON in the ONNX metadata and beside an engine.

    network: the network's name, `coconet`, `lite` or a module path. weights_sha256: hash of the checkpoint file.
    visible_channels: 3 (BGR) or 1 (gray). height_px, width_px: the frame size, None if more than one is taken.
    smallest_px, largest_px: the ends of these sizes as (height, width); None for any size.
    batch: how many pairs it takes at once. form: `camera` for bytes in (B, H, W, C), `warped` for the same
        with the alignment as a third input and infrared of any size, or `bare` for floats in (B, 1, H, W) with the
        values of the signature, which our runtime does not run.
    publication: of a network that runs with its authors' weights.
    """

    network: str
    precision: PrecisionName
    weights_sha256: str
    signature: Signature = Signature()
    visible_channels: int = 3
    height_px: int | None = None
    width_px: int | None = None
    luma_rule: str = LUMA_RULE
    calibration: CalibrationRecord | None = None
    smallest_px: tuple[int, int] | None = None
    largest_px: tuple[int, int] | None = None
    batch: int = 1
    form: Form = "camera"
    publication: Publication | None = None

    def __post_init__(self) -> None:
        if self.visible_channels not in (1, 3):
            raise _bad_card("visible_channels", "1 (gray) or 3 (BGR)", str(self.visible_channels))
        if self.precision not in PRECISIONS:
            raise _bad_card("precision", " or ".join(PRECISIONS), repr(self.precision))
        if PRECISIONS[self.precision].calibrated != (self.calibration is not None):
            integers = labels(tuple(record for record in PRECISIONS.values() if record.calibrated), "and")
            wanted = f"a calibration record on {integers} models and on no others"
            says = (
                "is missing"
                if self.calibration is None
                else f"does not belong on a model of precision {self.precision}"
            )
            raise _bad_card("calibration", wanted, self.precision, says)
        if (self.smallest_px is None) != (self.largest_px is None):
            got, says = f"{self.smallest_px} and {self.largest_px}", "go together, but one is missing"
            raise _bad_card("smallest_px and largest_px", "both or neither", got, says)
        if self.batch < 1:
            raise _bad_card("batch", "1 or more", str(self.batch))
        if self.form not in get_args(Form):
            raise _bad_card("form", " or ".join(get_args(Form)), repr(self.form))

    @property
    def tiling(self) -> Tiling | None:
        """How frames may be fused in parts; None if they may not, as their answer hangs together as a whole."""
        whole = self.signature.stretch or self.signature.normalization == "image" or self.form != "camera"
        return None if whole or self.batch > 1 else self.signature.tiling

    @property
    def input_depths(self) -> dict[str, int]:
        """The inputs by name, each with the size of its last axis; the warp, which has x and y, is float32."""
        depths = {VISIBLE: self.visible_channels, INFRARED: 1}
        return {**depths, WARP: 2} if self.form == "warped" else depths

    def size_within(self, height_px: int, width_px: int) -> tuple[int, int]:
        """The size nearest to this one, as (height, width), that the model takes."""
        sides = ((self.height_px, height_px), (self.width_px, width_px))
        low, high = self.smallest_px or (1, 1), self.largest_px or (height_px, width_px)
        height, width = (
            fixed or max(least, min(side, most)) for (fixed, side), least, most in zip(sides, low, high, strict=True)
        )
        return height, width

    def to_json(self) -> str:
        """The card as one line of JSON, keys in a fixed order."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str, where: object) -> ModelCard:
        """Read a card; `where` names the file in errors. Raises CoconetError for anything that is not a card."""
        try:
            return cls.from_dict(json.loads(text))
        except (TypeError, KeyError, ValueError, AttributeError, RecursionError) as error:
            raise CoconetError(
                where,
                wanted="a model card as JSON",
                got=json_fault(error),
                remedy="Export the model again with coconet export.",
                says=f"has a model card that cannot be read: it {json_fault(error)}",
            ) from error

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> ModelCard:
        """Rebuild a card from `dataclasses.asdict` output or parsed JSON."""
        signature = dict(fields["signature"])
        for name in ("input_range", "output_range"):
            low, high = signature[name]
            signature[name] = (float(low), float(high))
        known = KNOWN.get(fields["network"])
        tiling = signature.get("tiling", None if known is None else dataclasses.asdict(known))
        signature["tiling"] = None if tiling is None else Tiling(**tiling)
        record, publication = fields["calibration"], fields.get("publication")
        ends = {name: tuple(fields[name]) for name in ("smallest_px", "largest_px") if fields.get(name)}
        return cls(
            **{
                **fields,
                **ends,
                "signature": Signature(**signature),
                "calibration": None if record is None else CalibrationRecord.from_dict(record),
                "publication": None if publication is None else Publication(**publication),
            }
        )


def card_from_metadata(metadata: Mapping[str, str], where: object) -> ModelCard:
    """Find and read the card in an ONNX file's metadata. Raises CoconetError if the model is not ours."""
    if CARD_KEY not in metadata:
        raise CoconetError(
            where,
            wanted="a camera-ready model with its card",
            got="an ONNX model without a card, so not made by coconet-edge",
            remedy="Export the model with coconet export first.",
            says="has no model card, so it was not made by coconet-edge",
        )
    return ModelCard.from_json(metadata[CARD_KEY], where)


def _bad_card(field: str, wanted: str, got: str, says: str = "") -> CoconetError:
    return CoconetError(
        f"model card, {field}",
        wanted=wanted,
        got=got,
        remedy="Export the model again with coconet export.",
        says=says or f"must be {wanted}, not {got}",
    )
