"""Usual mistakes in calls from Python: each is a sentence that names the argument, before anything is opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import coconet
from coconet.errors import CoconetError, ExitCode
from coconet.runtime.pairing.paired_captures import PairedCaptures

SYNTHETIC = "synthetic://?width=64&height=48&duration_s=0.1"
LEPTON = {"scheme": "lepton"}
COUNTS = np.full((8, 8), 29315, np.uint16)
API: Any = coconet
"""The same without its types, which a type checker would hold against these calls."""


def rig() -> coconet.Rig:
    return coconet.Rig.from_addresses(SYNTHETIC, SYNTHETIC)


def run(**wrong: object) -> object:
    with coconet.load("average") as fuse:
        return API.run(**{"pairs": coconet.open_pairs(rig()), "model": fuse, **wrong})


MISTAKES: dict[str, tuple[Callable[[], object], str]] = {
    "a rig file to run": (lambda: run(pairs="rig.toml"), r"^pairs: .* type str\. Open a rig first: coconet\.open_rig"),
    "a rig to run": (lambda: run(pairs=rig()), "^pairs: wanted the pairs of a rig that was opened"),
    "a word to run": (lambda: run(model="lite"), r"^model: .* type str\. Load it first: coconet\.load"),
    "a number as output": (lambda: run(out=3), "^out: wanted a path, or text, got a value of type int"),
    "no name as output": (lambda: run(out=""), "^out: wanted a path, or text, got an empty text"),
    "no function": (lambda: run(on_frame="print"), "^on_frame: wanted a function, or None, got a value of type str"),
    "no event": (lambda: run(stop=True), "^stop: wanted a threading.Event, or None"),
    "a rig file as rig": (lambda: API.open_pairs("rig.toml"), "^rig: .* Open a rig file with coconet.open_rig"),
    "a rig as rig file": (lambda: API.open_rig(rig()), "^rig file: .* open a Rig with coconet.open_pairs"),
    "no rig file": (lambda: API.open_rig(None), "^rig file: .* got None"),
    "no file of a rig": (lambda: API.Rig.from_file(None), "^rig file: wanted a path, or text, got None"),
    "no meters": (lambda: API.measure(COUNTS, LEPTON, None), "^meters: wanted a sequence of tables, got None"),
    "masked counts": (lambda: API.measure(np.ma.array(COUNTS), LEPTON), r"^counts: .* got a masked array\. Fill"),
    "seconds": (lambda: API.PushedCamera("left").push(COUNTS, 1.5), r"^left: wanted timestamp_ns .* type float\. Conv"),
    "a truth": (lambda: API.PushedCamera("left").push(COUNTS, True), "^left: wanted timestamp_ns .* type bool"),
    "no address": (
        lambda: API.Rig.from_addresses(None, SYNTHETIC),
        "^visible camera: wanted a path, or text, got None",
    ),
    "a number of a camera": (lambda: API.Rig.from_addresses(SYNTHETIC, 0), "^infrared camera: .* type int"),
    "no model": (lambda: API.load(None), "^model: wanted a path, or text, got None. Name a file, or one of"),
    "bytes": (lambda: API.load(b"lite"), "^model: .* got a value of type bytes"),
    "no model to read": (lambda: API.read_card(None), "^model: wanted a path, or text, got None"),
    "a model as file": (lambda: API.read_card(coconet.read_card("lite")), "^model: .* got a value of type ModelCard"),
    "no engine": (lambda: API.read_engine_card(None), "^engine: wanted a path, or text, got None"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_usual_mistake_is_refused_in_words_and_writes_nothing(
    mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call, said = MISTAKES[mistake]
    with pytest.raises(CoconetError, match=said) as refused:
        call()
    assert refused.value.exit_code == ExitCode.REFUSED
    assert list(tmp_path.iterdir()) == []


def test_a_live_and_a_recorded_camera_are_told_how_to_go_together_from_python_too() -> None:
    recorded = coconet.open_pairs(rig())
    live = coconet.open_pairs(coconet.Rig.from_addresses(SYNTHETIC, SYNTHETIC, realtime=True))
    cameras = [stream._captures._captures["visible"]._camera for stream in (live, recorded)]
    assert None not in cameras
    with pytest.raises(CoconetError, match=r"realtime = true in a rig file, or realtime=True in Rig\.from_addresses"):
        PairedCaptures(*cameras)  # type: ignore[arg-type]
