"""OpenCV is looked for by importing it, which any number of threads may do at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

TOGETHER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from coconet.installation.opencv import has_opencv

sys.setswitchinterval(1e-5)
both = Barrier(8)

def look(_):
    both.wait(30)
    return [has_opencv() for _ in range(200)]

with ThreadPoolExecutor(8) as pool:
    print({answer for answers in pool.map(look, range(8)) for answer in answers})
"""

WITHOUT = """
import sys
from coconet.installation.opencv import has_opencv

sys.modules["cv2"] = None
print(has_opencv())
"""


@pytest.mark.parametrize(("code", "said"), [(TOGETHER, "{True}"), (WITHOUT, "False")])
def test_whether_there_is_opencv(code: str, said: str) -> None:
    pytest.importorskip("cv2")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == said
