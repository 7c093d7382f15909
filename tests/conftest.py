"""What several test files share: the folder of real pictures, a cache of their own, and one thread for each library."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA_VARIABLE = "COCONET_DATA"

# Tests run in as many processes as there are cores. Threads of OpenMP wait for each other in busy loops: with more of
# them than free cores, a small picture takes many times as long. Both variables are read when torch and OpenCV are
# loaded, which is after this file; processes that tests start inherit them.
for variable in ("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ.setdefault(variable, "1")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real pairs (tno/, roadscene/, video/, sequence_tno/), or a skip that says how to name one.

    Without the variable a folder `data` that lies in a neighbour of the checkout is taken.
    """
    neighbours = Path(__file__).resolve().parents[2].glob("*/data")
    named = os.environ.get(DATA_VARIABLE)
    for folder in [Path(named)] if named else sorted(neighbours):
        if (folder / "tno").is_dir():
            return folder
    pytest.skip(f"no real pictures: set {DATA_VARIABLE} to a folder with tno/, roadscene/ and video/")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the engines of tests out of the user's cache."""
    monkeypatch.setenv("COCONET_CACHE", str(tmp_path_factory.mktemp("cache", numbered=True)))
