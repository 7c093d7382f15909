"""Alarms and looks of a run from Python: what is called, in which thread, and what goes out."""

from __future__ import annotations

from pathlib import Path
from threading import current_thread

import numpy as np
import pytest

import coconet
from coconet.errors import CoconetError
from coconet.media.image import read_picture
from tests.support.media.heat_scenes import counts_of, disc_c
from tests.support.rigs.heat_rig import heat_rig

ALARM = """
[[alarm]]
name = "too hot"
meter = "disc"
when = "above"
limits = [50]
"""
RED = (40, 60, 255)


def rig_of(folder: Path, *celsius: float, alarm: str = ALARM) -> coconet.PairStream:
    """A rig whose disc has these temperatures, one after another."""
    file = heat_rig(folder, [counts_of(disc_c(warm)) for warm in celsius], "fps = 25")
    text = file.read_text().replace('address = "vis"', 'address = "vis"\nfps = 25')
    file.write_text(text + alarm)
    return coconet.open_rig(file)


def test_every_event_is_told_in_the_calling_thread_before_its_frame(tmp_path: Path) -> None:
    told: list[object] = []

    def hear(event: coconet.AlarmEvent) -> None:
        assert current_thread() is caller
        told.append((event.alarm, event.change, event.value))

    def note(frame: coconet.FusedFrame) -> None:
        told.append(frame.pair.visible.index)

    caller = current_thread()
    with coconet.load("average") as fuse:
        coconet.run(rig_of(tmp_path, 25, 60, 60, 25), fuse, on_frame=note, on_alarm=hear)
    assert told == [0, ("too hot", "begun", 60.0), 1, 2, ("too hot", "over", 25.0), 3]


def test_an_error_of_the_listener_ends_the_run_and_comes_out(tmp_path: Path) -> None:
    def hear(_event: coconet.AlarmEvent) -> None:
        raise ZeroDivisionError

    with coconet.load("average") as fuse, pytest.raises(ZeroDivisionError):
        coconet.run(rig_of(tmp_path, 60), fuse, on_alarm=hear)


def test_alarms_are_recorded_as_the_rig_file_says_unless_they_are_not_watched(tmp_path: Path) -> None:
    recording = f'[alarms.recording]\nfolder = "{tmp_path / "events"}"\n'
    with coconet.load("average") as fuse:
        coconet.run(rig_of(tmp_path, 20, 60, alarm=ALARM + recording), fuse, alarms=False)
        assert not (tmp_path / "events").exists()
        coconet.run(coconet.open_rig(tmp_path / "rig.toml"), fuse)
    (folder,) = (tmp_path / "events").iterdir()
    assert folder.name.endswith("too-hot")
    assert (folder / "events.json").exists()


@pytest.mark.parametrize("alarms", [True, False])
def test_a_listener_without_anything_to_hear_is_refused(tmp_path: Path, alarms: bool) -> None:
    stream = rig_of(tmp_path, 20, alarm=ALARM if not alarms else "")
    with coconet.load("average") as fuse, pytest.raises(CoconetError, match="on_alarm would never be called"):
        coconet.run(stream, fuse, on_alarm=print, alarms=alarms)


def test_what_goes_out_is_the_look_and_what_is_told_the_fused_picture(tmp_path: Path) -> None:
    pixels = []
    with coconet.load("average") as fuse:
        keys = {"show": "isotherm", "isotherm": {"above": 30}}
        out = tmp_path / "out"
        coconet.run(rig_of(tmp_path, 36.5), fuse, out=out, look=keys, on_frame=lambda one: pixels.append(one.pixels))
    red = (read_picture(next(out.iterdir())) == RED).all(axis=2)
    assert (red != np.kron(disc_c() > 30, np.ones((2, 2), bool))).mean() < 0.01
    assert not (pixels[0] == RED).all(axis=2).any()


@pytest.mark.parametrize("look", [{"show": "heat"}, {"colours": "pink"}, "edges"])
def test_a_look_that_is_none_is_refused_before_anything_is_written(tmp_path: Path, look: object) -> None:
    stream = rig_of(tmp_path, 20)
    with coconet.load("average") as fuse, pytest.raises(CoconetError, match="look"):
        coconet.run(stream, fuse, out=tmp_path / "out", look=look)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
