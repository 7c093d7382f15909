"""coconet run and the other commands on inputs as rigs and data sets have them, each made on the spot."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from coconet.calibration.int8.frame_source import FolderSource, SourceChoice
from coconet.cards.model_card import FrontEnd
from coconet.media.image import read_picture, write_picture
from coconet.media.palettes.palette import palette_colours
from coconet.media.pixels import RawPixels
from coconet.media.video import VideoReader
from coconet.reading import Reading
from coconet.runtime.commands.record import record
from coconet.runtime.commands.run import run
from coconet.runtime.commands.score import score
from coconet.runtime.commands.verify import verify
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.raw_video import VideoForm, write_raw_video
from tests.support.media.recordings import flat, write_folder, write_video
from tests.support.media.textured import textured
from tests.support.programs.called import call, complaint_of

SIZE = (48, 64)


def scene(base: float = 7000.0, seed: int = 0) -> RawPixels:
    """(48, 64) counts: a warm disc before a ramp."""
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    warm = 900.0 * (np.hypot(rows - 20 - seed, columns - 30 + seed) < 9)
    return np.asarray(base + 4 * rows + 3 * columns + warm, np.float64)


def folders(root: Path, infrared: list[RawPixels], ending: str = ".tif") -> list[str]:
    """Write counts and flat visible pictures of level 100 as 0, 1, ..."""
    for index, pixels in enumerate(infrared):
        for side in ("vis", "ir"):
            (root / side).mkdir(parents=True, exist_ok=True)
        write_picture(root / "vis" / f"{index}.png", np.full((*SIZE, 3), 100, np.uint8))
        if ending == ".tif":
            tifffile.imwrite(root / "ir" / f"{index}.tif", pixels)
        else:
            write_picture(root / "ir" / f"{index}{ending}", pixels[:, :, None])
    return ["--visible", str(root / "vis"), "--infrared", str(root / "ir")]


def gray_day(path: Path, frames: int) -> Path:
    """A visible video of level 100, without loss."""
    return write_raw_video(path, [np.full((*SIZE, 3), 100, np.uint8)] * frames, VideoForm("ffv1", "bgr0", "bgr24"))


def fused(words: list[str], out: Path, *more: str) -> list[RawPixels]:
    result = call(run, *words, "--model", "average", "--out", f"{out}/", *more)
    assert result.exit_code == 0, result.exception
    return [read_picture(path) for path in sorted(out.iterdir())]


def infrared_of(pictures: list[RawPixels]) -> list[RawPixels]:
    """Undo the mean with a visible level of 100, to within a level."""
    return [picture[:, :, 0].astype(int) * 2 - 100 for picture in pictures]


def test_a_sixteen_bit_video_is_stretched_and_not_read_as_eight_bit(tmp_path: Path) -> None:
    frames = [scene(seed=index).astype(np.uint16) for index in range(4)]
    night = write_raw_video(tmp_path / "ir.mkv", frames, VideoForm())
    day = write_raw_video(
        tmp_path / "vis.mkv", [np.full((*SIZE, 3), 100, np.uint8)] * 4, VideoForm("ffv1", "bgr0", "bgr24")
    )
    call(run, "--visible", day, "--infrared", night, "--model", "average", "--out", tmp_path / "out.mp4")
    with VideoReader(tmp_path / "out.mp4") as video:
        pictures = [frame.pixels for frame in video]
    assert len(pictures) == 4
    assert np.ptp(infrared_of(pictures)[0]) > 200


def test_a_still_is_fused_as_if_it_were_alone(tmp_path: Path) -> None:
    scenes = [scene((3000, 20000)[index % 2], index).astype(np.uint16) for index in range(4)]
    together = fused(folders(tmp_path / "all", scenes), tmp_path / "out")
    for index, counts in enumerate(scenes):
        alone = fused(folders(tmp_path / f"one{index}", [counts]), tmp_path / f"out{index}")
        assert np.array_equal(together[index], alone[0])


def test_a_folder_with_a_rate_is_a_video_and_its_gain_follows(tmp_path: Path) -> None:
    words = folders(tmp_path, [scene(base).astype(np.uint16) for base in (3000, 3000, 6000)])
    (tmp_path / "rig.toml").write_text(
        f"[visible]\naddress = '{words[1]}'\nfps = 25\n[infrared]\naddress = '{words[3]}'\nfps = 25\n"
    )
    with open_rig(Rig.from_file(tmp_path / "rig.toml")) as stream:
        front_ends = [(pair, stream.front_end())[1] for pair in stream]
    assert front_ends[-1] is not None
    assert front_ends[-1].range_of == "follow"


@pytest.mark.parametrize(
    ("kind", "scale", "offset"), [("float32", 0.01, -50), ("float32", 0.01, 223.15), ("int16", 1, -9000)]
)
def test_degrees_and_signed_counts_give_the_picture_of_counts(
    kind: str, scale: float, offset: float, tmp_path: Path
) -> None:
    reference = fused(folders(tmp_path / "a", [scene().astype(np.uint16)]), tmp_path / "out_a")[0]
    values = (scene() * scale + offset).astype(kind)
    picture = fused(folders(tmp_path / "b", [values]), tmp_path / "out_b")[0]
    assert np.abs(picture.astype(int) - reference).max() <= 1


def test_no_data_is_no_heat(tmp_path: Path) -> None:
    values = (scene() * 0.01 - 50).astype(np.float32)
    values[:5], values[5:8] = np.nan, -9999
    picture = infrared_of(fused(folders(tmp_path, [values]), tmp_path / "out"))[0]
    assert (picture[:8] <= 1).all()
    assert np.ptp(picture[8:]) > 200


def test_an_upright_picture_stays_upright_beside_one_that_is_turned(tmp_path: Path) -> None:
    visible = textured(2, *SIZE)
    words = folders(tmp_path, [textured(3, *SIZE).reshape(*SIZE, -1)[:, :, 0]], ".png")
    upright = Image.fromarray(np.repeat(visible.reshape(*SIZE, -1)[:, :, :1], 3, axis=2))
    reference_folder = tmp_path / "vis" / "0.png"
    upright.save(reference_folder)
    reference = fused(words, tmp_path / "out")[0]
    reference_folder.unlink()
    exif = Image.Exif()
    exif[0x112] = 6  # to be turned clockwise: stored turned the other way
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "vis" / "0.webp", lossless=True, exif=exif)
    turned = call(run, *words, "--model", "average", "--out", tmp_path / "out2.mp4")
    assert turned.exit_code == 0, turned.exception
    with open_rig(Rig.from_addresses(words[1], words[3])) as stream:
        assert np.array_equal(next(iter(stream)).visible.pixels, np.asarray(upright))
    assert reference.shape == (*SIZE, 3)


def test_a_video_with_a_display_rotation_swaps_its_sides(tmp_path: Path) -> None:
    form = VideoForm("libx264", "yuv420p", "gray", turn_degrees=90)
    day = write_raw_video(tmp_path / "vis.mp4", [np.full(SIZE, 100, np.uint8)] * 2, form)
    night = write_raw_video(
        tmp_path / "ir.mkv", [np.full(SIZE[::-1], 50, np.uint8)] * 2, VideoForm("ffv1", "gray", "gray")
    )
    assert (
        call(run, "--visible", day, "--infrared", night, "--model", "average", "--out", tmp_path / "o.mp4").exit_code
        == 0
    )
    with VideoReader(tmp_path / "o.mp4") as video:
        assert next(iter(video)).pixels.shape == (64, 48, 3)


NAMES: dict[str, tuple[str, str, list[str]]] = {
    "folders in capitals": ("Vis/00000.png", "Ir/00000.png", []),
    "names in capitals": ("vis/IMG_1.PNG", "ir/img_1.png", []),
    "names of FLIR": ("vis/FLIR_00006_RGB.png", "ir/FLIR_00006_PreviewData.png", []),
    "unicode": (f"vis/{unicodedata.normalize('NFD', 'é')}.png", f"ir/{unicodedata.normalize('NFC', 'é')}.png", []),
    "a pattern": ("vis/left_07_a.png", "ir/right_07_b.png", ["--pair-by", "left_{}_a,right_{}_b"]),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_data_sets_and_cameras_pair(name: str, tmp_path: Path) -> None:
    visible, infrared, options = NAMES[name]
    for path in (tmp_path / visible, tmp_path / infrared):
        path.parent.mkdir(exist_ok=True)
        write_picture(path, np.full((*SIZE, 1), 100, np.uint8))
    (tmp_path / infrared).with_name("._hidden.png").write_bytes(b"no picture")
    sides = ["--visible", str((tmp_path / visible).parent), "--infrared", str((tmp_path / infrared).parent)]
    assert len(fused(sides, tmp_path / "out", *options)) == 1
    options = [option for option in options if option != "--pair-by"]
    if not options:
        assert len(list(FolderSource(tmp_path))) == 1


def test_names_that_do_not_pair_end_with_the_option_that_pairs_them(tmp_path: Path) -> None:
    for side, name in (("vis", "left_0{}_x"), ("ir", "right_0{}_x")):
        for index in range(3):
            (tmp_path / side).mkdir(exist_ok=True)
            write_picture(tmp_path / side / f"{name.format(index)}.png", np.zeros((*SIZE, 1), np.uint8))
    sides = ["--visible", tmp_path / "vis", "--infrared", tmp_path / "ir"]
    text = complaint_of(run, *sides, "--model", "average", "--out", f"{tmp_path}/out/")
    assert "the nearest to left_00_x is right_00_x" in text
    assert '--pair-by "left_{}_x,right_{}_x"' in text
    assert len(fused([str(word) for word in sides], tmp_path / "out", "--pair-by", "left_{}_x,right_{}_x")) == 3


def test_every_command_takes_counts_through_the_same_front_end(tmp_path: Path) -> None:
    scenes = [scene(seed=index).astype(np.uint16) for index in range(3)]
    folders(tmp_path, scenes, ".png")
    by_run = fused(
        ["--visible", f"{tmp_path}/vis", "--infrared", f"{tmp_path}/ir"], tmp_path / "out", "--contrast", "plateau"
    )
    source = FolderSource(tmp_path, reading=Reading(contrast="plateau"))
    for pair, picture in zip(source, by_run, strict=True):
        assert np.abs((pair.infrared.pixels[:, :, 0].astype(int) + 100) / 2 - picture[:, :, 0]).max() <= 1
    assert source.front_end() == FrontEnd(raw_counts=True, contrast="plateau", range_of="each")
    assert call(verify, "average", "average", "--frames", tmp_path).exit_code == 0
    scored = call(score, f"a={tmp_path / 'out'}", "--visible", tmp_path / "vis", "--infrared", tmp_path / "ir")
    assert scored.exit_code == 0, scored.exception


def test_options_come_before_the_keys_of_a_rig_file(tmp_path: Path) -> None:
    words = folders(tmp_path, [scene().astype(np.uint16)])
    (tmp_path / "rig.toml").write_text(
        f"[visible]\naddress = '{words[1]}'\n[infrared]\naddress = '{words[3]}'\nblack_hot = true\n"
    )
    by_file = fused([str(tmp_path / "rig.toml")], tmp_path / "a")[0]
    by_option = fused([str(tmp_path / "rig.toml")], tmp_path / "b", "--white-hot")[0]
    assert np.abs(infrared_of([by_file])[0] + infrared_of([by_option])[0] - 255).max() <= 2
    chosen = SourceChoice(rig=tmp_path / "rig.toml", reading=Reading(range_of="0..9000")).open()
    assert chosen is not None
    assert chosen.front_end() == FrontEnd(raw_counts=True, black_hot=True, range_of="0..9000")


def test_a_recording_of_stills_and_degrees_replays_exactly(tmp_path: Path) -> None:
    values = [(scene(seed=index) * 0.01 - 50).astype(np.float32) for index in range(3)]
    values[1][:4] = np.nan
    words = folders(tmp_path, values)
    (tmp_path / "rig.toml").write_text(f"[visible]\naddress = '{words[1]}'\n[infrared]\naddress = '{words[3]}'\n")
    assert call(record, tmp_path / "rig.toml", "--out", tmp_path / "night", "--palette", "luma").exit_code == 0
    assert 'palette = "luma"' in (tmp_path / "night" / "rig.toml").read_text()
    first = fused([str(tmp_path / "rig.toml")], tmp_path / "a")
    again = fused([str(tmp_path / "night" / "rig.toml")], tmp_path / "b")
    assert all(np.array_equal(*pair) for pair in zip(first, again, strict=True))


def test_pictures_without_times_beside_a_video_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = write_video(tmp_path / "day.mp4", [flat(9 * index) for index in range(6)])
    stills = write_folder(tmp_path / "night", [flat(9 * index, channels=1) for index in range(6)])
    for infrared, told in ((stills, True), (write_video(tmp_path / "night.mp4", [flat(3)] * 6), False)):
        with open_rig(Rig.from_addresses(video, infrared)):
            assert ("as if taken 30 times a second" in capsys.readouterr().err.replace("\n", " ")) == told


def test_pages_of_a_tiff_file_are_the_frames_of_a_video(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "ir.tif") as file:
        for index in range(3):
            file.write(scene(seed=index).astype(np.uint16), contiguous=False)
    day = write_raw_video(
        tmp_path / "vis.mkv", [np.full((*SIZE, 3), 100, np.uint8)] * 3, VideoForm("ffv1", "bgr0", "bgr24")
    )
    rig = Rig.from_addresses(str(day), str(tmp_path / "ir.tif"))
    with open_rig(rig.model_copy(update={"infrared": rig.infrared.model_copy(update={"fps": 25.0})})) as stream:
        assert len(list(stream)) == 3
        front_end = stream.front_end()
    assert front_end is not None
    assert front_end.range_of == "follow"


@pytest.mark.parametrize("ending", [".seq", ".csq"])
def test_a_radiometric_sequence_is_refused_in_words(ending: str, tmp_path: Path) -> None:
    (tmp_path / f"a{ending}").write_bytes(b"FFF\0" * 100)
    file = tmp_path / f"a{ending}"
    text = complaint_of(run, "--visible", file, "--infrared", file, "--model", "average", "--out", tmp_path / "o.mp4")
    assert "which cannot be read here" in text


def test_a_coloured_infrared_folder_is_turned_back_and_its_card_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    levels = np.clip(scene() / 4 - 1750, 0, 255).astype(np.uint8)
    coloured = palette_colours("ironbow")[levels].astype(np.uint8)
    (tmp_path / "ir").mkdir()
    (tmp_path / "vis").mkdir()
    for index in range(2):
        cv2.imwrite(str(tmp_path / "ir" / f"{index}.png"), coloured)
        cv2.imwrite(str(tmp_path / "vis" / f"{index}.png"), np.full((*SIZE, 3), 100, np.uint8))
    pairs = list(source := FolderSource(tmp_path))
    assert np.abs(pairs[0].infrared.pixels[:, :, 0].astype(int) - levels).max() <= 2
    assert source.front_end().palette == "ironbow"
    assert capsys.readouterr().err.replace("\n", " ").count("those of the palette ironbow") == 1


def test_sides_that_look_swapped_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    colour = np.random.default_rng(1).integers(0, 256, (*SIZE, 3), np.uint8)
    (tmp_path / "ir").mkdir()
    (tmp_path / "vis").mkdir()
    cv2.imwrite(str(tmp_path / "ir" / "a.png"), colour)
    cv2.imwrite(str(tmp_path / "vis" / "a.png"), colour[:, :, 0])
    list(FolderSource(tmp_path))
    assert "are the two sides swapped?" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--palette", "sunset"], "palette must be auto or luma or ironbow"),
        (["--range-of", "9..1"], "range_of must be each, all, follow"),
        (["--agc-percentiles", "1"], "--agc-percentiles must be two numbers"),
        (["--no-data", "x"], "--no-data must be numbers with commas"),
        (["--pair-by", "{}"], "--pair-by must be two patterns"),
        (["--pair-by", "a{},b{}"], "--pair-by finds no pair of the form a{},b{}"),
        (["--mend-dead-pixels"], "mend_dead_pixels needs a video"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(options: list[str], told: str, tmp_path: Path) -> None:
    words = folders(tmp_path, [scene().astype(np.uint16)])
    assert told in complaint_of(run, *words, "--model", "average", "--out", f"{tmp_path}/out/", *options)
