"""Precisions: one record for each, with everything in the package that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from coconet.errors import CoconetError, Refused, counted
from coconet.model_endings import ONNX_SUFFIX

PrecisionName = Literal["fp32", "fp16", "int8"]
"""As cards, file names and reports spell it. PRECISIONS holds the record of each."""

REFERENCE: PrecisionName = "fp32"
"""What networks are trained in, and what every other precision is compared with."""


@dataclass(frozen=True)
class ParityLimits:
    """What still counts as the same model. worst_psnr_db holds for every single frame; max_abs_error is in levels."""

    worst_psnr_db: float
    max_abs_error: int

    def __str__(self) -> str:
        largest = counted(self.max_abs_error, "level")
        return f"{self.worst_psnr_db:g} dB or more on every frame, errors of at most {largest}"


@dataclass(frozen=True)
class Precision:
    """What a network computes in, and what follows.

    word: its name in sentences. A precision that `coconet export` makes and that is not the REFERENCE is asked for by
        it too, as the option `--word` there and as the runner `@word` of `coconet bench`.
    limits: how far pictures may be from those of the reference. metric_change: the largest change of a fusion metric's
        mean, in either direction, as a share of the reference's.
    rate: multiply-accumulates that tensor cores do in it while they do one in FP32 (as TF32). The dense peak rates of
        NVIDIA's data sheets from Ampere on: INT8 has twice the rate of FP16, and FP16 that of TF32.
    torch_dtype: PyTorch's name of the type that an exported network runs in; None if export cannot make it.
    calibrated: its numbers are integers whose ranges `coconet calibrate` measured, and its card tells of that.
    strongly_typed: an engine computes in it only where TensorRT keeps the types of the graph.
    aim_psnr_db: what calibration asks of every frame of a calibrated model, unless told otherwise.
    marker, mark: in plots (Matplotlib's code) and in the legend beside them.
    """

    name: PrecisionName
    word: str
    limits: ParityLimits
    metric_change: float
    rate: float
    marker: str
    mark: str
    torch_dtype: str | None = None
    calibrated: bool = False
    strongly_typed: bool = True
    aim_psnr_db: float = 40.0

    @property
    def label(self) -> str:
        """What tables and sentences call it: `FP16`."""
        return self.name.upper()

    @property
    def asked_by(self) -> str | None:
        """The word of `--half` and `@half`; None if there is nothing to ask for."""
        return None if self.torch_dtype is None or self.name == REFERENCE else self.word

    def onnx_beside(self, model: Path) -> Path:
        """Where a graph made of `model` goes by itself: `lite.onnx` in the reference, else `lite.fp16.onnx`.

        Raises Refused for a name that is none of a file.
        """
        if not model.name:
            raise Refused(
                model,
                wanted="the name of a model",
                got="a folder",
                remedy="Name a file.",
                says="is a folder; expected the name of a model",
            )
        return model.with_suffix(ONNX_SUFFIX if self.name == REFERENCE else f".{self.name}{ONNX_SUFFIX}")

    def exported_dtype(self) -> str:
        """The torch_dtype. Raises CoconetError for a precision that no exported network runs in."""
        if self.torch_dtype is None:
            names = " or ".join(exported.name for exported in EXPORTED)
            raise CoconetError(
                "precision",
                wanted=names,
                got=self.name,
                remedy=f"Export {names} first, then make the {self.label} graph with coconet calibrate.",
                says=f"{self.name} cannot be exported directly",
            )
        return self.torch_dtype


_RECORDS = (
    Precision(
        name="fp32",
        word="single",
        # The same arithmetic in another order: a few samples land on the other side of a rounding step. Such pictures
        # are equal but for rounding, and so are their metrics.
        limits=ParityLimits(worst_psnr_db=55.0, max_abs_error=2),
        metric_change=0.005,
        rate=1.0,
        torch_dtype="float32",
        strongly_typed=False,
        marker="o",
        mark="●",
    ),
    Precision(
        name="fp16",
        word="half",
        # 11 bits of mantissa through a deep network: errors of a level, seldom a few.
        limits=ParityLimits(worst_psnr_db=45.0, max_abs_error=12),
        metric_change=0.02,
        rate=2.0,
        torch_dtype="float16",
        marker="s",
        mark="■",
    ),
    Precision(
        name="int8",
        word="8 bit",
        # 8 bits in every convolution. Below 35 dB the eye starts to see it; single samples on edges may be far off.
        limits=ParityLimits(worst_psnr_db=35.0, max_abs_error=96),
        # More than this would show in a table of results.
        metric_change=0.02,
        rate=4.0,
        calibrated=True,
        marker="D",
        mark="◆",
    ),
)

PRECISIONS: Mapping[PrecisionName, Precision] = MappingProxyType({record.name: record for record in _RECORDS})
"""Every precision by its name, from the widest to the narrowest."""

EXPORTED = tuple(record for record in _RECORDS if record.torch_dtype is not None)
"""Those that `coconet export` makes; `coconet calibrate` makes the others of them."""


def labels(of: tuple[Precision, ...], joined: str) -> str:
    """Enumerate precisions in a sentence: `FP32 or FP16`."""
    return f" {joined} ".join(record.label for record in of)
