"""A run with a model that aligns by itself gives the pictures of one behind the processor's warp."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import coconet
from coconet.errors import CoconetError
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend
from coconet.runtime.badge import single_camera_picture
from coconet.runtime.drawing.renderer import Renderer
from coconet.runtime.frame import FusedFrame
from coconet.runtime.look import Look
from coconet.runtime.preprocess.drift import residual_shift_px
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.preprocess.warp_table import WarpTable
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig, with_heat
from coconet.runtime.views.names import View
from tests.support.rigs.aligned_rig import BENT, INFRARED_PX, VISIBLE_PX, aligned_rig, write_both_models


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_both_models(tmp_path_factory.mktemp("models"))


def frames_of(rig: Rig, model: Path) -> list[FusedFrame]:
    shelf = list[FusedFrame]()
    with coconet.load(model, backend="ort") as fuse:
        coconet.run(coconet.open_pairs(rig), fuse, on_frame=shelf.append)
    return shelf


def difference(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other).max())


def test_the_pictures_are_those_of_the_processor_within_a_level(tmp_path: Path, models: tuple[Path, Path]) -> None:
    rig = aligned_rig(tmp_path)
    laid, warped = (frames_of(rig, model) for model in models)
    assert len(laid) == len(warped) == 3
    for one, other in zip(laid, warped, strict=True):
        assert other.pair.infrared.pixels.shape == (*INFRARED_PX[::-1], 1)
        assert difference(one.pixels, other.pixels) <= 1
    assert difference(laid[0].pixels, laid[1].pixels) > 50


def test_the_processor_warps_nothing_that_nobody_looks_at(
    tmp_path: Path, models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    called = list[int]()
    monkeypatch.setattr(Alignment, "warp", lambda *_: called.append(1))
    assert len(frames_of(aligned_rig(tmp_path), models[1])) == 3
    assert called == []


def test_more_heat_is_the_same_whoever_lays_the_infrared_and_leaves_visible_what_it_does_not_cover(
    tmp_path: Path, models: tuple[Path, Path]
) -> None:
    rig = with_heat(aligned_rig(tmp_path), 100)
    for one, other in zip(*(frames_of(rig, model) for model in models), strict=True):
        assert difference(one.pixels, other.pixels) <= 1
        covered = one.pair.covered
        assert covered is not None
        bare = covered[:, :, 0] == 0
        assert 0.02 < bare.mean() < 0.9
        assert difference(one.pixels[bare], one.pair.visible.pixels[bare]) <= 2
        assert difference(one.pixels[~bare], one.pair.visible.pixels[~bare]) > 50


@pytest.mark.parametrize("view", ["infrared", "alignment", "blend", "edges", "isotherm", "inset", "split"])
def test_views_show_the_infrared_picture_where_it_lies(tmp_path: Path, models: tuple[Path, Path], view: View) -> None:
    rig, look = aligned_rig(tmp_path), Look(show=view)
    laid, warped = (frames_of(rig, model)[0] for model in models)
    assert np.array_equal(Renderer().draw(laid, look), Renderer().draw(warped, look))


def test_the_survivor_of_a_lost_camera_and_the_drift_are_of_the_laid_picture(
    tmp_path: Path, models: tuple[Path, Path]
) -> None:
    rig = aligned_rig(tmp_path)
    laid, warped = (frames_of(rig, model)[0].pair for model in models)
    assert residual_shift_px(laid) == residual_shift_px(warped)
    for pair in (laid, warped):
        object.__setattr__(pair, "missing", frozenset({"visible"}))
    assert np.array_equal(single_camera_picture(laid), single_camera_picture(warped))


def test_an_alignment_that_changes_while_a_rig_runs_is_the_models_next(
    tmp_path: Path, models: tuple[Path, Path]
) -> None:
    moved = [[1.0, 0.0, 9.0], [0.0, 1.0, 2.0], [0.0, 0.0, 1.0]]
    tuner = AdjustableRig(aligned_rig(tmp_path, frames=12))
    pairs, shelf = tuner.open(), list[FusedFrame]()

    def move(frame: FusedFrame) -> None:
        shelf.append(frame)
        if len(shelf) == 3:
            tuner.change({"alignment": {"homography": moved}})

    with coconet.load(models[1], backend="ort") as fuse:
        coconet.run(pairs, fuse, on_frame=move)
    with OnnxRuntimeBackend(models[0]) as laying:
        for frame in shelf:
            wanted = laying.fuse(frame.pair.visible.pixels, frame.pair.laid_infrared.astype(np.uint8))
            assert difference(frame.pixels, wanted) <= 1
    used = [frame.pair.warp.homography for frame in shelf if frame.pair.warp is not None]
    assert (used[0], used[-1], len(used)) == (BENT.homography, tuple(map(tuple, moved)), 12)


@pytest.mark.parametrize("fit", ["scale", "crop"])
def test_without_an_alignment_a_fit_is_still_done(tmp_path: Path, models: tuple[Path, Path], fit: str) -> None:
    rig = aligned_rig(tmp_path, 2, Alignment())
    rig = rig.model_copy(update={"alignment": rig.alignment.model_copy(update={"fit": fit})})
    laid, warped = (frames_of(rig, model) for model in models)
    for one, other in zip(laid, warped, strict=True):
        assert difference(one.pixels, other.pixels) <= 1


def test_a_table_is_made_once_for_an_alignment_and_a_size() -> None:
    visible, infrared = (np.zeros((*size[::-1], 1), np.uint8) for size in (VISIBLE_PX, INFRARED_PX))
    tables = WarpTable()
    tables.align(BENT)
    first = tables.table_for(visible, infrared, "model")
    tables.align(BENT)
    assert tables.table_for(visible, infrared, "model") is first
    halved = tables.table_for(visible[::2, ::2], infrared, "model")
    assert halved.shape == (1, VISIBLE_PX[1] // 2, VISIBLE_PX[0] // 2, 2)
    tables.align(Alignment(BENT.homography))
    assert tables.table_for(visible, infrared, "model") is not first


def test_a_loaded_model_takes_the_alignment_of_a_rig(tmp_path: Path, models: tuple[Path, Path]) -> None:
    rig, random = aligned_rig(tmp_path), np.random.default_rng(1)
    visible, infrared = (random.integers(0, 256, (*px[::-1], 1), np.uint8) for px in (VISIBLE_PX, INFRARED_PX))
    with coconet.load(models[0]) as laying, coconet.load(models[1]) as warping:
        with pytest.raises(CoconetError, match=r"is 80x60 and the visible frame 96x64 .* no alignment is known"):
            warping(visible, infrared)
        with pytest.raises(CoconetError, match=r"Export it with coconet export --with-warp"):
            laying.align(rig.alignment.alignment())
        warping.align(rig.alignment.alignment())
        assert difference(warping(visible, infrared), laying(visible, BENT.warp(infrared, VISIBLE_PX))) <= 1
        with pytest.raises(CoconetError, match="Align the rig again"):
            warping(visible, infrared[:30])
