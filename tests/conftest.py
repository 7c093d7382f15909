"""What tests run under: one thread a library, no deadlines, a cache of their own; real pictures, a stand-in GPU."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from tests.support.gpu.stand_in_gpu import StandInGpu

os.environ.setdefault("COCONET_PROGRESS", "off")  # its lines come by the clock

DATA_VARIABLE = "COCONET_DATA"

# Tests run in as many processes as there are cores. Threads of OpenMP wait for each other in busy loops: with more of
# them than free cores, a small picture takes many times as long. Both variables are read when torch and OpenCV are
# loaded, which is after this file; processes that tests start inherit them.
for variable in ("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ.setdefault(variable, "1")

# How long an example takes says how busy the machine is, so nothing is held to it. Examples are the same at every run,
# so that a failure is of a change, unless the long forms of tests are asked for.
hypothesis.settings.register_profile(
    "tests",
    deadline=None,
    derandomize=os.environ.get("COCONET_FUZZ") != "long",
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("tests")

_NUMBERS = count()


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
    """Keep the engines of tests out of the user's cache. The folder is made by what caches, if anything does.

    `mktemp` looks through all folders of the run for the next number, which takes longer than most tests.
    """
    monkeypatch.setenv("COCONET_PICK", "off")  # measuring takes seconds, and what is fastest depends on the machine
    monkeypatch.setenv("COCONET_CACHE", str(tmp_path_factory.getbasetemp() / "caches" / str(next(_NUMBERS))))


@pytest.fixture
def stand_in() -> Iterator[StandInGpu]:
    """The compiled stand-in for a GPU and its driver, as good as new; the test fails if it leaves anything on it."""
    from tests.support.gpu.stand_in_gpu import driver_library, loaded_stand_in

    driver_library()  # or skips
    gpu = loaded_stand_in()
    gpu.reset()
    yield gpu
    if gpu.living():
        gc.collect()  # what an error still refers to
    assert (gpu.living(), gpu.pushed) == ({}, 0)


@pytest.fixture
def driver(stand_in: StandInGpu, monkeypatch: pytest.MonkeyPatch) -> StandInGpu:
    """The stand-in, in place of the machine's driver."""
    from coconet.runtime.backends.gpu import libcuda

    monkeypatch.setattr(libcuda, "DRIVER_LIBRARY", str(stand_in.path))
    monkeypatch.setattr(libcuda, "open_memory", stand_in.memory)  # the real one is kept for the life of the process
    return stand_in
