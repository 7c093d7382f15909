"""The time between two cameras, found from what moves in both pictures."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coconet.calibration.alignment import find_time_offset as search
from coconet.calibration.alignment.find_time_offset import search_offset
from coconet.calibration.alignment.motion import MotionTrace
from coconet.calibration.alignment.time_offset import TimeOffset, find_time_offset
from coconet.calibration.commands.offset import offset
from coconet.config import read_toml
from coconet.errors import CoconetError
from coconet.runtime.cameras.open_camera import Role
from coconet.runtime.cameras.synthetic.camera import SyntheticCamera, SyntheticSettings
from coconet.runtime.frame import Frame
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.recordings import flat, write_video
from tests.support.programs.called import call, complaint_of

MS = 10**6
FPS, SECONDS = 50, 6.0


def synthetic(role: Role) -> list[Frame]:
    camera = SyntheticCamera(role, SyntheticSettings(fps=FPS, width=128, height=96, duration_s=SECONDS))
    return list(iter(camera.read, None))


@pytest.fixture(scope="module")
def street() -> tuple[list[Frame], list[Frame]]:
    """The synthetic street in light and in heat, of the same moments."""
    return synthetic("visible"), synthetic("infrared")


def traced(frames: list[Frame], fps: float = FPS, shift_ms: float = 0.0) -> MotionTrace:
    trace, due_ns = MotionTrace(), 0.0
    for frame in frames:
        if frame.timestamp_ns >= due_ns:
            trace.add(frame.pixels, frame.timestamp_ns + round(shift_ms * MS))
            due_ns += 1e9 / fps
    return trace


@pytest.mark.slow
@settings(max_examples=8)
@given(st.floats(-300, 300), st.sampled_from([50, 30, 25]), st.sampled_from([50, 25, 9]))
def test_a_known_shift_is_recovered_to_a_frame_of_the_faster_camera(
    street: tuple[list[Frame], list[Frame]], shift_ms: float, visible_fps: float, infrared_fps: float
) -> None:
    found = find_time_offset(traced(street[0], visible_fps), traced(street[1], infrared_fps, shift_ms))
    assert found.lag_ms == pytest.approx(shift_ms, abs=1000 / 30)


def test_a_picture_against_itself_lies_at_zero_whatever_its_exposure(street: tuple[list[Frame], list[Frame]]) -> None:
    rng = np.random.default_rng(3)
    flickering = MotionTrace()
    for frame in street[0]:
        pixels = np.clip(frame.pixels * rng.uniform(0.6, 1.0) + rng.uniform(0, 40), 0, 255).astype(np.uint8)
        flickering.add(pixels, frame.timestamp_ns)
    found = find_time_offset(traced(street[0]), flickering)
    assert found.lag_ms == pytest.approx(0, abs=2)
    assert found.clear


def test_raw_counts_of_another_size_do_as_well(street: tuple[list[Frame], list[Frame]]) -> None:
    raw = [Frame(frame.pixels[::2, ::2].astype(np.uint16) * 20 + 7000, frame.timestamp_ns, 0) for frame in street[1]]
    assert find_time_offset(traced(street[0]), traced(raw, 9, -120)).lag_ms == pytest.approx(-120, abs=1000 / 30)


def test_pictures_of_two_places_are_refused(street: tuple[list[Frame], list[Frame]]) -> None:
    backwards = zip(street[1], reversed(street[1]), strict=True)
    elsewhere = [Frame(other.pixels[::-1, ::-1], frame.timestamp_ns, 0) for frame, other in backwards]
    with pytest.raises(
        CoconetError, match="no time stands out at which motion in both pictures agrees \\(a best agreement of"
    ):
        find_time_offset(traced(street[0]), traced(elsewhere))


def test_a_picture_that_stands_still_is_refused(street: tuple[list[Frame], list[Frame]]) -> None:
    still = [Frame(street[0][0].pixels, frame.timestamp_ns, frame.index) for frame in street[0]]
    with pytest.raises(CoconetError, match="offset cannot be found: nothing moves in the visible picture"):
        find_time_offset(traced(still), traced(street[1]))


def test_noise_is_no_motion(street: tuple[list[Frame], list[Frame]]) -> None:
    rng = np.random.default_rng(0)
    noise = [Frame(flat(90) + rng.integers(0, 9, (24, 32, 3), np.uint8), f.timestamp_ns, 0) for f in street[0]]
    with pytest.raises(CoconetError, match="no time stands out"):
        find_time_offset(traced(noise), traced(street[1]))


def test_a_few_frames_are_too_few(street: tuple[list[Frame], list[Frame]]) -> None:
    with pytest.raises(CoconetError, match=r"3 s of both cameras, and there are 2.0 s of the infrared one"):
        find_time_offset(traced(street[0]), traced(street[1][:100]))


@pytest.mark.parametrize("shift_ms", [-300.0, 250.0])
def test_an_offset_beyond_the_search_is_not_taken_for_its_end(
    street: tuple[list[Frame], list[Frame]], shift_ms: float
) -> None:
    both = traced(street[0]), traced(street[1], shift_ms=shift_ms)
    with pytest.raises(CoconetError, match=r"at the end of the search, 2\d0 ms.*--most-ms"):
        find_time_offset(*both, most_ms=200)
    assert find_time_offset(*both, most_ms=400).lag_ms == pytest.approx(shift_ms, abs=1000 / 30)


def test_an_offset_at_the_end_of_the_search_is_found(street: tuple[list[Frame], list[Frame]]) -> None:
    assert find_time_offset(traced(street[0]), traced(street[1], shift_ms=200), 200).lag_ms == pytest.approx(
        200, abs=34
    )


def test_a_peak_is_clear_that_is_high_and_alone() -> None:
    assert TimeOffset(10, peak=0.3, second=0.1, span_s=9).clear
    assert not TimeOffset(10, peak=0.3, second=0.2, span_s=9).clear
    assert not TimeOffset(10, peak=0.05, second=-0.1, span_s=9).clear


def rig_of(folder: Path, visible: list[Frame], infrared: list[Frame]) -> Path:
    sides = {"visible": visible, "infrared": infrared}
    for name, frames in sides.items():
        colour = (np.broadcast_to(frame.pixels, (*frame.pixels.shape[:2], 3)) for frame in frames)
        write_video(folder / f"{name}.mkv", colour, FPS)
    rig = folder / "rig.toml"
    rig.write_text(
        '[visible]\naddress = "visible.mkv"  # front\noffset_ms = 5.0\n\n[infrared]\naddress = "infrared.mkv"\n'
    )
    return rig


def test_the_command_gives_the_later_camera_its_offset(street: tuple[list[Frame], list[Frame]], tmp_path: Path) -> None:
    rig = rig_of(tmp_path, street[0], street[1][10:])  # what infrared shows at 0 s visible shows at 0.2 s
    answer = call(offset, rig, "--seconds", 5)
    assert answer.exit_code == 0, answer.exception
    assert "visible stamps are" in answer.stdout
    fields = read_toml(rig, "a rig file")
    assert fields["visible"]["offset_ms"] == pytest.approx(-200, abs=1000 / 30)
    assert "offset_ms" not in fields["infrared"]
    assert 'address = "visible.mkv"  # front' in rig.read_text()


def test_the_command_leaves_the_file_alone_where_nothing_is_found(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, [Frame(flat(9), 0, 0)] * 200, [Frame(flat(9, channels=1), 0, 0)] * 200)
    before = rig.read_text()
    assert "nothing moves in the visible picture" in complaint_of(offset, rig)
    assert rig.read_text() == before


def test_live_cameras_are_watched_for_the_time_that_was_asked_for(tmp_path: Path) -> None:
    address = "synthetic://?width=128&height=96&fps={}"
    rig = tmp_path / "rig.toml"
    tables = f'[visible]\naddress = "{address.format(30)}"\n[infrared]\naddress = "{address.format(25)}"\n'
    rig.write_text(f"realtime = true\n{tables}")
    answer = call(offset, rig, "--seconds", 4, "--no-save")
    assert answer.exit_code == 0, answer.exception
    assert "in 4 s" in answer.stdout
    assert rig.read_text() == f"realtime = true\n{tables}"


class StuckCamera:
    """A live camera whose driver never returns."""

    name, realtime = "stuck", True

    def __init__(self, over: Event) -> None:
        self._over = over

    def read(self) -> Frame | None:
        self._over.wait()
        return None

    def close(self) -> None:
        """Nothing to release."""


def test_an_alignment_that_was_found_at_other_sizes_lays_what_moves_where_it_is() -> None:
    def opener(_rig: Rig, role: Role) -> SyntheticCamera:
        width, height = (128, 96) if role == "visible" else (64, 48)
        return SyntheticCamera(role, SyntheticSettings(fps=25, width=width, height=height, duration_s=SECONDS))

    known = {"size_px": (128, 96), "infrared_size_px": (128, 96), "homography": [[1, 0, 2], [0, 1, 1], [0, 0, 1]]}
    side = {"address": "synthetic://"}
    rig = Rig.model_validate({"visible": side, "infrared": side, "alignment": known})
    assert search_offset(rig, opener=opener).lag_ms == pytest.approx(0, abs=10)


def test_a_camera_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_PATIENCE_S", 0.1)
    over = Event()
    try:
        with pytest.raises(CoconetError, match="visible camera gave no frame within 0.1 s"):
            search_offset(Rig.from_addresses("synthetic://", "synthetic://"), opener=lambda *_: StuckCamera(over))
    finally:
        over.set()


@pytest.mark.slow
@pytest.mark.data
def test_people_behind_smoke_tell_the_time_between_unlike_cameras(data: Path) -> None:
    from coconet.benchmarks.studies.offset_recovery import Case

    clips = [data / "video" / f"0117_1605_{side}.mp4" for side in ("vis", "ir")]
    for rates, shift_ms in (((30.0, 9.0), 180.0), ((30.0, 25.0), -65.0)):
        assert abs(Case(clips[0], clips[1], 2.0, rates, shift_ms).error_ms(10)) < 1000 / 30
