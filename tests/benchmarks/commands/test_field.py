"""`coconet bench field`: what it finds, what it scores, and what it leaves out with a reason."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from coconet.benchmarks.results.field_table import field_markdown, field_page
from coconet.benchmarks.studies.excerpt import Sample
from coconet.benchmarks.studies.field import FieldFrames, by_daylight, measure_entry, time_in_turns
from coconet.benchmarks.studies.field_command import field
from coconet.benchmarks.studies.field_entries import FieldEntry, Forms, find_entries, untrained_entries
from coconet.errors import CoconetError
from coconet.metrics.fusion import METRICS, score
from coconet.metrics.variants import variant_named
from coconet.model_names import RULES
from coconet.runtime.backends.baseline import BaselineBackend
from coconet.runtime.cameras.pair_folder import FolderFrames
from tests.support.called import call
from tests.support.frames import pair_of
from tests.support.pair_folders import textured_pairs
from tests.support.textured import textured
from tests.support.tiny_onnx import write_averaging_model
from tests.support.zoo import PUBLISHED, published


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    return textured_pairs(tmp_path / "pairs", 2)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def learnt(name: str) -> int:
    shapes = {key: shape for part, _ in published(name).files.values() for key, shape in part().items()}
    return sum(math.prod(shape) for key, shape in shapes.items() if "running" not in key and "num_batches" not in key)


def test_weights_are_found_by_their_tensors_and_counted(tmp_path: Path) -> None:
    for name in ("densefuse", "didfuse"):
        published(name).write(tmp_path)
    torch.save({"x": torch.zeros(3)}, tmp_path / "other.pth")
    entries, left_out = find_entries(tmp_path)
    assert [entry.name for entry in entries] == [*RULES, "lite", "coconet", "didfuse", "densefuse"]
    assert [entry.parameters for entry in entries[-2:]] == [learnt("didfuse"), learnt("densefuse")]
    assert len(left_out) == 1
    assert "other.pth" in left_out[0]


def test_one_network_with_two_files_of_weights_is_two_entries(tmp_path: Path) -> None:
    for seed in (0, 1):
        published("tardal").write(tmp_path, seed)[0].rename(tmp_path / f"t{seed}.pt")
    entries, _ = find_entries(tmp_path)
    assert [entry.name for entry in entries[-2:]] == ["tardal (t0)", "tardal (t1)"]


def test_networks_without_weights_are_untrained_with_the_same_random_ones_every_time(tmp_path: Path) -> None:
    published("tardal").write(tmp_path)
    found, _ = find_entries(tmp_path)
    made, again = (untrained_entries(found, tmp_path) for _ in range(2))
    assert {entry.name for entry in made} == {one.name for one in PUBLISHED} - {"tardal"}
    assert [entry.sha256 for entry in made] == [entry.sha256 for entry in again]
    assert {entry.name: entry.parameters for entry in made}["densefuse"] == learnt("densefuse")


def test_an_untrained_network_is_timed_and_has_no_scores(tmp_path: Path) -> None:
    graph = write_averaging_model(tmp_path / "m.onnx")
    pair = pair_of(textured(0, 48, 64), textured(1, 48, 64))
    frames, plain = FieldFrames({"day": [pair]}, [Sample(pair, continues=False)]), variant_named("plain")
    entry = FieldEntry("densefuse", "untrained", "densefuse", str(graph), 74193)
    row = measure_entry(entry, Forms({"fp32": str(graph)}), frames, plain, lambda: None)
    assert (row.graph_bytes, row.quality, row.flicker) == (graph.stat().st_size, {}, None)
    assert row.time_ms["fp32"] > 0
    for text in (field_markdown([row]), field_page([row], plain, ["Here."])):
        assert "densefuse: random weights, so there is only its speed" in text
        assert "Times" in text
        assert "By day" not in text


def test_dark_pairs_are_night() -> None:
    dark, light = (pair_of(np.full((48, 64), level, np.uint8), textured(0, 48, 64)) for level in (20, 150))
    assert by_daylight([dark, light, dark]) == {"day": [light], "night": [dark, dark]}
    with pytest.raises(CoconetError, match="one pair or more, got none"):
        by_daylight([])


def test_graphs_are_of_one_size_only_if_stills_and_video_are() -> None:
    small, large = (pair_of(textured(0, side, 64), textured(1, side, 64)) for side in (48, 56))
    assert FieldFrames({"day": [small, small]}, [Sample(small, continues=False)]).size == "48x64"
    assert FieldFrames({"day": [small]}, [Sample(large, continues=False)]).size is None


def test_forms_are_timed_in_turns_and_the_first_turn_does_not_count() -> None:
    ticks = iter(x for turn in range(6) for x in (turn * 10.0, turn * 10.0 + (9.0 if turn == 0 else 0.002)))
    pair = pair_of(textured(0, 48, 64), textured(1, 48, 64))
    assert time_in_turns({"fp32": BaselineBackend("average")}, pair, lambda: next(ticks)) == {
        "fp32": pytest.approx(2.0)
    }


def test_rules_stand_in_the_csv_with_the_scores_of_their_pictures(tmp_path: Path, frames: Path) -> None:
    made = ("--csv", tmp_path / "f.csv", "--html", tmp_path / "f.html", "--variant", "cddfuse")
    result = call(field, "--frames", frames, "--only", "average", "--only", "maximum", *made)
    assert result.exit_code == 0, result.exception
    rows = rows_of(tmp_path / "f.csv")
    assert [(row["name"], row["variant"], row["parameters"]) for row in rows] == [
        ("average", "cddfuse", "0"),
        ("maximum", "cddfuse", "0"),
    ]
    pairs = list(FolderFrames(frames))
    fuse = BaselineBackend("average").fuse
    found = [
        score(*(one[:, :, 0] for one in (fuse(v, i), i, v)))
        for v, i in ((pair.visible.pixels, pair.infrared.pixels) for pair in pairs)
    ]
    part = "day" if rows[0]["day_EN"] else "night"
    for metric in METRICS[2:6]:  # those that this variant has as they are
        assert float(rows[0][f"{part}_{metric.name}"]) == pytest.approx(
            np.mean([getattr(one, metric.name) for one in found])
        )
    page = (tmp_path / "f.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 1
    assert "cddfuse: " in page
    assert "| average | 0 |" in result.stdout


@pytest.mark.slow
def test_a_published_network_is_exported_calibrated_and_timed(tmp_path: Path, frames: Path) -> None:
    (tmp_path / "weights").mkdir()
    published("densefuse").write(tmp_path / "weights")
    words = ("--frames", frames, "--weights", tmp_path / "weights", "--only", "densefuse", "--keep", tmp_path / "kept")
    video = ("--visible", frames / "vis", "--infrared", frames / "ir", "--video-frames", 2)  # one size, as the pairs
    result = call(field, *words, *video, "--csv", tmp_path / "f.csv")
    assert result.exit_code == 0, result.exception
    (row,) = rows_of(tmp_path / "f.csv")
    assert float(row["fp32_ms"]) > 0
    assert row["int8_ms"] or "no INT8: " in row["notes"]
    made = (tmp_path / "kept" / "densefuse.onnx").stat()
    assert int(row["graph_bytes"]) == made.st_size
    call(field, *words, *video)
    assert (tmp_path / "kept" / "densefuse.onnx").stat().st_mtime_ns == made.st_mtime_ns


def test_a_name_that_is_none_is_refused(frames: Path) -> None:
    assert "--only: wanted one of average" in str(call(field, "--frames", frames, "--only", "best").exception)
