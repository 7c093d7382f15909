"""One mistake, one exit code: what is given in place of a model, a camera or a rig, over the commands that take one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from coconet.model_names import model_path, shipped_checkpoint
from tests.support.media.pair_folders import write_pair
from tests.support.media.recordings import flat
from tests.support.programs.command_line import command

STREET = "synthetic://?width=64&height=48&fps=50"
SIZE = ("--size", "64x64")
LITE = model_path("lite")

Words = Callable[[str], tuple[object, ...]]

MODEL: dict[str, Words] = {
    "run": lambda model: ("run", STREET, STREET, "--frames", 1, "--model", model),
    "run, in place": lambda model: ("run", "pairs", model),
    "verify, first": lambda model: ("verify", model, "average", "--frames", "pairs"),
    "verify, second": lambda model: ("verify", "average", model, "--frames", "pairs"),
    "contact": lambda model: ("contact", "average", model, "--frames", "pairs", "--out", "sheet.png"),
    "steadiness": lambda model: ("steadiness", "average", model, "--visible", "pairs/vis", "--infrared", "pairs/ir"),
    "bench": lambda model: ("bench", "average", model, *SIZE),
    "bench honesty": lambda model: ("bench", "honesty", "--model", model, *SIZE),
    "batch": lambda model: ("batch", "tree", "--out", "fused", "--model", model),
    "serve": lambda model: ("serve", model, "--port", 0),
    "demo": lambda model: ("demo", "--model", model, "--out", "demo"),
    "soak": lambda model: ("soak", "--model", model),
    "audience": lambda model: ("audience", "--model", model),
}
"""What takes any model."""

GRAPH: dict[str, Words] = {
    "bench pick": lambda model: ("bench", "pick", model, *SIZE),
    "serve-repository": lambda model: ("serve-repository", model, "--out", "repository"),
    "calibrate": lambda model: ("calibrate", model, "--frames", "pairs", "--out", "int8.onnx"),
    "build": lambda model: ("build", model, "--gpu", "sm86"),
    "export --with-warp": lambda model: ("export", model, "--with-warp", "--out", "warp.onnx"),
}
"""What takes an ONNX model."""

WEIGHTS: dict[str, Words] = {
    "export": lambda model: ("export", model, "--out", "new.onnx"),
    "export --weights": lambda model: ("export", "lite", "--weights", model, "--out", "new.onnx"),
    "precision": lambda model: ("precision", model, "--calibrate-on", "pairs", "--frames", "pairs"),
    "train --start": lambda model: ("train", "--data", "pairs", "--start", model, "--out", "trained"),
}
"""What takes weights, under any ending."""

CAMERA: dict[str, Words] = {
    "run": lambda camera: ("run", camera, STREET, "average", "--frames", 1),
    "record": lambda camera: ("record", camera, STREET, "--out", "night", "--seconds", 0.2),
    "init": lambda camera: ("init", camera, STREET),
    "align": lambda camera: ("align", camera, STREET, "--no-save"),
    "offset": lambda camera: ("offset", camera, STREET, "--no-save"),
    "contact": lambda camera: (
        *("contact", "average", "--visible", camera, "--infrared", STREET),
        *("--at", 0, "--out", "sheet.png"),
    ),
    "steadiness": lambda camera: ("steadiness", "average", "--visible", camera, "--infrared", STREET),
    "score": lambda camera: ("score", "a=pairs/vis", "--visible", camera, "--infrared", "pairs/ir"),
    "score, fused": lambda camera: ("score", f"a={camera}", "--visible", "pairs/vis", "--infrared", "pairs/ir"),
    "precision": lambda camera: (
        *("precision", "lite", "--calibrate-on", "pairs", "--frames", "pairs"),
        *("--visible", camera, "--infrared", STREET),
    ),
}

PAIRED: dict[str, Words] = {
    "run": lambda pairs: ("run", pairs, "average"),
    "record": lambda pairs: ("record", pairs, "--out", "night"),
    "init": lambda pairs: ("init", pairs),
    "align": lambda pairs: ("align", pairs, "--no-save"),
    "verify": lambda pairs: ("verify", "average", "maximum", "--frames", pairs),
    "contact": lambda pairs: ("contact", "average", "--frames", pairs, "--out", "sheet.png"),
    "calibrate": lambda pairs: ("calibrate", LITE, "--frames", pairs, "--out", "int8.onnx"),
    "export": lambda pairs: ("export", "lite", "--frames", pairs, "--out", "new.onnx"),
    "bench": lambda pairs: ("bench", "average", "--frames", pairs, *SIZE),
    "precision": lambda pairs: ("precision", "lite", "--calibrate-on", pairs, "--frames", "pairs"),
    "train": lambda pairs: ("train", "--data", pairs, "--out", "trained"),
}
"""What takes a folder of pairs."""

RIG: dict[str, Words] = {
    "run": lambda rig: ("run", rig, "average", "--frames", 1),
    "record": lambda rig: ("record", rig, "--out", "night", "--seconds", 0.2),
    "align": lambda rig: ("align", rig, "--no-save"),
    "offset": lambda rig: ("offset", rig, "--no-save"),
    "soak": lambda rig: ("soak", rig),
    "doctor": lambda rig: ("doctor", rig),
    "verify": lambda rig: ("verify", "average", "maximum", "--frames", rig),
    "calibrate": lambda rig: ("calibrate", LITE, "--frames", rig, "--out", "int8.onnx"),
    "calibrate --rig": lambda rig: ("calibrate", LITE, "--rig", rig, "--out", "int8.onnx"),
    "export": lambda rig: ("export", "lite", "--frames", rig, "--out", "new.onnx"),
    "bench": lambda rig: ("bench", "average", "--frames", rig, *SIZE),
    "precision": lambda rig: ("precision", "lite", "--calibrate-on", rig, "--frames", "pairs"),
}

MISTAKES: list[tuple[dict[str, Words], dict[int, tuple[str, ...]]]] = [
    (
        MODEL,
        {
            2: ("gone.onnx", "folder.onnx", "gone.engine", "gone.safetensors", "folder.pth"),
            4: ("empty.onnx", "text.onnx", "noise.onnx", "cut.onnx", "empty.engine", "text.engine", "text.pth"),
        },
    ),
    (MODEL, {4: ("empty.safetensors", "text.safetensors", "noise.safetensors", "cut.safetensors")}),
    (
        GRAPH,
        {
            2: ("gone.onnx", "folder.onnx", "text.txt"),
            4: ("empty.onnx", "text.onnx", "noise.onnx", "cut.onnx"),
        },
    ),
    (
        WEIGHTS,
        {
            2: ("gone.safetensors", "folder.safetensors"),
            4: ("empty.safetensors", "text.pth", "noise.safetensors", "cut.safetensors", "text.onnx", "text.txt"),
        },
    ),
    (
        CAMERA,
        {
            2: ("gone.mp4", "folder.mp4", "gone/", "gone.mcap#/a", "ftp://host/1"),
            3: ("empty.mp4", "text.mp4", "noise.mp4", "text.txt", "empty.mcap#/a", "text.mcap#/a"),
        },
    ),
    (PAIRED, {2: ("gone", "folder.mp4", "unpaired", "unsaid")}),
    (
        RIG,
        {
            2: ("gone.toml", "folder.toml", "empty.toml", "text.toml", "noise.toml", "misspelt.toml", "gone.mcap"),
            3: ("empty.mcap", "text.mcap"),
        },
    ),
]

CASES = [
    pytest.param(code, words(given), id=f"{code}, {name}: {given}")
    for commands, codes in MISTAKES
    for code, mistakes in codes.items()
    for given in mistakes
    for name, words in commands.items()
]


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that are not what their names say and pictures that do not pair, beside pairs and a recording."""
    folder = tmp_path_factory.mktemp("mistaken")
    for number in range(3):
        write_pair(folder / "pairs", f"{number}.png", flat(10 * number, 64, 48), flat(100, 64, 48, 1))
    write_pair(folder / "unpaired", "a.png", flat(50, 64, 48), flat(100, 64, 48, 1))
    (folder / "unpaired" / "ir" / "a.png").rename(folder / "unpaired" / "ir" / "b.png")
    shutil.copytree(folder / "pairs" / "vis", folder / "unsaid")
    for ending in (".onnx", ".engine", ".safetensors", ".pth", ".mp4", ".mcap", ".toml", ".txt"):
        (folder / f"empty{ending}").touch()
        (folder / f"text{ending}").write_text("just a text\n")
        (folder / f"noise{ending}").write_bytes(bytes(range(1, 256)) * 9)
        (folder / f"folder{ending}").mkdir()
    for whole in (LITE, shipped_checkpoint("lite")):
        (folder / f"cut{whole.suffix}").write_bytes(whole.read_bytes()[:20000])
    (folder / "misspelt.toml").write_text(f'[visible]\nadress = "{STREET}"\n[infrared]\naddress = "{STREET}"\n')
    (folder / "tree" / "a").mkdir(parents=True)
    sides = "".join(f'[{side}]\naddress = "{folder}/pairs/{name}"\n' for side, name in SIDES)
    (folder / "tree" / "a" / "rig.toml").write_text(sides)
    return folder


SIDES = (("visible", "vis"), ("infrared", "ir"))


@pytest.mark.parametrize(("code", "words"), CASES)
def test_a_mistake_ends_every_command_with_the_same_code_and_without_a_result(
    mistaken: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: tuple[object, ...]
) -> None:
    monkeypatch.chdir(mistaken)
    before = sorted(mistaken.rglob("*"))
    ended = command(*words)
    assert (ended.code, "Traceback" in ended.err, ended.out) == (code, False, ""), ended.err
    assert sorted(mistaken.rglob("*")) == before
