"""The rig file, and the stream of pairs that it opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.image import write_picture
from coconet.runtime.cameras.device.pixel_layouts import FrameLayout
from coconet.runtime.preprocess.fit_word import Fit
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import AlignmentTable, CameraTable, InfraredTable, Rig, fitted_by
from tests.support.media.recordings import flat, write_folder, write_stamped_video, write_video

CAMERAS = '[visible]\naddress = "vis"\n[infrared]\naddress = "ir"\n'


def rig_file(folder: Path, text: str) -> Path:
    path = folder / "rig.toml"
    path.write_text(text)
    return path


def folders(root: Path, visible: list[np.ndarray], infrared: list[np.ndarray]) -> None:
    write_folder(root / "vis", visible)
    write_folder(root / "ir", infrared)


def test_addresses_are_relative_to_the_rig_file(tmp_path: Path) -> None:
    folders(tmp_path, [flat(1), flat(2)], [flat(3, channels=1), flat(4, channels=1)])
    with open_rig(Rig.from_file(rig_file(tmp_path, CAMERAS))) as stream:
        pairs = [(pair.visible.name, pair.infrared.name, int(pair.infrared.pixels[0, 0, 0])) for pair in stream]
    assert pairs == [("0000.png", "0000.png", 3), ("0001.png", "0001.png", 4)]


def test_a_synthetic_address_and_an_absolute_one_stay_as_they_are(tmp_path: Path) -> None:
    text = f'[visible]\naddress = "synthetic://?seed=2"\n[infrared]\naddress = "{tmp_path}/x.mp4"\n'
    rig = Rig.from_file(rig_file(tmp_path, text))
    assert (rig.visible.address, rig.infrared.address) == ("synthetic://?seed=2", f"{tmp_path}/x.mp4")


def test_every_table_reaches_the_pairs(tmp_path: Path) -> None:
    """Black-hot raw counts at half size, stamped 40 ms late, come out white-hot, at full size and on time."""
    counts = np.linspace(5000, 6000, 24 * 16).astype(np.uint16).reshape(16, 24, 1)
    folders(tmp_path, [flat(9, 48, 32)] * 3, [counts] * 3)
    text = """
        [visible]
        address = "vis"
        fps = 10
        [infrared]
        address = "ir"
        fps = 10
        offset_ms = -40
        black_hot = true
        agc_percentiles = [0, 100]
        [pairing]
        tolerance_ms = 45
        [alignment]
        homography = [[2, 0, 0], [0, 2, 0], [0, 0, 1]]
        size_px = [48, 32]
    """
    with open_rig(Rig.from_file(rig_file(tmp_path, text))) as stream:
        pairs = list(stream)
    assert [pair.skew_ns for pair in pairs] == [-40_000_000] * 3
    infrared = pairs[0].infrared.pixels
    assert infrared.shape == (32, 48, 1)
    assert infrared.dtype == np.uint8
    assert (infrared[0, 0, 0], infrared[30, 46, 0]) == (255, 0)


def test_a_tight_tolerance_drops_what_is_late(tmp_path: Path) -> None:
    folders(tmp_path, [flat(9)] * 3, [flat(9, channels=1)] * 3)
    text = CAMERAS + "offset_ms = 5\n[pairing]\ntolerance_ms = 1\n"
    with open_rig(Rig.from_file(rig_file(tmp_path, text))) as stream:
        assert list(stream) == []
    assert stream.counts.infrared.dropped == 3


def test_two_addresses_make_a_rig(tmp_path: Path) -> None:
    video = str(write_video(tmp_path / "a.mp4", [flat(1)] * 4))
    with open_rig(Rig.from_addresses(video, video)) as stream:
        assert (stream.frames_expected, stream.realtime, len(list(stream))) == (4, False, 4)


def test_a_realtime_rig_replays_its_recordings_as_live_cameras() -> None:
    address = "synthetic://?fps=100&width=32&height=32&duration_s=0.1"
    with open_rig(Rig.from_addresses(address, address, realtime=True)) as stream:
        stamps = [pair.visible.timestamp_ns for pair in stream]
    assert stream.realtime
    assert stamps == sorted(stamps)
    assert stream.counts.visible.read == stream.counts.visible.paired + stream.counts.visible.dropped


def test_sizes_may_change_from_pair_to_pair(tmp_path: Path) -> None:
    folders(tmp_path, [flat(1), flat(1, 40, 30)], [flat(1, channels=1), flat(1, 40, 30, 1)])
    with open_rig(Rig.from_addresses(f"{tmp_path}/vis", f"{tmp_path}/ir")) as stream:
        assert [pair.infrared.pixels.shape for pair in stream] == [(24, 32, 1), (30, 40, 1)]


def test_pictures_of_unlike_size_are_laid_onto_each_other(tmp_path: Path) -> None:
    folders(tmp_path, [flat(1)], [flat(90, 40, 30, 1)])
    with open_rig(Rig.from_addresses(f"{tmp_path}/vis", f"{tmp_path}/ir")) as stream:
        (pair,) = stream
    assert pair.infrared.pixels.shape == (24, 32, 1)
    assert np.unique(pair.infrared.pixels).tolist() == [90]


ALIGNED = "[alignment]\nhomography = [[2, 0, 0], [0, 2, 0], [0, 0, 1]]\nsize_px = [640, 360]\n"


def test_a_pair_that_cannot_be_aligned_is_named_by_both_files(tmp_path: Path) -> None:
    folders(tmp_path, [flat(1)], [flat(1, 40, 30, 1)])
    text = f'[visible]\naddress = "vis"\n[infrared]\naddress = "ir"\n{ALIGNED}'
    with (
        pytest.raises(
            CoconetError, match=r"0000\.png does not fit: .* 640x360, and these are visible 32x24 and infrared 40x30\."
        ),
        open_rig(Rig.from_file(rig_file(tmp_path, text))) as stream,
    ):
        list(stream)


def test_a_name_in_the_rig_file_stands_in_errors(tmp_path: Path) -> None:
    text = f'[visible]\naddress = "{write_video(tmp_path / "a.mp4", [flat(1)])}"\nname = "front"\n'
    text += f'[infrared]\naddress = "synthetic://?width=64&height=64"\n{ALIGNED}'
    with (
        pytest.raises(
            CoconetError,
            match="^front and synthetic infrared does not fit: the alignment was found for visible pictures",
        ),
        open_rig(Rig.from_file(rig_file(tmp_path, text))) as stream,
    ):
        list(stream)


@pytest.mark.parametrize(("fit", "homography"), [("scale", None), ("crop", None), ("align", 2.0)])
def test_a_fit_that_is_asked_for_takes_the_place_of_an_alignment(fit: Fit, homography: float | None) -> None:
    table = AlignmentTable(homography=((2, 0, 0), (0, 2, 0), (0, 0, 1)))
    rig = Rig(visible=CameraTable(address="a"), infrared=InfraredTable(address="b"), alignment=table)
    found = fitted_by(rig, fit).alignment
    assert (found.fit, found.homography[0][0]) == (fit, homography or 1.0)


def test_folders_with_other_names_are_refused(tmp_path: Path) -> None:
    folders(tmp_path, [flat(1)], [flat(1, channels=1)])
    write_picture(tmp_path / "ir" / "extra.png", flat(1))
    with pytest.raises(CoconetError, match="do not pair: "):
        open_rig(Rig.from_addresses(f"{tmp_path}/vis", f"{tmp_path}/ir"))


def test_folders_of_unlike_rates_need_no_equal_names(tmp_path: Path) -> None:
    folders(tmp_path, [flat(1)] * 6, [flat(1, channels=1)] * 2)
    text = '[visible]\naddress = "vis"\nfps = 30\n[infrared]\naddress = "ir"\nfps = 10\n'
    with open_rig(Rig.from_file(rig_file(tmp_path, text))) as stream:
        assert [pair.visible.name for pair in stream] == ["0000.png", "0003.png"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            CAMERAS + "agc = 1\n",
            r"infrared\.agc is not a known key here; known are address, name, fps, size_px, layout, decoder, offset_ms",
        ),
        ("[visible]\n" + CAMERAS[26:], r"rig\.toml, visible\.address is missing"),
        (CAMERAS + "fps = -1\n", r"rig\.toml, infrared\.fps must be 0\.001 or more, not -1"),
        (
            CAMERAS + "agc_percentiles = [9, 1]\n",
            r"rig\.toml, \[infrared\] agc_percentiles must be a low and a higher one",
        ),
        (
            CAMERAS + "[alignment]\nhomography = [[1, 0], [0, 1]]\n",
            r"rig\.toml, alignment\.homography\.0\.2 is missing",
        ),
        (
            CAMERAS + "[color]\n",
            r"rig\.toml, color is not a known key here; known are visible, infrared, pairing, alignment, health",
        ),
        (CAMERAS + 'realtime = "perhaps"\n', r"rig\.toml, infrared\.realtime is not a known key here; known are"),
        (CAMERAS + "fps = \n", r"rig\.toml is not valid TOML: .*line 5"),
    ],
)
def test_a_bad_rig_file_names_the_key(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(CoconetError, match=told):
        Rig.from_file(rig_file(tmp_path, text))


def test_a_missing_rig_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"none\.toml does not exist; expected a rig file"):
        Rig.from_file(tmp_path / "none.toml")


def test_a_password_is_not_repeated_by_an_error(tmp_path: Path) -> None:
    text = '[visible]\naddress = ["rtsp://me:secret@host"]\n[infrared]\naddress = "ir"\n'
    with pytest.raises(CoconetError) as caught:
        Rig.from_file(rig_file(tmp_path, text))
    assert "secret" not in str(caught.value)


def test_a_second_camera_that_does_not_open_is_told_and_a_second_try_works(tmp_path: Path) -> None:
    video = str(write_video(tmp_path / "a.mp4", [flat(1)]))
    with pytest.raises(CoconetError, match=r"none\.mp4 does not exist; expected a video file"):
        open_rig(Rig.from_addresses(video, str(tmp_path / "none.mp4")))
    with open_rig(Rig.from_addresses(video, video)) as stream:
        assert len(list(stream)) == 1


NUMBERS = ["1e308", "-1e308", "1e-300", "inf", "nan", "-nan", "1e999", "1" + "0" * 400, "9" * 5000, "1e300"]

LENS = "[alignment.infrared_lens]\nfocal_px = [{0}, 400.0]\ncentre_px = [320.0, 240.0]\n"

PLANE = "[alignment.plane]\nparallax_px_m = [1.0, 1.0]\naligned_at_m = {0}\ndistance_m = 5.0\n"


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    "lines",
    [
        "fps = {0}\n",
        "agc_time_constant_s = {0}\n",
        "agc_percentiles = [{0}, {0}]\n",
        "[health]\nlate_periods = {0}\n",
        "[alignment]\nhomography = [[{0}, 0, 0], [0, 1, 0], [0, 0, 1]]\n",
        LENS,
        PLANE,
    ],
)
def test_a_number_beyond_all_bounds_is_refused_in_few_words(tmp_path: Path, lines: str, number: str) -> None:
    with pytest.raises(CoconetError) as caught:
        Rig.from_file(rig_file(tmp_path, CAMERAS + lines.format(number)))
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("number", [number for number in NUMBERS if number != "1e-300"])
@pytest.mark.parametrize(
    "lines",
    [
        "offset_ms = {0}\n",
        "size_px = [{0}, 3]\n",
        "plateau_percent = {0}\n",
        "[pairing]\ntolerance_ms = {0}\n",
        "[health]\nlost_s = {0}\n",
        "[health]\nfrozen_s = {0}\n",
        "[alignment]\ndrift_alarm_px = {0}\n",
        "[alignment.visible_lens]\nfocal_px = [9, 9]\ncentre_px = [{0}, 1]\n",
        "[alignment.visible_lens]\nfocal_px = [9, 9]\ncentre_px = [1, 1]\ndistortion = [{0}, 0, 0, 0, 0]\n",
    ],
)
def test_a_number_that_may_be_near_nothing_is_refused_if_it_is_too_large(
    tmp_path: Path, lines: str, number: str
) -> None:
    with pytest.raises(CoconetError) as caught:
        Rig.from_file(rig_file(tmp_path, CAMERAS + lines.format(number)))
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("focal", ["0", "0.0", "-400.0", "0.01"])
def test_a_lens_without_a_focal_length_is_refused(tmp_path: Path, focal: str) -> None:
    with pytest.raises(CoconetError, match=r"\[alignment\] lens must have focal_px from 0.1 on"):
        Rig.from_file(rig_file(tmp_path, CAMERAS + LENS.format(focal)))


@pytest.mark.parametrize("text", ["[" * 5000, "a = " + "[" * 5000, "a = " + "{a=" * 3000, "\0", "visible = 5"])
def test_a_text_that_is_no_rig_is_refused_in_few_words(tmp_path: Path, text: str) -> None:
    with pytest.raises(CoconetError) as caught:
        Rig.from_file(rig_file(tmp_path, text))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("keys", "paired", "skew_ms"),
    [
        ("", 20, 0),
        ('[pairing]\nstarts = "together"\n', 20, 0),
        ('[pairing]\nstarts = "stamped"\n', 8, 0),
        ("offset", 20, 0),
    ],
)
def test_files_whose_clocks_begin_apart(tmp_path: Path, keys: str, paired: int, skew_ms: int) -> None:
    write_stamped_video(tmp_path / "vis.mp4", [0.04 * index for index in range(20)])
    write_stamped_video(tmp_path / "ir.mkv", [0.48 + 0.04 * index for index in range(20)])
    text = '[visible]\naddress = "vis.mp4"\n[infrared]\naddress = "ir.mkv"\n'
    text += "offset_ms = -480\n" if keys == "offset" else keys
    with open_rig(Rig.from_file(rig_file(tmp_path, text))) as stream:
        pairs = list(stream)
    assert len(pairs) == paired
    assert {round(pair.skew_ns / 1e6) for pair in pairs} == {skew_ms}


DEVICE = '[visible]\naddress = "synthetic://"\n[infrared]\naddress = "/dev/video2"\n'


def test_a_layout_may_be_described_in_the_rig(tmp_path: Path) -> None:
    text = DEVICE + "[infrared.layout]\nfourcc = 'Y16 '\nwidth = 160\nheight = 122\nrows = 120\nbyte_order = 'big'\n"
    layout = Rig.from_file(rig_file(tmp_path, text)).infrared.frame_layout()
    assert layout == FrameLayout("Y16 ", 160, 122, rows=120, byte_order="big")
    named = Rig.from_file(rig_file(tmp_path, DEVICE + 'layout = "boson-640-telemetry"\n')).infrared.frame_layout()
    assert named == FrameLayout("Y16 ", 640, 514, first_row=2, rows=512)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('layout = "bosom"', "layout must be lepton or"),
        (
            "layout = { fourcc = 'YUYV', width = 256, height = 384, first_row = 192, rows = 193 }",
            "rows within the height",
        ),
        ("layout = { fourcc = 'YUY', width = 256, height = 384 }", "fourcc of four"),
        ("layout = { fourcc = 'YUYV', width = 256 }", "layout"),
        ("layout = { fourcc = 'YUYV', width = 256, height = 8, scale = 0.0 }", "a scale other than 0"),
    ],
)
def test_a_layout_that_cannot_be_is_refused_when_the_file_is_read(keys: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=said):
        Rig.from_file(rig_file(tmp_path, DEVICE + keys))
