"""Cameras named before the options: which words are a rig, what stands for both sides, and which are two cameras."""

from __future__ import annotations

from pathlib import Path

import pytest

from coconet.errors import CoconetError, Refused
from coconet.runtime.commands.record import record
from coconet.runtime.commands.run import run
from coconet.runtime.rig.naming.named_cameras import NamedCameras
from tests.support.media.pair_folders import write_pair
from tests.support.media.recordings import flat, write_stamped_video
from tests.support.programs.called import call, complaint_of

SYNTHETIC = "synthetic://?width=64&height=48&fps=50&duration_s=0.2"

RIG = f'[visible]\naddress = "{SYNTHETIC}"\n[infrared]\naddress = "{SYNTHETIC}"\n'


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def addresses(*words: str) -> tuple[str, str]:
    rig = NamedCameras.of(words, None, None).rig()
    return rig.visible.address, rig.infrared.address


@pytest.mark.parametrize("words", [("day.mp4", "night.mp4"), ("rtsp://cam/1", "/dev/video2"), ("0day", "./0")])
def test_two_words_are_the_visible_and_the_infrared_camera(words: tuple[str, str]) -> None:
    assert addresses(*words) == words


def test_bare_numbers_are_devices_also_after_the_options() -> None:
    assert addresses("0", "12") == ("/dev/video0", "/dev/video12")
    rig = NamedCameras.of((), "1", "rtsp://cam/1").rig()
    assert (rig.visible.address, rig.infrared.address) == ("/dev/video1", "rtsp://cam/1")


@pytest.mark.parametrize("words", [("",), (" ",), ("", "night.mp4"), ("day.mp4", "")])
def test_an_empty_name_is_not_the_working_folder(words: tuple[str, ...], place: Path) -> None:
    write_pair(place, "1.png", flat(1), flat(2))
    with pytest.raises(Refused, match="an empty name"):
        NamedCameras.of(words, None, None)


def test_a_number_that_is_a_folder_as_well_has_to_be_said_otherwise(place: Path) -> None:
    (place / "0").mkdir()
    with pytest.raises(
        Refused, match=r"0 can be the number of a camera or the path .* say /dev/video0, for the file \./0\."
    ):
        addresses("0", "1")
    assert addresses("./0", "/dev/video0") == ("./0", "/dev/video0")


@pytest.mark.parametrize("name", ["rig.toml", "rig", "front.conf"])
def test_one_word_is_a_rig_file_whatever_its_ending(place: Path, name: str) -> None:
    (place / name).write_text(RIG)
    assert NamedCameras.of([name], None, None).file == Path(name)
    assert addresses(name) == (SYNTHETIC, SYNTHETIC)


def test_the_folder_of_a_recording_is_its_rig_file(place: Path) -> None:
    (place / "night").mkdir()
    (place / "night" / "rig.toml").write_text(RIG)
    assert NamedCameras.of(["night"], None, None).file == Path("night/rig.toml")


def test_one_folder_with_both_sides_is_both_cameras(place: Path) -> None:
    write_pair(place / "set", "scene.png", flat(10, 24, 16), flat(100, 24, 16, 1))
    assert addresses("set") == ("set/vis", "set/ir")
    assert call(run, "set", "average", "--out", "fused/").exit_code == 0
    assert (place / "fused" / "scene.png").is_file()


def test_one_channel_of_a_dual_camera_is_both_cameras() -> None:
    address = "rtsp://cam/Streaming/Channels/{}01"
    assert addresses(address.format(1)) == (address.format(1), address.format(2))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["day.mp4"], "day.mp4 does not exist; expected a rig file, or a folder with both sides. Check the path."),
        (["k"], "k does not exist; expected a rig file, or a folder with both sides."),
        (["k.unfinished"], "k.unfinished does not exist; expected a rig file, or a folder with both sides."),
        (["none/k.png"], "none/k.png does not exist; expected a rig file, or a folder with both sides."),
        (["0"], "must be two, and only 0 is named."),
        (["a", "b", "c"], "not 3 of them: a, b, c. Name the visible one, then the infrared one."),
        (["rig.toml", "b.mp4"], "are already named by the rig file"),
        (["thermal.mp4", "rgb.mp4"], "Swap them; or if they are right: --visible thermal.mp4 --infrared rgb.mp4"),
        (
            ["a.mp4", "--infrared", "b.mp4"],
            "named both before the options (a.mp4) and by --infrared. Leave the options out",
        ),
        (["a.mp4", "b.mp4", "lite", "average"], "is named more than once: lite and average"),
        (["a.mp4", "lite", "b.mp4", "--model", "average"], "is named more than once: lite and average"),
        (["lte", "a.mp4", "b.mp4"], "Did you mean lite?"),
    ],
)
def test_what_names_no_rig_is_refused_in_one_sentence(words: list[str], told: str) -> None:
    assert told in complaint_of(run, *words)


def test_a_video_by_itself_is_one_camera_and_no_rig_file(place: Path) -> None:
    write_stamped_video(place / "day.mp4", [0.0, 0.04])
    (place / "day.mp4").rename("day")
    assert "must be two, and only day is named." in complaint_of(run, "day")


def test_run_takes_a_model_among_the_cameras_and_record_takes_both(place: Path) -> None:
    ended = call(run, SYNTHETIC, SYNTHETIC, "average", "--json", "report.json")
    assert ended.exit_code == 0, ended.exception
    assert '"model": "average"' in (place / "report.json").read_text()
    assert call(record, SYNTHETIC, SYNTHETIC, "--out", "night").exit_code == 0
    assert "average fp32" in call(run, "night", "average").output


def test_a_folder_with_the_name_of_a_model_is_a_camera(place: Path) -> None:
    (place / "lite").mkdir()
    assert "not 3 of them" in complaint_of(run, "vis", "ir", "lite")


@pytest.mark.parametrize(("first", "second"), [("/thermal/image_raw", "/camera/image_raw"), ("/boson", "/left")])
def test_topics_that_are_named_the_wrong_way_round_are_refused_as_words_only(
    first: str, second: str, tmp_path: Path
) -> None:
    words = [f"{tmp_path / 'run.mcap'}#{topic}" for topic in (first, second)]
    with pytest.raises(CoconetError, match="are named the wrong way round") as refused:
        NamedCameras.of(words, None, None)
    assert f"--visible '{words[0]}' --infrared '{words[1]}'" in str(refused.value)
    assert NamedCameras.of([], *words) == NamedCameras(None, *words)
    assert NamedCameras.of(words[::-1], None, None) == NamedCameras(None, *words[::-1])
