"""A rig tuned while it runs: what changes at once, what is refused, and what stands in the file afterwards."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.cameras.open_camera import Role
from coconet.runtime.look import Look
from coconet.runtime.pairing.paired_captures import Policy
from coconet.runtime.rig.live_settings import TUNABLE, AdjustableRig
from coconet.runtime.rig.open_rig import open_side
from coconet.runtime.rig.rig_file import PairingTable, Rig
from tests.support.media.pair_folders import write_pairs
from tests.support.rigs.live_rig import live_rig, until

RIG = """# the roof
[visible]
address = "vis"

[infrared]   # Boson, serial 7
address = "ir"
offset_ms = 2.5  # measured with a flash
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    ramp = np.arange(64 * 48, dtype=np.uint16).reshape(48, 64, 1) * 10
    write_pairs(tmp_path, [(np.full((48, 64, 3), 90, np.uint8), ramp)] * 6)
    (tmp_path / "rig.toml").write_text(RIG)
    return tmp_path / "rig.toml"


def test_the_contrast_changes_from_one_pair_to_the_next(file: Path) -> None:
    tuner = AdjustableRig(Rig.from_file(file), file)
    with tuner.open() as pairs:
        stream = iter(pairs)
        before = next(stream).infrared.pixels
        tuner.change({"infrared": {"black_hot": True}})
        after = next(stream).infrared.pixels
    assert np.array_equal(after, 255 - before)


def test_the_range_changes_from_one_pair_to_the_next(file: Path) -> None:
    tuner = AdjustableRig(Rig.from_file(file), file)
    assert tuner.settings()["infrared"]["range_of"] == "each"
    with tuner.open() as pairs:
        stream = iter(pairs)
        assert next(stream).infrared.pixels.max() == 255
        tuner.change({"infrared": {"range_of": "0..61440"}})
        assert abs(int(next(stream).infrared.pixels.max()) - 127) <= 1


def test_an_alignment_changes_from_one_pair_to_the_next(file: Path) -> None:
    tuner = AdjustableRig(Rig.from_file(file), file)
    with tuner.open() as pairs:
        stream = iter(pairs)
        before = next(stream).infrared.pixels
        tuner.change({"alignment": {"homography": [[1, 0, 5], [0, 1, 0], [0, 0, 1]]}})
        after = next(stream).infrared.pixels
    assert np.array_equal(after[:, 5:], before[:, :-5])
    assert not after[:, :5].any()


def test_the_heat_changes_from_one_pair_to_the_next_and_is_saved(file: Path) -> None:
    tuner = AdjustableRig(Rig.from_file(file), file)
    with tuner.open() as pairs:
        stream = iter(pairs)
        before = next(stream)
        tuner.change({"fusion": {"heat": 80}})
        assert [one.heat_percent for one in (before, next(stream))] == [50, 80]
    tuner.save()
    assert file.read_text() == f"{RIG}\n[fusion]\nheat = 80.0\n"
    assert Rig.from_file(file).fusion.heat == 80


def test_what_changes_while_the_cameras_are_opened_holds_from_the_first_pair_on(file: Path) -> None:
    file.write_text(f'{RIG}temperature = {{scheme = "lepton"}}\n')

    def change_and_open(rig: Rig, role: Role) -> Camera:
        if role == "infrared":  # as a page does, which is there before the cameras are
            tuner.change({"infrared": {"black_hot": True}, "fusion": {"heat": 80}})
            tuner.change_meters([{"name": "all", "kind": "hottest"}])
        return open_side(rig, role)

    with AdjustableRig(Rig.from_file(file), file).open() as pairs:
        before = next(iter(pairs)).infrared.pixels
    tuner = AdjustableRig(Rig.from_file(file), file, opener=change_and_open)
    with tuner.open() as pairs:
        after = next(iter(pairs))
    assert np.array_equal(after.infrared.pixels, 255 - before)
    assert after.heat_percent == 80
    assert after.heat is not None
    assert [one.name for one in after.heat.meters] == ["all"]


def test_an_offset_changes_the_skew(file: Path) -> None:
    tuner = AdjustableRig(Rig.from_file(file), file)
    with tuner.open() as pairs:
        tuner.change({"infrared": {"offset_ms": 7.0}})
        assert {pair.skew_ns for pair in pairs} == {7_000_000}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"infrared": {"address": "/etc/passwd"}}, "cannot change infrared.address"),
        ({"pairing": {"tolerance_ms": 5}}, "cannot change pairing"),
        ({"fuson": {"heat": 5}}, "cannot change fuson.heat .*Did you mean fusion.heat"),
        ({"infrared": {"contrst": "linear"}}, "cannot change infrared.contrst .*Did you mean infrared.contrast"),
        ({"infrared": 7}, "cannot change infrared while"),
        ({"infrared": {"agc_percentiles": [90, 10]}}, "a low and a higher one"),
        ({"fusion": {"heat": 101}}, "settings, fusion.heat"),
        ({"view": {"show": "everything"}}, "settings, view.show"),
        (
            {"infrared": {"range_of": "all"}},
            "cannot be changed to all while the rig runs: that reads the infrared to its end",
        ),
        ({"infrared": {"range_of": "9..1"}}, "range_of must be each"),
        ({"infrared": {"offset_ms": "soon"}}, "settings, infrared.offset_ms"),
        ({"visible": {"offset_ms": 1.0}, "alignment": {"homography": [[0, 0, 0]] * 3}}, "can be inverted"),
    ],
)
def test_what_does_not_fit_changes_nothing(file: Path, changes: dict[str, dict[str, object]], said: str) -> None:
    tuner = AdjustableRig(Rig.from_file(file), file)
    before = tuner.settings()
    with pytest.raises(CoconetError, match=said):
        tuner.change(changes)
    assert tuner.settings() == before


