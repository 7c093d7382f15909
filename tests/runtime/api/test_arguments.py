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
    "a rig file to run": (
        lambda: run(pairs="rig.toml"),
        r"^pairs must be .* type str\. Open a rig first: coconet\.open_rig",
    ),
    "a rig to run": (lambda: run(pairs=rig()), "^pairs must be the pairs of a rig that was opened"),
    "a word to run": (lambda: run(model="lite"), r"^model must be .* type str\. Load it first: coconet\.load"),
    "a number as output": (lambda: run(out=3), "^out must be a path or text, not a value of type int"),
    "no name as output": (lambda: run(out=""), "^out is empty"),
    "no function": (lambda: run(on_frame="print"), "^on_frame must be a function or None, not a value of type str"),
    "no event": (lambda: run(stop=True), "^stop must be a threading.Event, or None"),
    "a rig file as rig": (lambda: API.open_pairs("rig.toml"), "^rig must be .* Open a rig file with coconet.open_rig"),
    "a rig as rig file": (lambda: API.open_rig(rig()), "^rig file must be .* open a Rig with coconet.open_pairs"),
    "no rig file": (lambda: API.open_rig(None), "^rig file .* not None"),
    "no file of a rig": (lambda: API.Rig.from_file(None), "^rig file must be a path or text, not None"),
    "no meters": (lambda: API.measure(COUNTS, LEPTON, None), "^meters must be a sequence of tables, not None"),
    "masked counts": (lambda: API.measure(np.ma.array(COUNTS), LEPTON), "^counts is a masked array.* Fill"),
    "seconds": (
        lambda: API.PushedCamera("left").push(COUNTS, 1.5),
        r"^left has no time: timestamp_ns must be .* type float\. Conv",
    ),
    "a truth": (
        lambda: API.PushedCamera("left").push(COUNTS, True),
        "^left has no time: timestamp_ns must be .* type bool",
    ),
    "no address": (
        lambda: API.Rig.from_addresses(None, SYNTHETIC),
        "^visible camera must be a path or text, not None",
    ),
    "a number of a camera": (lambda: API.Rig.from_addresses(SYNTHETIC, 0), "^infrared camera must be .* type int"),
    "no model": (lambda: API.load(None), "^model must be a path or text, not None. Name a file, or one of"),
    "bytes": (lambda: API.load(b"lite"), "^model must be .* not a value of type bytes"),
    "no model to read": (lambda: API.read_card(None), "^model must be a path or text, not None"),
    "a model as file": (
        lambda: API.read_card(coconet.read_card("lite")),
        "^model must be .* not a value of type ModelCard",
    ),
    "no engine": (lambda: API.read_engine_card(None), "^engine must be a path or text, not None"),
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
