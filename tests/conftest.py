"""What several test files share: the folder of real pictures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA_VARIABLE = "COCONET_DATA"


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
