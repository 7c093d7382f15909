"""A run from Python: what is called, what ends it, and what it leaves behind."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event, Thread, current_thread

import numpy as np
import onnx
import pytest

import coconet
from coconet.cards.model_card import CalibrationRecord, FrontEnd
from coconet.cards.onnx_card import attach_card
from coconet.errors import CoconetError, ExitCode
from coconet.media.image import read_picture
from coconet.runtime.api.model import FusionModel
from coconet.runtime.commands.run import run
from tests.support.media.recordings import ListCamera
from tests.support.models.tiny_onnx import averaging_card, write_averaging_model
from tests.support.programs.called import call

SYNTHETIC = "synthetic://?width=64&height=48&fps=30"
SHORT = f"{SYNTHETIC}&duration_s=0.2"


def pairs(address: str = SHORT) -> coconet.PairStream:
    return coconet.open_pairs(coconet.Rig.from_addresses(address, address))


def average() -> FusionModel:
    return coconet.load("average")


def test_every_frame_is_reported_in_the_calling_thread_and_counted() -> None:
    frames: list[coconet.FusedFrame] = []
    threads = []

    def note(frame: coconet.FusedFrame) -> None:
        frames.append(frame)
        threads.append(current_thread())

    stream = pairs()
    with average() as fuse:
        report = coconet.run(stream, fuse, on_frame=note)
        for frame in frames:
            expected = fuse(frame.pair.visible.pixels, frame.pair.infrared.pixels)  # the model stays open
            assert np.array_equal(frame.pixels, expected)
    assert [frame.pair.visible.index for frame in frames] == list(range(6))
    assert set(threads) == {current_thread()}
    assert (report.fused, report.interrupted, report.model) == (6, False, "average")
    assert report.counts == stream.counts
    assert report.counts.visible == report.counts.infrared
    assert report.counts.visible.paired == 6


def test_what_would_have_to_be_awaited_is_refused_before_or_at_the_first_frame() -> None:
    async def show(_frame: coconet.FusedFrame) -> None:
        """Never runs."""

    class Shows:
        async def __call__(self, frame: coconet.FusedFrame) -> None:
            """Never runs."""

    with average() as fuse:
        for called in (show, Shows(), partial(show)):
            with pytest.raises(CoconetError, match="^on_frame is an async function, which nothing here awaits"):
                coconet.run(pairs(), fuse, on_frame=called)
        with pytest.raises(CoconetError, match="^on_frame gives a coroutine, which nothing here awaits"):
            coconet.run(pairs(), fuse, on_frame=lambda frame: show(frame))  # noqa: PLW0108


@pytest.mark.parametrize("realtime", [False, True])
@pytest.mark.parametrize(
    ("lengths", "said"),
    [((0, 0), "Look at both cameras"), ((0, 3), "the visible camera gave no frame. Look at the visible")],
)
def test_cameras_that_end_before_they_gave_a_frame_are_said_to_be_empty(
    lengths: tuple[int, int], said: str, realtime: bool
) -> None:
    visible, infrared = (
        ListCamera(
            [coconet.Frame(np.zeros((4, 6), np.uint8), at * 40_000_000) for at in range(count)], realtime=realtime
        )
        for count in lengths
    )
    with average() as fuse, pytest.raises(CoconetError, match=said):
        coconet.run(coconet.pair_cameras(visible, infrared), fuse)


@pytest.mark.parametrize("step", [0, -40_000_000])
def test_stamps_that_do_not_increase_are_a_warning(step: int) -> None:
    frames = [coconet.Frame(np.zeros((4, 6), np.uint8), 10**9 + at * step) for at in range(9)]
    cameras = ListCamera(frames), ListCamera(list(frames))
    with average() as fuse, pytest.warns(UserWarning, match=r"8 of 9 visible frames .*8 stale.*later timestamp_ns"):
        assert coconet.run(coconet.pair_cameras(*cameras), fuse).fused == 1


def test_what_is_there_is_refused_in_words_of_python(tmp_path: Path) -> None:
    (tmp_path / "there.mp4").write_bytes(b"x")
    with average() as fuse, pytest.raises(CoconetError, match=r"Choose another name, or pass overwrite=True\.$"):
        coconet.run(pairs(), fuse, out=tmp_path / "there.mp4")


def test_what_is_fused_is_what_coconet_run_writes(tmp_path: Path) -> None:
    with average() as fuse:
        coconet.run(pairs(), fuse, out=tmp_path / "ours")
    options = ("--visible", SHORT, "--infrared", SHORT, "--model", "average", "--out", tmp_path / "theirs")
    assert call(run, *options).exit_code == 0
    ours, theirs = (
        {path.name: read_picture(path) for path in (tmp_path / name).iterdir()} for name in ("ours", "theirs")
    )
    assert sorted(ours) == sorted(theirs) == [f"{index:06d}.png" for index in range(6)]
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("heat", [0, 30, 100])
def test_the_heat_is_in_the_frames_and_in_what_is_written(heat: float, tmp_path: Path) -> None:
    frames: list[coconet.FusedFrame] = []
    with average() as fuse:
        coconet.run(pairs(), fuse, out=tmp_path / "fused", heat=heat, on_frame=frames.append)
        last = frames[-1]
        expected = fuse(last.pair.visible.pixels, last.pair.infrared.pixels, heat=heat)
        made = fuse(last.pair.visible.pixels, last.pair.infrared.pixels)
    assert np.array_equal(last.fused, made)
    assert np.array_equal(last.pixels, expected)
    assert np.array_equal(read_picture(tmp_path / "fused" / "000005.png"), expected)
    assert not np.array_equal(made, expected)


def test_a_run_at_50_gives_what_the_model_made_itself() -> None:
    frames: list[coconet.FusedFrame] = []
    with average() as fuse:
        coconet.run(pairs(), fuse, heat=50, on_frame=frames.append)
    assert all(frame.pixels is frame.fused and frame.finish is None for frame in frames)


@pytest.mark.parametrize(
    ("heat", "got"), [(101, "101"), (-1, "-1"), ("hot", "type str"), (True, "type bool"), (float("nan"), "nan")]
)
def test_a_heat_that_is_none_is_refused_and_the_cameras_stay_unread(heat: float, got: str) -> None:
    stream = pairs()
    with average() as fuse, pytest.raises(CoconetError, match=f"heat must be a number from 0 to 100, not .*{got}"):
        coconet.run(stream, fuse, heat=heat)
    assert stream.counts.visible.read == 0


def test_a_stop_set_by_the_callback_ends_it_after_that_frame_and_keeps_the_video(tmp_path: Path) -> None:
    stop, seen = Event(), []

    def note(frame: coconet.FusedFrame) -> None:
        seen.append(frame)
        if len(seen) == 3:
            stop.set()

    with average() as fuse:
        report = coconet.run(pairs(SYNTHETIC), fuse, out=str(tmp_path / "fused.mp4"), on_frame=note, stop=stop)
    assert (len(seen), report.fused, report.interrupted) == (3, 3, True)
    assert [path.name for path in tmp_path.iterdir()] == ["fused.mp4"]


def test_a_stop_set_by_another_thread_ends_a_run_without_end() -> None:
    stop, begun = Event(), Event()

    def stop_once_begun() -> None:
        begun.wait()
        stop.set()

    setter = Thread(target=stop_once_begun)
    setter.start()
    with average() as fuse:
        report = coconet.run(pairs(SYNTHETIC), fuse, on_frame=lambda frame: begun.set(), stop=stop)
    setter.join()
    assert report.interrupted
    assert report.fused >= 1


def test_a_stop_set_beforehand_fuses_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    with average() as fuse:
        report = coconet.run(pairs(SYNTHETIC), fuse, out=tmp_path / "fused.mp4", stop=stop)
    assert (report.fused, report.interrupted) == (0, True)
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_callback_comes_out_and_leaves_an_unfinished_video(tmp_path: Path) -> None:
    def fail(frame: coconet.FusedFrame) -> None:
        raise ZeroDivisionError

    stream = pairs(SYNTHETIC)
    with average() as fuse:
        with pytest.raises(ZeroDivisionError):
            coconet.run(stream, fuse, out=tmp_path / "fused.mp4", on_frame=fail)
        assert fuse(np.zeros((48, 64), np.uint8), np.zeros((48, 64), np.uint8)).shape == (48, 64)
    assert [path.name for path in tmp_path.iterdir()] == ["fused.mp4.unfinished"]
    with pytest.raises(CoconetError, match="closed"):
        next(iter(stream))


def test_the_callback_may_call_the_model_that_runs() -> None:
    again = []
    with average() as fuse:
        coconet.run(pairs(), fuse, on_frame=lambda frame: again.append(fuse(frame.pixels, frame.pixels[:, :, 0])))
    assert len(again) == 6


def test_pairs_that_were_used_before_are_refused() -> None:
    stream = pairs()
    with average() as fuse:
        with stream, pytest.raises(CoconetError, match="pairs can be entered only once"):
            coconet.run(stream, fuse)
        with pytest.raises(CoconetError, match="pairs can be entered only once"):
            coconet.run(stream, fuse)


@pytest.mark.parametrize(("out", "code"), [("fused.avi.txt", ExitCode.REFUSED), ("gone/fused.mp4", ExitCode.OUTPUT)])
def test_an_output_that_cannot_be_written_is_refused(
    out: str, code: ExitCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with average() as fuse, pytest.raises(CoconetError) as refused:
        coconet.run(pairs(), fuse, out=out)
    assert refused.value.exit_code == code
    assert list(tmp_path.iterdir()) == []


def test_a_closed_model_and_a_model_of_another_size_are_errors_of_the_model(tmp_path: Path) -> None:
    closed = average()
    closed.close()
    with pytest.raises(CoconetError, match="is closed") as refused:
        coconet.run(pairs(), closed)
    assert refused.value.exit_code == ExitCode.MODEL
    with coconet.load(write_averaging_model(tmp_path / "m.onnx", size=(32, 32))) as fuse:
        with pytest.raises(CoconetError, match="exported for 32x32") as refused:
            coconet.run(pairs(), fuse)
        assert refused.value.exit_code == ExitCode.MODEL


def test_a_model_calibrated_behind_another_front_end_is_a_warning_of_python(tmp_path: Path) -> None:
    path = write_averaging_model(tmp_path / "int8.onnx")
    record = CalibrationRecord(3, "1" * 64, "max", FrontEnd(black_hot=True))
    model = onnx.load(path)
    attach_card(model, replace(averaging_card(), precision="int8", calibration=record))
    onnx.save(model, path)
    with coconet.load(path, backend="ort") as fuse, pytest.warns(UserWarning, match="the infrared front end differs"):
        coconet.run(pairs(), fuse)


def test_it_writes_nothing_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with average() as fuse:
        coconet.run(pairs(), fuse)
    assert capfd.readouterr() == ("", "")
