"""What several test files share: the folder of real pictures, and small pictures made on the spot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA_VARIABLE = "COCONET_DATA"


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real pairs (tno/, roadscene/, video/, sequence_tno/), or a skip that says how to name one."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get(DATA_VARIABLE, beside))
    if not (folder / "tno").is_dir():
        pytest.skip(f"no real pictures: set {DATA_VARIABLE} to a folder with tno/, roadscene/ and video/")
    return folder
