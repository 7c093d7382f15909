"""Exit codes as documented: what nobody but the user can put right is 2, so that nothing starts it again for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from coconet.errors import Refused
from coconet.model_names import model_path
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.loop.pipeline import run_pipeline
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.sinks.sink import FolderSink
from tests.support.media.pair_folders import write_pair
from tests.support.media.recordings import flat
from tests.support.programs.command_line import command

SYNTHETIC = "synthetic://?width=64&height=48&fps=50"
CAMERAS = ("--visible", SYNTHETIC, "--infrared", SYNTHETIC)
ABSENT = ("--visible", "/dev/video99", "--infrared", SYNTHETIC)
RUN = ("run", *CAMERAS, "--frames", 2)
AVERAGE = ("--model", "average")

REFUSED: list[tuple[object, ...]] = [
    ("run", "gone.toml"),
    ("run", "folder"),
    ("run", "broken.toml"),
    ("run", "misspelt.toml"),
    ("run", "--visible", SYNTHETIC),
    ("run", "--visible", "gone.mp4", "--infrared", SYNTHETIC, *AVERAGE),
    ("run", "--visible", SYNTHETIC, "--infrared", "gone/", *AVERAGE),
    ("run", "--visible", "synthetic://?fps=no", "--infrared", SYNTHETIC, *AVERAGE),
    ("run", "--visible", "ftp://camera/1", "--infrared", SYNTHETIC, *AVERAGE),
    (*RUN, "--model", "averge"),
    (*RUN, "--model", "gone.onnx"),
    (*RUN, "--model", "folder"),
    (*RUN, "--model", "broken.toml"),
    ("run", *CAMERAS, "gone.engine"),
    (*RUN, "--backend", "orrt"),
    (*RUN, "--backend", "tensorrt"),
    (*RUN, *AVERAGE, "--depth", 3),
    (*RUN, *AVERAGE, "--zero-copy"),
    (*RUN, *AVERAGE, "--no-graph"),
    (*RUN, *AVERAGE, "--gpu-library", "pycuda"),
    (*RUN, *AVERAGE, "--gpu-library", "cupy"),
    (*RUN, *AVERAGE, "--out", "fused.avi"),
    (*RUN, *AVERAGE, "--out", "fused.mp5"),
    (*RUN, *AVERAGE, "--out", "ftp://host/x"),
    (*RUN, *AVERAGE, "--view", "web", "--host", "0.0.0.0"),  # noqa: S104  without a token
    (*RUN, *AVERAGE, "--view", "web", "--token", "short"),
    (*RUN, "--flames", 2),
    ("run", "gone.mp4", SYNTHETIC, "average"),
    ("run", SYNTHETIC, SYNTHETIC, "average", "--fps", 9),
    ("run", "thermal.mp4", "rgb.mp4"),
    ("record", "gone.toml", "--out", "night"),
    ("record", "folder", "--out", "night"),
    ("record", "broken.toml", "--out", "night"),
    ("verify", "gone.onnx", "average", "--frames", "folder"),
    ("verify", "average", "averge", "--frames", "folder"),
    ("verify", "average", "average", "--frames", "gone"),
    ("verify", "average", "average", "--frames", "folder"),
    ("demo", "--model", "averge", "--out", "demo"),
    ("contact", "averge", "--out", "sheet.jpg"),
    ("score", "ours=gone", "--visible", "gone", "--infrared", "gone"),
    ("score", "ours", "--visible", "folder", "--infrared", "folder"),
    ("train", "gone.toml"),
    ("train", "broken.toml"),
    ("export", "gone.safetensors"),
    ("calibrate", "gone.onnx", "--frames", "folder"),
    ("calibrate", "averge", "--frames", "folder"),
    ("align", "gone.toml"),
    ("align", "misspelt.toml"),
    ("offset", "gone.toml"),
    ("build", "gone.onnx"),
    ("build", "broken.toml"),
    ("bench", "averge"),
    ("bench", "show", "gone.json"),
    ("bench", "compare", "gone.json", "gone.json"),
    ("precision", "averge", "--calibrate-on", "folder", "--frames", "folder"),
    ("audience", "gone.toml"),
    ("soak", "gone.toml"),
    ("steadiness", "averge", "--visible", "gone.mp4", "--infrared", "gone.mp4"),
]

FAILED: list[tuple[int, tuple[object, ...]]] = [
    (3, ("run", "--visible", "/dev/video99", "--infrared", SYNTHETIC, *AVERAGE)),
    (3, ("run", "--visible", "empty.mp4", "--infrared", SYNTHETIC, *AVERAGE)),
    (3, ("record", "--visible", "/dev/video99", "--infrared", SYNTHETIC)),
    (3, ("record", "/dev/video99", "/dev/video98")),
    (3, ("run", 98, 99, *AVERAGE)),
    (3, ("init", *ABSENT)),
    (3, ("align", *ABSENT)),
    (3, ("offset", *ABSENT)),
    (3, ("soak", "absent.toml")),
    (3, ("contact", "average", "--visible", "/dev/video99", "--infrared", SYNTHETIC, "--at", 1, "--out", "sheet.jpg")),
    (3, ("verify", "average", "maximum", "--frames", "absent.toml")),
    (3, ("score", "a=pairs/vis", "--visible", "/dev/video99", "--infrared", SYNTHETIC)),
    (3, ("steadiness", "average", "--visible", "/dev/video99", "--infrared", SYNTHETIC)),
    (3, ("calibrate", model_path("lite"), "--frames", "absent.toml", "--out", "int8.onnx")),
    (3, ("calibrate", model_path("lite"), "--rig", "absent.toml", "--out", "int8.onnx")),
    (4, (*RUN, "--model", "empty.onnx")),
    (5, (*RUN, *AVERAGE, "--out", "/proc/no/")),
    (5, (*RUN, *AVERAGE, "--out", "gone/fused.mp4")),
    (6, (*RUN, *AVERAGE, "--view", "web", "--host", "192.0.2.1", "--token", "correct-horse-battery")),
    (0, (*RUN, *AVERAGE)),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, a pair, a file that is no TOML, and rigs with a misspelt key and with an absent camera."""
    (tmp_path / "folder").mkdir()
    write_pair(tmp_path / "pairs", "0.png", flat(50, 64, 48), flat(100, 64, 48, 1))
    (tmp_path / "broken.toml").write_text("[visible\n")
    (tmp_path / "misspelt.toml").write_text(f'[visible]\nadress = "{SYNTHETIC}"\n[infrared]\naddress = "{SYNTHETIC}"\n')
    (tmp_path / "absent.toml").write_text(f'[visible]\naddress = "/dev/video99"\n[infrared]\naddress = "{SYNTHETIC}"\n')
    for name in ("empty.mp4", "empty.onnx"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (("run", "misspelt.toml"), "address"),
        ((*RUN, *AVERAGE, "--palette", "ironbwo"), "ironbow"),
        ((*RUN, *AVERAGE, "--out", "f.mp4", "--look", "fusd"), "fused"),
        ((*RUN, *AVERAGE, "--out", "f.mp4", "--look", "colours=infermo"), "inferno"),
        ((*RUN, *AVERAGE, "--backend", "openvine"), "openvino"),
        ((*RUN, "--model", "lite-init8"), "lite-int8"),
        (("score", "ours=folder", "--visible", "folder", "--infrared", "folder", "--variant", "toolbx"), "toolbox"),
        (("score", "ours=foldr", "--visible", "folder", "--infrared", "folder"), "folder"),
        (("run", "foldr"), "folder"),
        (("run", "absnt.toml"), "absent.toml"),
        (("run", "folder", "emtpy.mp4"), "empty.mp4"),
        (("run", "--visible", "emtpy.mp4", "--infrared", SYNTHETIC), "empty.mp4"),
        (("verify", "average", "maximum", "--frames", "foldr"), "folder"),
        (("batch", "foldr", "--out", "fused"), "folder"),
    ],
)
def test_what_is_misspelt_gets_the_nearest_word_that_is_known(
    place: Path, words: tuple[object, ...], near: str
) -> None:
    ended = command(*words)
    assert (ended.code, f"Did you mean {near}?" in ended.err) == (2, True), ended.err