def test_saving_keeps_comments_and_every_line_that_was_not_changed(file: Path) -> None:
    tuner = AdjustableRig(Rig.from_file(file), file)
    matrix = [[1, 0, 5], [0, 1, 0], [0, 0, 1]]
    tuner.change({"infrared": {"offset_ms": 3.5}, "alignment": {"homography": matrix}})
    assert tuner.save() == file
    text = file.read_text()
    assert text.startswith(RIG.replace("offset_ms = 2.5", "offset_ms = 3.5"))
    assert Rig.from_file(file) == tuner.rig
    assert 'vis"\n' in text  # not the path it stands for


def test_the_view_that_is_saved_is_the_one_to_open_with(file: Path) -> None:
    tuner = AdjustableRig(Rig.from_file(file), file)
    tuner.change({"view": {"show": "infrared", "colours": "turbo"}})
    tuner.save()
    assert file.read_text().startswith(RIG)
    assert Rig.from_file(file).view == Look(show="infrared", colours="turbo")


def test_limits_of_an_isotherm_are_saved_and_those_not_given_stay_out(file: Path) -> None:
    tuner = AdjustableRig(Rig.from_file(file), file)
    tuner.change({"output": {"show": "isotherm", "isotherm": {"above": 60, "between": [30, 40]}}})
    tuner.save()
    saved = Rig.from_file(file).output
    assert (saved.isotherm.above, saved.isotherm.below, saved.isotherm.between) == (60, None, (30, 40))


def test_without_a_rig_file_there_is_nowhere_to_save(file: Path) -> None:
    tuner = AdjustableRig(Rig.from_file(file))
    with pytest.raises(CoconetError, match="cannot be saved: .* from two addresses"):
        tuner.save()


def test_settings_are_read_changed_and_saved_through_the_page(file: Path, tmp_path: Path) -> None:
    tuner = AdjustableRig(Rig.from_file(file), file)
    with live_rig(tmp_path / "kept", tuner=tuner) as rig:
        told = json.loads(rig.ask("GET", "/settings")[2])
        assert told["file"] == "rig.toml"
        assert {table: set(keys) for table, keys in told["settings"].items()} == {
            table: set(keys) for table, keys in TUNABLE.items()
        }
        changed = json.loads(rig.ask("POST", "/settings", {"infrared": {"contrast": "plateau"}})[2])
        assert changed["settings"]["infrared"]["contrast"] == "plateau"
        assert rig.ask("POST", "/settings", {"infrared": {"contrast": "pretty"}})[0] == 400
        assert rig.ask("POST", "/settings/save")[0] == 200
    assert Rig.from_file(file).infrared.contrast == "plateau"


def test_a_rig_file_that_cannot_be_written_is_a_sentence_on_the_page(file: Path, tmp_path: Path) -> None:
    file.chmod(0o444)
    before = file.read_bytes()
    with live_rig(tmp_path / "kept", tuner=AdjustableRig(Rig.from_file(file), file)) as rig:
        rig.ask("POST", "/settings", {"infrared": {"contrast": "plateau"}})
        code, _, body = rig.ask("POST", "/settings/save")
    assert code == 400
    assert "is read-only" in json.loads(body)["error"]
    assert file.read_bytes() == before


LIVE = "synthetic://?width=32&height=32&fps=50"


@pytest.mark.parametrize("policy", ["drop", "hold", "thermal"])
@pytest.mark.parametrize("side", ["visible", "infrared"])
@pytest.mark.parametrize("offset_ms", [100_000.0, -100_000.0])
def test_an_offset_that_is_taken_back_gives_pairs_again_at_once(side: str, policy: Policy, offset_ms: float) -> None:
    rig = Rig.from_addresses(LIVE, LIVE, realtime=True).model_copy(update={"pairing": PairingTable(policy=policy)})
    tuner, stop, seen = AdjustableRig(rig), Event(), Counter[str]()
    with tuner.open() as pairs:

        def watch() -> None:
            for pair in pairs.until(stop):
                seen["pairs" if abs(pair.skew_ns) < 1e9 else "apart"] += 1

        thread = Thread(target=watch)
        thread.start()
        try:
            assert until(lambda: seen["pairs"] > 3)
            tuner.change({side: {"offset_ms": offset_ms}})
            assert until(lambda: _stands_still(seen))
            tuner.change({side: {"offset_ms": 0.0}})
            before = seen["pairs"]
            assert until(lambda: seen["pairs"] > before + 3)  # within 20 s, where the stamps are 100 s apart
        finally:
            stop.set()
            thread.join()
    assert not seen["apart"]


