"""A folder run that fails keeps what it finished, goes on where it stopped, and lists the pairs it leaves out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError, ExitCode
from coconet.media.image import read_picture
from coconet.media.pixels import Pixels
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.commands.run import run
from coconet.runtime.frame import Frame
from coconet.runtime.loop.pipeline import Ending, run_pipeline
from coconet.runtime.loop.selection import Selection
from coconet.runtime.pairing.pair_stream import pair_recordings
from coconet.runtime.sinks.sink import NoSink
from tests.support.media.recordings import ListCamera, flat, write_folder, write_video
from tests.support.programs.called import call, complaint_of


@pytest.fixture
def words(tmp_path: Path) -> list[object]:
    """A run over five pairs of pictures, of which the third infrared one is no picture."""
    for side in ("vis", "ir"):
        write_folder(tmp_path / side, [flat(40 * level) for level in range(1, 6)])
    (tmp_path / "ir" / "0002.png").write_bytes(b"no picture")
    return [
        "--visible",
        tmp_path / "vis",
        "--infrared",
        tmp_path / "ir",
        "--model",
        "average",
        "--out",
        tmp_path / "o/",
    ]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_finished_before_an_error_stays(tmp_path: Path, words: list[object]) -> None:
    assert "0002.png is not a picture" in complaint_of(run, *words)
    assert names(tmp_path / "o") == ["0000.png", "0001.png"]


def test_misfits_are_left_out_and_listed_with_a_code_of_their_own(tmp_path: Path, words: list[object]) -> None:
    done = call(run, *words, "--on-error", "skip")
    assert done.exit_code == int(ExitCode.MISFITS) == 7
    assert "left out: 0002.png: " in done.output
    assert names(tmp_path / "o") == ["0000.png", "0001.png", "0003.png", "0004.png"]
    assert abs(int(read_picture(tmp_path / "o" / "0003.png").mean()) - 160) <= 1  # with its own partner, not the next


def test_a_pair_that_the_model_refuses_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path / "vis", [flat(40), flat(80, 3, 5)])
    write_folder(tmp_path / "ir", [flat(40), flat(80, 3, 5)])
    words = ["lite", tmp_path / "vis", tmp_path / "ir", "--out", tmp_path / "o/"]
    assert complaint_of(run, *words).startswith("0001.png, frame size is 5x3")


@pytest.mark.parametrize("several", [1, 3])
def test_a_pair_that_the_model_refuses_is_a_misfit_too(several: int) -> None:
    class Picky(BaselineBackend):
        depth = several

        def submit(self, visible: Pixels, infrared: Pixels) -> None:
            raise AssertionError("a pair that fails would take those beside it along")

        def collect(self) -> Pixels:
            raise AssertionError("nothing was submitted")

        def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
            if visible[0, 0, 0] == 3:
                raise CoconetError(
                    "model",
                    wanted="another picture",
                    got="this one",
                    remedy="Leave it out.",
                    says="does not fuse this picture",
                )
            return super().fuse(visible, infrared)

    frames = [Frame(flat(level), level * 40_000_000, level) for level in range(6)]
    gray = [Frame(frame.pixels[:, :, :1], frame.timestamp_ns, frame.index) for frame in frames]
    ending = Ending(limit=4, selection=Selection(skips_misfits=True))
    with pair_recordings(ListCamera(frames), ListCamera(gray)) as pairs:
        report = run_pipeline(pairs, Picky(), NoSink(), ending=ending)
    assert report.fused == 4
    assert [misfit.name for misfit in report.misfits] == ["frame 3"]


def test_a_run_goes_on_with_what_is_not_there(tmp_path: Path, words: list[object]) -> None:
    call(run, *words)
    (tmp_path / "o" / "0000.png").write_bytes(b"of an earlier run")
    (tmp_path / "o" / "0001.png").write_bytes(b"")  # nothing was written into it before a power cut
    write_folder(tmp_path / "new", [flat(120)])
    (tmp_path / "new" / "0000.png").replace(tmp_path / "ir" / "0002.png")
    done = call(run, *words, "--skip-existing")
    assert done.exit_code == 0, done.exception
    assert "1 picture there already" in " ".join(done.output.split())
    assert (tmp_path / "o" / "0000.png").read_bytes() == b"of an earlier run"
    assert [int(read_picture(tmp_path / "o" / f"{n:04}.png").mean()) for n in range(1, 5)] == [80, 120, 160, 200]
    again = call(run, *words, "--skip-existing")
    assert again.exit_code == 0, again.exception


def test_pictures_of_an_earlier_run_are_replaced_only_if_asked(tmp_path: Path, words: list[object]) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "0004.png").write_bytes(b"of an earlier run")
    refused = f"{tmp_path / 'o'} already exists. Choose another name or pass --overwrite."
    assert complaint_of(run, *words) == refused
    complaint_of(run, *words, "--overwrite")
    assert names(tmp_path / "o") == ["0000.png", "0001.png", "0004.png"]
    assert (tmp_path / "o" / "0004.png").read_bytes() == b"of an earlier run"


def test_only_misfits_are_an_error(tmp_path: Path, words: list[object]) -> None:
    for path in (tmp_path / "vis").iterdir():
        path.write_bytes(b"no picture")
    assert "gave 5 pairs, none of which could be fused" in complaint_of(run, *words, "--on-error", "skip")


def test_what_is_there_is_skipped_in_folders_only(tmp_path: Path, words: list[object]) -> None:
    words[-1] = tmp_path / "fused.mp4"
    assert "applies to a folder of pictures only" in complaint_of(run, *words, "--skip-existing")


@pytest.mark.parametrize("output", ["vis.mp4", "link.mp4", "ir.mp4", "sub/../vis.mp4"])
def test_a_run_never_writes_over_its_recordings(tmp_path: Path, output: str) -> None:
    (tmp_path / "sub").mkdir()
    vis, ir = (write_video(tmp_path / f"{side}.mp4", [flat(50), flat(60)]) for side in ("vis", "ir"))
    vis.chmod(0o444)
    (tmp_path / "link.mp4").hardlink_to(vis)
    before = vis.read_bytes(), ir.read_bytes()
    words = ("--visible", vis, "--infrared", ir, "--model", "average", "--out", tmp_path / output, "--overwrite")
    error = call(run, *words).exception
    assert isinstance(error, CoconetError)
    assert error.exit_code == ExitCode.REFUSED
    assert (vis.read_bytes(), ir.read_bytes()) == before


def test_a_picture_folder_is_no_place_for_results(tmp_path: Path, words: list[object]) -> None:
    before = {path: path.read_bytes() for side in ("vis", "ir") for path in (tmp_path / side).iterdir()}
    for output in ("vis/", "ir", "."):
        words[-1] = f"{tmp_path}/{output}"
        assert "write over or among the input" in complaint_of(run, *words, "--overwrite", "--on-error", "skip")
    assert {path: path.read_bytes() for path in before} == before


def test_rotation_does_not_delete_what_is_read(tmp_path: Path) -> None:
    vis, ir = (write_video(tmp_path / f"day-2026010{n}T000000-000Z.mp4", [flat(50), flat(60)]) for n in (1, 2))
    words = ("--visible", vis, "--infrared", ir, "--model", "average", "--rotate-minutes", 1, "--keep", 1)
    assert "write over or among the input" in complaint_of(run, *words, "--out", tmp_path / "day.mp4")
    assert np.all([vis.is_file(), ir.is_file()])
