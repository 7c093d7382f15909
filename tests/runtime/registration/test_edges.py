from __future__ import annotations

import numpy as np
import pytest

from coconet.runtime.registration.edges import EdgeFit
from coconet.runtime.registration.patch_matching import PatchSupport


@pytest.mark.parametrize(("agreement", "patches", "agreeing"), [(0.17, 24, 16), (0.11, 11, 8), (0.14, 15, 9)])
def test_what_pictures_of_different_scenes_reach_is_weak(agreement: float, patches: int, agreeing: int) -> None:
    fit = EdgeFit(np.eye(3), agreement, PatchSupport(patches, agreeing, 1.0, 0.9))
    assert f"agree by {agreement:.2f} only" in fit.weakness
    assert f"{agreeing} of {patches} patches" in fit.weakness


@pytest.mark.parametrize(("agreement", "patches", "agreeing"), [(0.25, 108, 54), (0.12, 60, 56)])
def test_edges_that_agree_or_nearly_all_patches_bear_a_fit_out(agreement: float, patches: int, agreeing: int) -> None:
    assert EdgeFit(np.eye(3), agreement, PatchSupport(patches, agreeing, 1.0, 0.9)).weakness == ""