def test_offsets_that_change_all_the_time_leave_time_for_pairs() -> None:
    tuner, stop, seen = AdjustableRig(Rig.from_addresses(LIVE, LIVE, realtime=True)), Event(), Counter[str]()
    with tuner.open() as pairs:

        def watch() -> None:
            for _pair in pairs.until(stop):
                seen["pairs"] += 1

        thread = Thread(target=watch)
        thread.start()
        try:
            changes = 0
            while seen["pairs"] < 100 and changes < 4000:
                changes += 1
                tuner.change({"infrared": {"offset_ms": float(changes % 7)}})
                time.sleep(0.005)
        finally:
            stop.set()
            thread.join()
    assert seen["pairs"] >= 100


def _stands_still(seen: Counter[str]) -> bool:
    before = seen.total()
    time.sleep(0.3)
    return seen.total() == before


WRONG = [float("nan"), float("inf"), -float("inf"), 1e300, 1e308, -1e300, 10**400]


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.parametrize("key", ["visible.offset_ms", "infrared.offset_ms", "infrared.agc_time_constant_s"])
def test_no_setting_is_beyond_all_bounds(file: Path, key: str, value: float) -> None:
    tuner = AdjustableRig(Rig.from_file(file), file)
    table, name = key.split(".")
    with tuner.open(), pytest.raises(CoconetError, match=name):
        tuner.change({table: {name: value}})


@pytest.mark.parametrize("value", [*WRONG, 1e-300])
def test_no_geometry_is_beyond_all_bounds(file: Path, value: float) -> None:
    tuner = AdjustableRig(Rig.from_file(file), file)
    plane = {"parallax_px_m": [10, 0], "aligned_at_m": 5, "distance_m": 5}
    changes: list[dict[str, object]] = [
        {"homography": [[value, 0, 0], [0, 1, 0], [0, 0, 1]]},
        {"plane": {**plane, "distance_m": value}},
        {"plane": {**plane, "aligned_at_m": value}},
    ]
    if value != 1e-300:
        changes.append({"plane": {**plane, "parallax_px_m": [value, 0]}})
    for change in changes:
        with pytest.raises(CoconetError, match="homography|plane"):
            tuner.change({"alignment": change})


def test_meters_change_from_one_pair_to_the_next_and_are_saved(file: Path) -> None:
    file.write_text(RIG + '[infrared.temperature]\nscheme = "lepton"\ngain = "high"\n\n# the gearbox\n')
    tuner = AdjustableRig(Rig.from_file(file), file)
    spot = {"name": "spot 1", "kind": "spot", "points_px": [[3, 4]]}
    with tuner.open() as pairs:
        stream = iter(pairs)
        first = next(stream).heat
        tuner.change_meters([spot, {"name": "all", "kind": "hottest"}])
        second = next(stream).heat
    assert first is not None
    assert second is not None
    assert (len(first.readings), [one.name for one in second.readings]) == (0, ["spot 1", "all"])
    tuner.save()
    assert "# the gearbox" in file.read_text()
    assert [one.name for one in Rig.from_file(file).meter] == ["spot 1", "all"]
    tuner.change_meters([spot])
    tuner.save()
    assert Rig.from_file(file).meter == tuner.rig.meter
    tuner.change_meters([])
    tuner.save()
    assert Rig.from_file(file).meter == ()


def test_a_meter_that_an_alarm_looks_at_stays(file: Path) -> None:
    alarm = '[[alarm]]\nname = "hot"\nmeter = "all"\nwhen = "above"\nlimits = [80]\n'
    meter = '[[meter]]\nname = "all"\nkind = "hottest"\n'
    file.write_text(f'{RIG}[infrared.temperature]\nscheme = "lepton"\n{meter}{alarm}')
    tuner = AdjustableRig(Rig.from_file(file), file)
    with pytest.raises(CoconetError, match="has no such .*meter.*Add that"):
        tuner.change_meters([])
    tuner.change({"infrared": {"offset_ms": 3.0}})  # a rig with alarms is changed like any other
    tuner.change_meters([{"name": "all", "kind": "coldest"}])
    tuner.save()
    assert Rig.from_file(file) == tuner.rig


@pytest.mark.parametrize(
    ("meters", "said"),
    [
        ([{"name": "a", "kind": "spot"}], "one point for spot"),
        ([{"name": "a", "kind": "hottest"}] * 2, '"a" stands twice'),
        ([{"name": f"m{at}", "kind": "hottest"} for at in range(65)], "at most 64"),
    ],
)
def test_meters_that_do_not_fit_change_nothing(file: Path, meters: list[dict[str, object]], said: str) -> None:
    file.write_text(RIG + '[infrared.temperature]\nscheme = "lepton"\n')
    tuner = AdjustableRig(Rig.from_file(file), file)
    with pytest.raises(CoconetError, match=said):
        tuner.change_meters(meters)
    assert tuner.rig.meter == ()
