"""Alignments recovered from known warps: of a synthetic rig, of a real video, and as a table."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from coconet.benchmarks.studies.alignment_recovery import (
    Recovery,
    Scene,
    describe_data_sets,
    main,
    recover,
    recovery_table,
    scenes_in,
)
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.terminal.console import Console
from tests.support.media.pair_folders import write_pair


@pytest.mark.slow
@pytest.mark.data
def test_a_real_video_is_recovered_from_every_warp(data: Path) -> None:
    scene = next(scenes_in(data, 1))
    found = recover(Scene(scene.group, scene.name, scene.pairs[::3]))
    assert max(recovery.carried_px for recovery in found) < 2
    assert found[0].own_share > found[0].given_share


def test_the_table_counts_what_is_near_and_what_is_refused() -> None:
    console = Console(width=120)
    found = [Recovery("stills", "a", "shift", 1.0, 3.0), Recovery("stills", "b", "shift")]
    with console.capture() as shown:
        console.print(recovery_table(found))
    assert "stills shift 2 1 1.00 1.00 50% 3.00 0%" in " ".join(shown.get().split())
    assert found[1].fields()["carried_px"] is None
    assert describe_data_sets(found)[0].startswith("stills: - px")


@pytest.mark.slow
def test_a_synthetic_rig_is_recovered_from_every_warp_told_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = synthetic_pairs(1, 240, 320)[0]
    write_pair(tmp_path / "roadscene", "street.png", pair.visible.pixels, pair.infrared.pixels)
    monkeypatch.setattr(sys, "argv", ["recovery", str(tmp_path), "--json", str(tmp_path / "found.json")])
    main()
    assert "1/1 RoadScene street: shift" in capsys.readouterr().out
    kept = json.loads((tmp_path / "found.json").read_text())
    assert [recovery["kind"] for recovery in kept] == ["shift", "scale", "rotation", "perspective"]
    assert max(recovery["carried_px"] for recovery in kept) < 1


def test_a_folder_without_pairs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["recovery", str(tmp_path)])
    with pytest.raises(SystemExit, match="2"):
        main()
