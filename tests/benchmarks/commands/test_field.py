"""`coconet bench field`: what it finds, what it scores, and what it leaves out with a reason."""

from __future__ import annotations

import csv
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from coconet.benchmarks.results.field_table import field_markdown, field_page
from coconet.benchmarks.studies.excerpt import Sample
from coconet.benchmarks.studies.field import FieldStudy, time_in_turns
from coconet.benchmarks.studies.field_command import field
from coconet.benchmarks.studies.field_entries import FieldEntry, Forms, find_entries, make_forms, untrained_entries
from coconet.benchmarks.studies.field_frames import FieldFrames, by_daylight, middle_of, write_pairs
from coconet.cards.frame_size import FrameSize
from coconet.cards.precision import PrecisionName
from coconet.errors import CoconetError
from coconet.files import sha256_of
from coconet.metrics.fusion import METRICS, score
from coconet.metrics.variants import variant_named
from coconet.model_names import RULES, shipped_checkpoint, shipped_model
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.cameras.pair_folder import FolderFrames
from tests.support.media.frames import pair_of
from tests.support.media.pair_folders import textured_pairs
from tests.support.media.textured import textured
from tests.support.models.tiny_onnx import write_averaging_model
from tests.support.programs.called import call
from tests.support.weights.zoo import PUBLISHED, published


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


def test_a_network_whose_parts_lie_in_an_archive_each_is_one_entry(tmp_path: Path) -> None:
    for path, archive in zip(published("rfn-nest").write(tmp_path), ("nestfuse.zip", "rfn.zip"), strict=True):
        with zipfile.ZipFile(tmp_path / archive, "w") as opened:
            opened.write(path, path.name)
        path.unlink()
    entries, left_out = find_entries(tmp_path)
    assert ([entry.name for entry in entries[len(RULES) :]], left_out) == (["lite", "coconet", "rfn-nest"], [])


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
    study = FieldStudy(frames, plain, BaselineBackend("average"))
    row = study.measure(entry, Forms({"fp32": str(graph)}), lambda: None)
    assert (row.graph_bytes, row.quality, row.flicker) == (graph.stat().st_size, {}, None)
    assert row.paces["fp32"].ms > 0
    assert row.paces["fp32"].ratio > 0
    for text in (field_markdown([row]), field_page([row], plain, ["Here."])):
        assert "densefuse: random weights, so there is only its speed" in text
        assert "Times" in text
        assert "By day" not in text


def test_dark_pairs_are_night() -> None:
    dark, light = (pair_of(np.full((48, 64), level, np.uint8), textured(0, 48, 64)) for level in (20, 150))
    assert by_daylight([dark, light, dark]) == {"day": [light], "night": [dark, dark]}
    with pytest.raises(CoconetError, match="has no pairs to compare"):
        by_daylight([])


def test_graphs_are_of_one_size_only_if_stills_and_video_are() -> None:
    small, large = (pair_of(textured(0, side, 64), textured(1, side, 64)) for side in (48, 56))
    assert FieldFrames({"day": [small, small]}, [Sample(small, continues=False)]).size == "48x64"
    assert FieldFrames({"day": [small]}, [Sample(large, continues=False)]).size is None


def test_forms_are_timed_in_turns_and_compared_within_each() -> None:
    """The machine is ten times as slow in the first turn, which does not count, and twice as slow in every other.

    A form waits for others half of its time, so its work is half of that.
    """
    slowness = (10.0, 1.0, 2.0, 1.0, 2.0, 1.0)
    spent = ((0.001 * slow, 0.003 * slow) for slow in slowness)
    ticks = iter([at for pair in spent for seconds in pair for at in (7.0, 7.0 + seconds)])
    pair = pair_of(textured(0, 48, 64), textured(1, 48, 64))
    forms: dict[PrecisionName, Backend] = {"fp32": BaselineBackend("maximum")}
    worked = iter([at for slow in slowness for work in (0.001, 0.0015) for at in (5.0, 5.0 + work * slow)])
    clocks = (lambda: next(ticks), lambda: next(worked))
    (pace,) = time_in_turns(forms, BaselineBackend("average"), pair, clocks).values()
    assert pace.ms == pytest.approx(3.0)
    assert pace.ratio == pytest.approx(1.5)


def test_the_middle_of_a_picture_is_cut_and_a_smaller_one_refused() -> None:
    pair = pair_of(textured(0, 48, 64), textured(1, 48, 64))
    cut = middle_of(pair, FrameSize(20, 31))
    assert np.array_equal(cut.visible.pixels, pair.visible.pixels[14:34, 16:47])
    assert np.array_equal(cut.infrared.pixels, pair.infrared.pixels[14:34, 16:47])
    with pytest.raises(CoconetError, match="is 48x64 pixels, too small to cut 49x10"):
        middle_of(pair, FrameSize(49, 10))


def test_pairs_are_written_as_they_are(tmp_path: Path) -> None:
    pairs = [pair_of(textured(at, 48, 64), textured(at + 1, 48, 64)) for at in range(2)]
    for pair, again in zip(pairs, FolderFrames(write_pairs(pairs, tmp_path)), strict=True):
        assert np.array_equal(again.infrared.pixels, pair.infrared.pixels)
        assert np.array_equal(again.visible.pixels[:, :, :1], pair.visible.pixels[:, :, :1])


def test_rules_stand_in_the_csv_with_the_scores_of_their_pictures(tmp_path: Path, frames: Path) -> None:
    made = ("--csv", tmp_path / "f.csv", "--html", tmp_path / "f.html", "--variant", "cddfuse")
    result = call(field, "--frames", frames, "--only", "average", "--only", "maximum", *made)
    assert result.exit_code == 0, result.exception
    assert "as a multiple of that of average in FP32, measured in turns" in result.stdout
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


def test_ours_are_measured_as_they_are_shipped(tmp_path: Path, frames: Path) -> None:
    entry = FieldEntry("lite", "ours", "lite", "lite", 0, sha256_of(shipped_checkpoint("lite")))
    models = make_forms(entry, frames, tmp_path, None).models
    assert (models["fp32"], models["int8"]) == (str(shipped_model("lite")), str(shipped_model("lite-int8")))
    assert not list(tmp_path.glob("*.onnx"))


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


def test_several_folders_are_one_field_and_are_cut_to_one_size(tmp_path: Path, frames: Path) -> None:
    dark = write_pairs([pair_of(np.full((60, 80), 20, np.uint8), textured(0, 60, 80))], tmp_path / "dark")
    words = ("--frames", frames, "--frames", dark, "--only", "average", "--size", "44x51")
    result = call(field, *words, "--csv", tmp_path / "f.csv")
    assert result.exit_code == 0, result.exception
    assert "2 pairs by day and 1 pair by night of pairs, dark, of each the middle 44x51" in result.stdout
    assert "Times at 44x51" in result.stdout
    (row,) = rows_of(tmp_path / "f.csv")
    assert row["day_EN"]
    assert row["night_EN"]


def test_a_name_that_is_none_is_refused(frames: Path) -> None:
    assert "--only best is not an entry. Name one of these: average" in str(
        call(field, "--frames", frames, "--only", "best").exception
    )
