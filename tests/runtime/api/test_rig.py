"""A rig opened from Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import coconet
from coconet.errors import CoconetError, ExitCode
from tests.support.media.pair_folders import textured_pairs

SYNTHETIC = "synthetic://?width=64&height=48&duration_s=0.2&fps=30"


@pytest.fixture
def rig_file(tmp_path: Path) -> Path:
    path = tmp_path / "rig.toml"
    path.write_text(f'[visible]\naddress = "{SYNTHETIC}"\n[infrared]\naddress = "{SYNTHETIC}"\n')
    return path


def test_a_rig_file_and_a_rig_of_addresses_give_the_same_pairs(rig_file: Path) -> None:
    seen = []
    rig = coconet.Rig.from_addresses(SYNTHETIC, SYNTHETIC)
    assert coconet.Rig.from_file(str(rig_file)) == coconet.Rig.from_file(rig_file)
    for opened in (coconet.open_rig(str(rig_file)), coconet.open_rig(rig_file), coconet.open_pairs(rig)):
        with opened as pairs:
            seen.append([pair.visible.pixels for pair in pairs])
    assert [len(pictures) for pictures in seen] == [6, 6, 6]
    assert np.array_equal(seen[0], seen[1])
    assert np.array_equal(seen[0], seen[2])


def test_every_pair_can_be_handed_to_a_model(rig_file: Path) -> None:
    with coconet.load("lite") as fuse, coconet.open_rig(rig_file) as pairs:
        for pair in pairs:
            assert fuse(pair.visible.pixels, pair.infrared.pixels).shape == (48, 64, 3)
    assert pairs.counts.visible.paired == 6


def test_a_loop_may_be_left_early_and_the_cameras_are_closed(tmp_path: Path) -> None:
    folder = textured_pairs(tmp_path, 5)
    rig = coconet.Rig.from_addresses(folder / "vis", folder / "ir")
    with coconet.open_pairs(rig) as pairs:
        next(iter(pairs))
    counts = pairs.counts.visible
    assert counts.paired == 1
    assert counts.read == counts.paired + counts.dropped + counts.left_over
    with pytest.raises(CoconetError, match="closed"):
        next(iter(pairs))


@pytest.mark.parametrize(
    ("visible", "infrared", "code"),
    [
        ("gone.mp4", SYNTHETIC, ExitCode.REFUSED),
        (SYNTHETIC, "synthetic://?fps=no", ExitCode.REFUSED),
        (SYNTHETIC, "/dev/video99", ExitCode.CAMERA),
    ],
)
def test_what_cannot_be_opened_is_named(visible: str, infrared: str, code: ExitCode) -> None:
    with pytest.raises(CoconetError) as refused:
        coconet.open_pairs(coconet.Rig.from_addresses(visible, infrared))
    assert refused.value.exit_code == code


def test_a_missing_rig_file_and_an_unknown_key_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"gone\.toml does not exist; expected a rig file"):
        coconet.open_rig(tmp_path / "gone.toml")
    (tmp_path / "odd.toml").write_text("[thermal]\n")
    with pytest.raises(CoconetError, match=r"odd\.toml") as refused:
        coconet.open_rig(tmp_path / "odd.toml")
    assert refused.value.exit_code == ExitCode.REFUSED
