"""One rule for every command that writes: inputs are never written over, and results only if that was asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from tests.support.media.recordings import flat, write_folder, write_video
from tests.support.programs.called import complaint_of

COMMANDS = {
    "run": "runtime.commands.run --visible v.mp4 --infrared i.mp4 --model average --out OUT.mp4",
    "run to a report": "runtime.commands.run --visible v.mp4 --infrared i.mp4 --model average --json OUT.json",
    "record": "runtime.commands.record rig.toml --out OUT",
    "contact": "runtime.commands.contact average --frames pairs --out OUT.png",
    "verify": "runtime.commands.verify average maximum --frames pairs --json OUT.json",
    "verify to a picture": "runtime.commands.verify average maximum --frames pairs --worst OUT.png",
    "score": "coconet.runtime.commands.score a=pairs/vis --visible pairs/vis --infrared pairs/ir --csv OUT.csv",
    "export": "export.commands.export lite --out OUT.onnx --frames pairs",
    "calibrate": "calibration.commands.calibrate rig.toml --frames pairs --out OUT.onnx",
    "align": "calibration.commands.align rig.toml --pictures OUT",
    "bench": "benchmarks.commands.bench:measure average --frames pairs --json OUT.json",
    "bench to a page": "benchmarks.commands.bench:measure average --frames pairs --html OUT.html",
    "bench show": "benchmarks.commands.bench:show rig.toml --markdown OUT.md",
    "steadiness": "benchmarks.commands.flicker:steadiness average --visible v.mp4 --infrared i.mp4 --json OUT.json",
    "precision": "benchmarks.commands.precision lite --calibrate-on pairs --frames pairs --json OUT.json",
    "soak": "benchmarks.commands.soak rig.toml --out OUT.md",
}
"""Module and words of a command, which are those of files in its folder; what it writes begins with OUT."""

RIG = '[visible]\naddress = "v.mp4"\n[infrared]\naddress = "i.mp4"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, level in (("v.mp4", 50), ("i.mp4", 90)):
        write_video(tmp_path / name, [flat(level), flat(level + 10)])
    (tmp_path / "pairs").mkdir()
    for side in ("vis", "ir"):
        write_folder(tmp_path / "pairs" / side, [flat(50), flat(60)])
    (tmp_path / "rig.toml").write_text(RIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def complaint(words: list[str]) -> str:
    module, _, name = words[0].partition(":")
    found = getattr(
        importlib.import_module(f"coconet.{module.removeprefix('coconet.')}"), name or module.split(".")[-1]
    )
    return complaint_of(cast("Callable[..., None]", found), *words[1:])


@pytest.mark.parametrize("name", COMMANDS)
def test_a_result_that_is_there_is_refused_in_one_sentence(folder: Path, name: str) -> None:
    words = COMMANDS[name].split()
    out = next(word for word in words if word.startswith("OUT"))
    taken = folder / out
    if name == "align":
        taken = folder / out / "overlay.png"
    if "." in out or name == "align":
        taken.parent.mkdir(exist_ok=True)
        taken.write_bytes(b"an earlier result")
    else:
        taken.mkdir()
        (taken / "rig.toml").write_bytes(b"an earlier result")
    before = contents(folder)
    where = taken.relative_to(folder)
    assert complaint(words) == f"{where} already exists. Choose another name or pass --overwrite."
    assert contents(folder) == before


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("record", "align")])
def test_an_output_that_is_an_input_is_refused_whatever_is_passed(folder: Path, name: str) -> None:
    words = COMMANDS[name].split()
    out = next(word for word in words if word.startswith("OUT"))
    source = next(word for word in ("v.mp4", "pairs", "rig.toml") if word in words or f"{word}/vis" in words)
    link = folder / out
    link.symlink_to(folder / source if (folder / source).is_file() else folder / "pairs" / "vis" / "0000.png")
    before = contents(folder)
    assert "write over or among the input" in complaint([*words, "--overwrite"])
    assert contents(folder) == before


@pytest.mark.parametrize(
    "words",
    [
        "runtime.commands.run rig.toml --model average --json camera.key",
        "benchmarks.commands.soak rig.toml --out camera.key",
        "calibration.commands.calibrate rig.toml --rig rig.toml --out camera.onnx",
        "benchmarks.commands.bench:measure weights.pth@half --frames pairs --json weights.pth",
    ],
)
def test_what_an_input_names_is_an_input_too(folder: Path, words: str) -> None:
    (folder / "rig.toml").write_text(RIG.replace("v.mp4", "rtsp://me:${file:camera.key}@127.0.0.1:9/1"))
    for name in ("camera.key", "weights.pth"):
        (folder / name).write_bytes(b"secret")
    (folder / "camera.onnx").symlink_to("camera.key")
    before = contents(folder)
    assert "write over or among the input" in complaint([*words.split(), "--overwrite"])
    assert contents(folder) == before
