"""Alignments that are found: known warps recovered by edges, boards and points, and kept in the rig file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from coconet.calibration.alignment.board import Board, BoardRegistrar
from coconet.calibration.alignment.find_alignment import AlignmentSearch, align_pair, open_registrar
from coconet.calibration.alignment.points import PointRegistrar, register_points
from coconet.calibration.commands.align import align
from coconet.config import read_toml
from coconet.errors import CoconetError
from coconet.event_log import SaidOnce
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.frame import FramePair
from coconet.runtime.preprocess.drift import DriftWatch
from coconet.runtime.preprocess.warp import Alignment, Lens, Plane, as_matrix
from coconet.runtime.registration.edges import EdgeRegistrar, register_edges
from coconet.runtime.registration.pair_sampling import alignment_of
from tests.support.media.pair_folders import write_pair
from tests.support.programs.called import call, complaint_of
from tests.support.rigs.homography import distance_px

SIZE = (320, 240)
PAIR = synthetic_pairs(1, SIZE[1], SIZE[0])[0]


def warp(shift: tuple[float, float] = (0, 0), scale: float = 1.0, degrees: float = 0.0) -> np.ndarray:
    matrix = np.vstack([cv2.getRotationMatrix2D((160, 120), degrees, scale), [0, 0, 1]])
    matrix[:2, 2] += shift
    return matrix


def seen_through(matrix: np.ndarray) -> FramePair:
    """The synthetic pair as a thermal camera would see it whose pixels `matrix` maps to visible ones."""
    pixels = cv2.warpPerspective(PAIR.infrared.pixels, np.linalg.inv(matrix), SIZE, borderMode=cv2.BORDER_REPLICATE)
    return dataclasses.replace(PAIR, infrared=dataclasses.replace(PAIR.infrared, pixels=pixels[:, :, None]))


LEANING = cv2.getPerspectiveTransform(
    np.array([[0, 0], [320, 0], [320, 240], [0, 240]], np.float32),
    np.array([[9, -6], [312, 8], [330, 232], [-7, 247]], np.float32),
)


@pytest.mark.parametrize(
    "true",
    [warp((17, -9)), warp((5, 3), 1.12), warp((-6, 4), 0.95, 5.0), LEANING],
    ids=["shift", "scale", "turn", "perspective"],
)
def test_edges_recover_a_warp_to_half_a_pixel_and_patches_all_over_the_picture_bear_it_out(true: np.ndarray) -> None:
    found = register_edges([seen_through(true)])
    assert distance_px(found.homography, true) < 0.5
    assert found.support.share > 0.9
    assert found.support.spread > 0.9
    assert found.support.residual_px < 0.5


@pytest.mark.parametrize("size", [SIZE, (200, 150)])
def test_one_picture_for_both_sides_raises_the_question_and_heat_beside_light_does_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr("coconet.event_log.SAID", SaidOnce())
    alignment_of(EdgeRegistrar(), [seen_through(warp((17, -9)))])
    assert "same picture" not in capsys.readouterr().err
    gray = cv2.resize(cv2.cvtColor(PAIR.visible.pixels, cv2.COLOR_BGR2GRAY), size, interpolation=cv2.INTER_AREA)
    twice = dataclasses.replace(PAIR, infrared=dataclasses.replace(PAIR.infrared, pixels=gray[:, :, None]))
    alignment_of(EdgeRegistrar(), [twice])
    assert "both cameras show the same picture: is one of them named for both sides?" in capsys.readouterr().err


def test_pictures_of_different_scenes_are_refused() -> None:
    other = np.random.default_rng(0).normal(128, 40, (SIZE[1], SIZE[0])).astype(np.float32)
    noise = cv2.GaussianBlur(other, (0, 0), 4).clip(0, 255).astype(np.uint8)[:, :, None]
    pair = dataclasses.replace(PAIR, infrared=dataclasses.replace(PAIR.infrared, pixels=noise))
    with pytest.raises(CoconetError, match="patches agree, which may be chance"):
        register_edges([pair])


def test_a_picture_without_edges_is_refused() -> None:
    flat = dataclasses.replace(PAIR.infrared, pixels=np.full_like(PAIR.infrared.pixels, 90))
    with pytest.raises(CoconetError, match="0 of 0 patches agree"):
        register_edges([dataclasses.replace(PAIR, infrared=flat)])


def test_pictures_of_a_few_pixels_are_refused() -> None:
    frame = dataclasses.replace(PAIR.infrared, pixels=PAIR.infrared.pixels[:2, :3])
    with pytest.raises(CoconetError, match="which may be chance"):
        register_edges([FramePair(frame, frame)])


def test_points_recover_a_homography_and_two_a_similarity() -> None:
    true = np.array([[1.1, 0.05, 4], [-0.03, 0.97, -6], [1e-4, 2e-4, 1]])
    infrared = np.array([[10, 10], [300, 20], [290, 220], [20, 230], [150, 100]], np.float32)
    visible = cv2.perspectiveTransform(infrared[None], true)[0]
    found, residual_px = register_points(infrared, visible)
    assert np.allclose(found, true, atol=1e-4)
    assert residual_px < 0.01
    turned, _ = register_points(infrared[:2], infrared[:2] * 2 + 5)
    assert np.allclose(turned, [[2, 0, 5], [0, 2, 5], [0, 0, 1]], atol=1e-3)


def board_picture(matrix: np.ndarray, inverted: bool) -> np.ndarray:
    squares = (np.indices((6, 8)).sum(axis=0) % 2 * 200 + 20).astype(np.uint8)
    flat = np.full((240, 320), 220, np.uint8)
    flat[40:184, 60:252] = cv2.resize(squares, (192, 144), interpolation=cv2.INTER_NEAREST)
    picture = cv2.warpPerspective(cv2.GaussianBlur(flat, (0, 0), 0.8), matrix, SIZE, borderMode=cv2.BORDER_REPLICATE)
    return (255 - picture if inverted else picture)[:, :, None]


def test_a_heated_checkerboard_that_is_dark_where_the_visible_one_is_bright_gives_the_warp() -> None:
    true, board = warp((9, -7), 1.1, 3), Board("checkerboard", 7, 5)
    infrared, visible = (
        board.points(board_picture(np.linalg.inv(true), True)),
        board.points(board_picture(np.eye(3), False)),
    )
    assert infrared is not None
    assert visible is not None
    found, residual_px = register_points(infrared, visible)
    assert distance_px(found, true) < 0.5
    assert residual_px < 0.5


def board_pair(true: np.ndarray) -> FramePair:
    """A board that both cameras of a rig see, hot where it is dark."""
    frames = (board_picture(np.eye(3), False), board_picture(np.linalg.inv(true), True))
    visible, infrared = (dataclasses.replace(PAIR.visible, pixels=pixels) for pixels in frames)
    return dataclasses.replace(PAIR, visible=visible, infrared=infrared)


SHIFTED = warp((12, 5))
NAMED = tuple(f"{x},{y}={x + 12},{y + 5}" for x, y in ((10, 20), (280, 30), (270, 200), (30, 190)))


@pytest.mark.parametrize(
    ("search", "pair", "method", "told"),
    [
        (AlignmentSearch(), seen_through(SHIFTED), "edges", "agreement "),
        (AlignmentSearch(board="checkerboard:7x5"), board_pair(SHIFTED), "board", "35 points in 1 pair, residual 0."),
        (AlignmentSearch(points=NAMED), PAIR, "points", "4 points, residual 0.00 px"),
    ],
    ids=["edges", "board", "points"],
)
def test_every_method_registers_the_same_warp(search: AlignmentSearch, pair: FramePair, method: str, told: str) -> None:
    found = open_registrar(search).register([pair])
    assert distance_px(found.homography, SHIFTED) < 0.5
    assert found.method == method
    assert found.summary.startswith(told)


def test_a_board_that_is_nowhere_whole_is_said_with_what_was_asked_for() -> None:
    with pytest.raises(CoconetError, match="circles:5x4 is not found whole in both pictures of 2 pairs"):
        BoardRegistrar.from_text("circles:5x4").register([PAIR, PAIR])


def test_a_board_and_points_together_are_refused() -> None:
    with pytest.raises(CoconetError, match="--board cannot be used with --point"):
        open_registrar(AlignmentSearch(board="checkerboard:7x5", points=("1,2=3,4",)))


@pytest.mark.parametrize("text", ["chess:7x5", "checkerboard", "checkerboard:7", "circles:7x", "circles:-7x5"])
def test_a_board_that_is_no_board_is_refused_before_the_cameras_are_opened(tmp_path: Path, text: str) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text('[visible]\naddress = "gone.mp4"\n[infrared]\naddress = "gone.mp4"\n')
    assert f"--board must be of the form checkerboard:7x5 or circles:7x5, not '{text}'" in complaint_of(
        align, rig, "--board", text
    )


def test_the_command_finds_writes_and_shows_an_alignment_and_leaves_the_rest_of_the_file(tmp_path: Path) -> None:
    true = warp((12, 5))
    write_pair(tmp_path, "a.png", PAIR.visible.pixels, seen_through(true).infrared.pixels)
    rig = tmp_path / "rig.toml"
    old = "[alignment]\nhomography = [[1,0,0],[0,1,0],[0,0,1]]\n"
    rig.write_text(f'[visible]\naddress = "vis"  # front\n{old}[infrared]\naddress = "ir"\n')
    answer = call(align, rig, "--pictures", tmp_path / "shown")
    assert answer.exit_code == 0, answer.exception
    fields = read_toml(rig, "a rig file")
    assert distance_px(np.array(fields["alignment"]["homography"]), true) < 0.5
    assert fields["alignment"]["size_px"] == list(SIZE)
    assert 'address = "vis"  # front' in rig.read_text()
    assert {path.name for path in (tmp_path / "shown").iterdir()} == {"overlay.png", "checkerboard.png"}
    assert "patches agree to" in answer.stdout


def test_points_that_are_no_points_are_told(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text(
        '[visible]\naddress = "synthetic://?width=64&height=48"\n[infrared]\naddress = "synthetic://?width=64&height=48"\n'
    )
    assert "--point must be x,y=x,y in pixels with the infrared one first, not '3,4'" in complaint_of(
        align, rig, "--point", "3,4", "--pairs", 1
    )
    assert "cannot be found from 1 point" in complaint_of(align, rig, "--point", "3,4=5,6", "--pairs", 1)


def test_a_lens_and_a_homography_are_one_pass_that_agrees_with_two() -> None:
    lens = Lens((300.0, 300.0), (160.0, 120.0), (-0.2, 0.05, 0.001, -0.001, 0.0))
    true = warp((6, -3), 1.05)
    smooth = np.asarray(cv2.GaussianBlur(PAIR.infrared.pixels, (0, 0), 3), np.uint8)
    straight = cv2.undistort(smooth, lens.matrix, np.array(lens.distortion))
    two = cv2.warpPerspective(straight, true, SIZE)
    one = Alignment(as_matrix(true), infrared_lens=lens).warp(smooth[:, :, None], SIZE)[:, :, 0]
    inner = np.s_[30:-30, 40:-40]
    assert np.abs(one[inner].astype(int) - two[inner]).max() <= 4


def test_a_nearer_plane_moves_the_picture_by_the_parallax() -> None:
    plane = Plane((40.0, 0.0), aligned_at_m=20.0, distance_m=4.0)  # 40 * (1/4 - 1/20) = 8 px
    moved = Alignment(plane=plane).warp(PAIR.infrared.pixels, SIZE)
    assert np.array_equal(moved[:, 8:], PAIR.infrared.pixels[:, :-8])


def test_a_rig_that_was_knocked_is_told_by_its_drift_and_a_well_aligned_one_is_not() -> None:
    well, knocked = DriftWatch(5.0, every=1), DriftWatch(5.0, every=1)
    for _ in range(3):
        well.look(PAIR)
        knocked.look(seen_through(warp((-10, 0))))
    assert well.notice == ""
    assert knocked.drift_px == pytest.approx(10, abs=2)
    assert knocked.notice == "alignment off by 10 px" or knocked.notice.startswith("alignment off by")


def test_an_aligned_pair_lies_where_its_matrix_says() -> None:
    pair = align_pair(seen_through(warp((10, 0))), Alignment(as_matrix(warp((10, 0)))))
    assert np.abs(pair.infrared.pixels[:, 20:-20].astype(int) - PAIR.infrared.pixels[:, 20:-20]).mean() < 1


@pytest.mark.parametrize(
    "text", ["nan,0=1,1", "1e308,0=1,1", "inf,0=1,1", "1,2=3", "1,2,3=4", "=", "9" * 5000 + ",1=1,1"]
)
def test_a_point_that_is_in_no_picture_is_refused(text: str) -> None:
    with pytest.raises(CoconetError, match="--point must be x,y=x,y in pixels"):
        PointRegistrar.from_texts([text])


@pytest.mark.parametrize(
    "size", ["0x0", "2x5", "7x100", "\u00b2x3", "-7x5", "7x5x5", "9" * 5000 + "x5", "\uff17x\uff15"]
)
@pytest.mark.parametrize("kind", ["checkerboard", "circles"])
def test_a_board_that_is_none_is_refused(kind: str, size: str) -> None:
    with pytest.raises(CoconetError, match="--board must be of the form checkerboard:7x5 or circles:7x5"):
        BoardRegistrar.from_text(f"{kind}:{size}")