def below(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize("words", REFUSED, ids=lambda words: " ".join(map(str, words))[:80])
def test_what_is_written_down_wrongly_ends_with_code_2_and_leaves_nothing(
    place: Path, words: tuple[object, ...]
) -> None:
    before = below(place)
    ended = command(*words)
    assert (ended.code, "Traceback" in ended.err) == (2, False), ended.err
    assert below(place) == before


@pytest.mark.parametrize(
    ("code", "words"), FAILED, ids=[f"{code}-{' '.join(map(str, words))}" for code, words in FAILED]
)
def test_what_may_go_better_another_time_says_which_part_it_was(
    place: Path, code: int, words: tuple[object, ...]
) -> None:
    before = below(place)
    ended = command(*words)
    assert (ended.code, "Traceback" in ended.err) == (code, False), ended.err
    assert below(place) == before


@pytest.mark.parametrize(("gone", "code"), [("0.png", 2), ("9.png", 3)])
def test_a_picture_that_has_vanished_before_the_start_is_refused_and_one_in_mid_run_is_the_cameras(
    place: Path, gone: str, code: int
) -> None:
    for number in range(10):
        write_pair(place, f"{number}.png", flat(10 * number, 64, 48), flat(100, 64, 48, 1))
    pairs = open_rig(Rig.from_addresses("vis", "ir"))
    (place / "ir" / gone).unlink()
    with pytest.raises(Refused) as caught, pairs:
        run_pipeline(pairs, BaselineBackend("average"), FolderSink(place / "fused"))
    assert caught.value.exit_code == code
