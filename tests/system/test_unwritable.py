"""A place that takes no file is found before any work begins, by every command, and ends with exit code 5."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coconet.errors import ExitCode
from tests.support.media.recordings import flat, write_folder
from tests.support.programs.command_line import command

SYNTHETIC = "synthetic://?width=64&height=48&fps=50&duration_s=60"
SIDES = ("--visible", SYNTHETIC, "--infrared", SYNTHETIC)
RUN = ("run", *SIDES, "--model", "average")
PAIRS = ("--visible", "pairs/vis", "--infrared", "pairs/ir")

FILES: list[tuple[object, ...]] = [
    (*RUN, "--out", "OUT.mp4"),
    (*RUN, "--out", "OUT.mcap"),
    (*RUN, "--json", "OUT.json"),
    ("record", *SIDES, "--out", "OUT.mcap"),
    ("init", SYNTHETIC, SYNTHETIC, "--out", "OUT.toml"),
    ("init", SYNTHETIC, SYNTHETIC, "--password-file", "OUT.key"),
    ("align", *SIDES, "--out", "OUT.toml"),
    ("offset", *SIDES, "--out", "OUT.toml"),
    ("soak", "--out", "OUT.md"),
    ("selfcheck", "--out", "OUT.json"),
    ("contact", "average", "--frames", "pairs", "--out", "OUT.png"),
    ("verify", "average", "maximum", "--frames", "pairs", "--json", "OUT.json"),
    ("verify", "average", "maximum", "--frames", "pairs", "--worst", "OUT.png"),
    ("score", "a=pairs/vis", *PAIRS, "--csv", "OUT.csv"),
    ("export", "lite", "--out", "OUT.onnx", "--frames", "pairs"),
    ("calibrate", "lite", "--frames", "pairs", "--out", "OUT.onnx"),
    ("build", "lite", "--gpu", "sm86", "--out", "OUT.engine"),
    ("build", "lite", "--gpu", "sm86", "--no-cache", "--out", "OUT.engine"),
    ("bench", "average", "--json", "OUT.json"),
    ("bench", "average", "--html", "OUT.html"),
    ("bench", "show", "report.json", "--markdown", "OUT.md"),
    ("bench", "field", "--frames", "pairs", "--csv", "OUT.csv"),
    ("precision", "lite", "--calibrate-on", "pairs", "--frames", "pairs", "--json", "OUT.json"),
    ("steadiness", "average", *PAIRS, "--json", "OUT.json"),
]
FOLDERS: list[tuple[object, ...]] = [
    (*RUN, "--out", "OUT/"),
    ("record", *SIDES, "--out", "OUT"),
    ("align", *SIDES, "--no-save", "--pictures", "OUT"),
    ("demo", "--out", "OUT"),
    ("batch", "jobs.csv", "--out", "OUT"),
    ("train", "--data", "pairs", "--out", "OUT"),
    ("precision", "lite", "--calibrate-on", "pairs", "--frames", "pairs", "--keep", "OUT"),
    ("bench", "field", "--frames", "pairs", "--keep", "OUT"),
    ("serve-repository", "lite", "--out", "OUT"),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with pairs, a list of a job, and a report that is none."""
    (tmp_path / "pairs").mkdir()
    for side in ("vis", "ir"):
        write_folder(tmp_path / "pairs" / side, [flat(50), flat(60)])
    (tmp_path / "jobs.csv").write_text("visible,infrared\npairs/vis,pairs/ir\n")
    (tmp_path / "report.json").write_text("{}")
    (tmp_path / "file").write_text("of a user")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outputs_at(where: str, words: tuple[object, ...]) -> list[str]:
    return [str(word).replace("OUT", f"{where}/o", 1) if str(word).startswith("OUT") else str(word) for word in words]


def below(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def refused(place: Path, where: str, words: tuple[object, ...]) -> str:
    before = below(place)
    ended = command(*outputs_at(where, words))
    assert (ended.code, ended.out) == (ExitCode.OUTPUT, ""), ended.err
    assert below(place) == before
    return ended.err


@pytest.mark.parametrize("words", FILES, ids=lambda words: " ".join(map(str, words))[:80])
def test_a_file_in_a_folder_that_is_not_there_is_refused_before_anything_is_begun(
    place: Path, words: tuple[object, ...]
) -> None:
    assert "cannot be written: there is no folder" in refused(place, "gone", words)


@pytest.mark.parametrize("words", [FILES[0], *FOLDERS], ids=lambda words: " ".join(map(str, words))[:80])
def test_a_place_below_a_file_is_refused_before_anything_is_begun(place: Path, words: tuple[object, ...]) -> None:
    assert "file is not a folder" in refused(place, "file", words)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a file system that takes no files, even of root")
@pytest.mark.parametrize("words", [*FILES, *FOLDERS], ids=lambda words: " ".join(map(str, words))[:80])
def test_a_file_system_that_takes_no_files_is_found_by_trying(place: Path, words: tuple[object, ...]) -> None:
    assert "cannot be written" in refused(place, "/proc", words)


@pytest.mark.parametrize("words", [FILES[2], FOLDERS[1]], ids=["report", "recording"])
def test_a_name_that_cannot_become_the_output_is_an_option_that_does_not_fit(
    place: Path, words: tuple[object, ...]
) -> None:
    (place / "o.json").mkdir()
    (place / "o").write_text("of a user")
    ended = command(*outputs_at(os.curdir, words), "--overwrite")
    assert (ended.code, "folder" in ended.err) == (ExitCode.REFUSED, True), ended.err
    assert (place / "o").read_text() == "of a user"


@pytest.mark.parametrize("folder", ["file/alarms", "/proc/alarms"])
def test_alarms_that_could_not_be_recorded_end_a_run_before_it_begins(place: Path, folder: str) -> None:
    sides = "".join(f'[{side}]\naddress = "{SYNTHETIC}"\n' for side in ("visible", "infrared"))
    alarm = '[[alarm]]\nname = "lost"\ncamera = "visible"\nstates = ["lost"]\n'
    (place / "rig.toml").write_text(f'{sides}{alarm}[alarms.recording]\nfolder = "{folder}"\n')
    assert "cannot be written" in refused(place, "", ("run", "rig.toml", "average"))
