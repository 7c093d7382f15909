"""The public API as a typed program uses it; type checkers read this, nothing runs it."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

import coconet
from coconet import FusionModel, ModelCard, PairStream, Rig, RunReport, load


def fuse_two(visible: NDArray[np.uint8], infrared: NDArray[np.uint8]) -> NDArray[np.uint8]:
    with load(Path("model.onnx"), backend="ort") as fuse:
        assert_type(fuse, FusionModel)
        assert_type(fuse.card, ModelCard)
        return fuse(visible, infrared)


def iterate(rig: Rig) -> list[int]:
    with coconet.open_rig("rig.toml") as pairs:
        assert_type(pairs, PairStream)
    with coconet.open_pairs(rig, align=False, patient=True) as pairs:
        return [pair.skew_ns for pair in pairs if "visible" not in pair.missing]


def run(rig: Rig, fuse: FusionModel, stop: Event) -> RunReport:
    shown: list[float] = []

    def show(frame: coconet.FusedFrame) -> None:
        shown.append(frame.latency_ms)

    def hear(event: coconet.AlarmEvent) -> None:
        shown.append(0.0 if event.value is None else event.value)

    pairs = coconet.open_pairs(rig)
    return coconet.run(pairs, fuse, out="fused.mp4", on_frame=show, stop=stop, on_alarm=hear, look={"show": "edges"})


class Lens:
    def read(self) -> NDArray[np.uint16]:
        return np.zeros((48, 64), np.uint16)


def pair_own(rig: Rig) -> PairStream:
    pushed = coconet.PushedCamera("color")
    pushed.push(np.zeros((48, 64, 3), np.uint8), timestamp_ns=1)
    return coconet.pair_cameras(pushed, Lens(), rig, align=False)


def describe(picture: NDArray[np.uint8]) -> tuple[float, str, tuple[str, ...]]:
    try:
        scores = coconet.score(picture, picture, picture)
        return scores.VIF, coconet.read_card("lite").network, coconet.read_engine_card("model.engine").targets
    except coconet.MissingPackage as missing:
        raise SystemExit(missing.exit_code) from missing
    except coconet.CoconetError as error:
        assert_type((error.where, error.wanted, error.got, error.remedy), tuple[str, str, str, str])
        raise


def misuse(picture: NDArray[np.float64], fuse: FusionModel) -> None:
    """Mistakes that a type checker has to find: an ignore that nothing needs is an error of its own."""
    fuse(picture, picture)  # type: ignore[arg-type]
    fuse("day.png", "night.png")  # type: ignore[arg-type]
    coconet.pair_cameras("day.mp4", "night.mp4")  # type: ignore[arg-type]
    coconet.load(3)  # type: ignore[arg-type]
    coconet.load("lite", "ort")  # type: ignore[call-arg]
    coconet.open_rig(Rig.from_addresses("day.mp4", "night.mp4"))  # type: ignore[arg-type]
    coconet.lode("lite")  # type: ignore[attr-defined]
