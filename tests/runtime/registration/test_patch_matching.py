"""Patches that vote for a warp: where they lie, what most of them share, and when they are too few or too near."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import stats

from coconet.runtime.preprocess.edge_features import Field, edge_field, move_field
from coconet.runtime.registration.patch_matching import (
    BY_CHANCE,
    PatchSupport,
    PatchVotes,
    patch_votes,
    shared_warp,
    support_by,
)

SIZE = (200, 160)
SIGMAS = (4.0, 2.0, 1.0)
NOISE = np.random.default_rng(3).normal(0, 60, SIZE[::-1]).astype(np.float32)
CLOUDS = np.asarray(cv2.GaussianBlur(NOISE, (0, 0), 2), np.float32)


def field_through(matrix: np.ndarray) -> Field:
    return move_field([CLOUDS], matrix, SIZE, 1.0)


def votes_for(matrix: np.ndarray) -> PatchVotes:
    return patch_votes(edge_field([CLOUDS], 1.0), field_through(matrix), 40, 8)


def test_every_patch_votes_for_the_shift_that_was_put_in() -> None:
    votes = votes_for(np.array([[1, 0, 3], [0, 1, -2], [0, 0, 1.0]]))
    assert len(votes.centres) > 20
    assert np.allclose(votes.peaks_px(), [3, -2], atol=0.2)


@pytest.mark.parametrize("freedom", [4, 6, 8])
def test_the_shared_warp_undoes_a_similarity_whatever_its_freedom(freedom: int) -> None:
    true = np.vstack([cv2.getRotationMatrix2D((100, 80), 1.5, 1.02), [0, 0, 1]])
    undone = shared_warp(votes_for(true), freedom, SIGMAS) @ true
    corners = np.array([[[20, 20], [180, 20], [180, 140], [20, 140]]], np.float64)
    assert np.abs(cv2.perspectiveTransform(corners, undone) - corners).max() < 0.5


def test_a_few_patches_that_vote_otherwise_do_not_bend_the_warp() -> None:
    votes = votes_for(np.eye(3))
    surfaces = votes.surfaces.copy()
    surfaces[:5] = np.roll(surfaces[:5], 7, axis=2)
    bent = shared_warp(PatchVotes(votes.centres, surfaces, SIZE), 8, SIGMAS)
    assert np.allclose(bent, np.eye(3), atol=0.02)


def test_no_patches_leave_everything_where_it_is() -> None:
    votes = patch_votes(np.zeros((2, 80, 80), np.float32), np.zeros((2, 80, 80), np.float32), 40, 8)
    assert np.array_equal(shared_warp(votes, 8, SIGMAS), np.eye(3))
    assert support_by(votes, 1.0) == PatchSupport(0, 0, float("inf"), 0.0)


def test_the_residual_is_that_of_the_patches_in_pixels_of_the_visible_picture() -> None:
    votes = votes_for(np.array([[1, 0, 0.8], [0, 1, 0.6], [0, 0, 1]]))
    assert support_by(votes, 1.0).residual_px == pytest.approx(1.0, abs=0.15)
    assert support_by(votes, 0.5).residual_px == pytest.approx(2.0, abs=0.3)


def test_what_one_corner_or_too_few_patches_say_is_weak() -> None:
    assert PatchSupport(40, 36, 0.5, 0.9).weakness == ""
    assert "10% of the picture only" in PatchSupport(40, 36, 0.5, 0.1).weakness
    assert "14 of 40 patches" in PatchSupport(40, 14, 0.5, 1.0).weakness


@pytest.mark.parametrize(("patches", "agreeing"), [(40, 18), (92, 25), (101, 55), (7, 7), (1, 1), (0, 0)])
def test_the_chance_is_that_of_half_as_many_looks_at_the_picture(patches: int, agreeing: int) -> None:
    expected = stats.binom.sf(agreeing // 2 - 1, patches // 2, BY_CHANCE)
    assert PatchSupport(patches, agreeing, 0.5, 1.0).chance == pytest.approx(expected)
