"""A program that ends while a rig is open, or a thread of its own fuses, ends as it would without them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from coconet.media.video import VideoReader

pytestmark = pytest.mark.slow

BEGINNING = """
import contextlib, sys, threading, time
import numpy as np
import coconet

SYNTHETIC = "synthetic://?width=320&height=240"
rig = coconet.Rig.from_addresses(SYNTHETIC, SYNTHETIC)
begun = threading.Event()


def consume():
    with coconet.load("lite") as fuse, coconet.open_pairs(rig) as pairs:
        for pair in pairs:
            fuse(pair.visible.pixels, pair.infrared.pixels)
            begun.set()


def in_a_thread(work):
    threading.Thread(target=work, daemon=True).start()
    assert begun.wait(60)
"""

ENDINGS = {
    "entered and never left": "pairs = coconet.open_pairs(rig); pairs.__enter__(); next(iter(pairs))",
    "held by an object": """
class Owner:
    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.pairs = self.stack.enter_context(coconet.open_pairs(rig))
owner = Owner()
next(iter(owner.pairs))
""",
    "a generator that waits": """
def fused():
    with coconet.load("lite") as fuse, coconet.open_pairs(rig) as pairs:
        for pair in pairs:
            yield fuse(pair.visible.pixels, pair.infrared.pixels)
generator = fused()
next(generator)
""",
    "a daemon thread that takes pairs": "in_a_thread(consume)",
    "a daemon thread that loads": """
def load():
    begun.set()
    coconet.load("lite")
in_a_thread(load)
""",
    "a daemon thread that fuses for ever": """
def fuse_on():
    gray = np.zeros((480, 640), np.uint8)
    with coconet.load("lite") as fuse:
        while True:
            fuse(gray, gray)
            begun.set()
in_a_thread(fuse_on)
""",
    "an error": "pairs = coconet.open_pairs(rig); pairs.__enter__(); next(iter(pairs)); sys.exit(9)",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_open_as_the_interpreter_ends_does_not_abort_it(ending: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", BEGINNING + ENDINGS[ending]], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (9 if ending == "an error" else 0, "", "")


def test_a_run_in_a_daemon_thread_finishes_its_video(tmp_path: Path) -> None:
    program = f"""
def run():
    with coconet.load("average") as fuse:
        coconet.run(coconet.open_pairs(rig), fuse, out={str(tmp_path / "fused.mp4")!r}, on_frame=lambda _: begun.set())
in_a_thread(run)
"""
    answer = subprocess.run([sys.executable, "-c", BEGINNING + program], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["fused.mp4"]
    with VideoReader(tmp_path / "fused.mp4") as video:
        assert next(iter(video)) is not None


def test_a_forked_process_leaves_the_cameras_to_its_parent() -> None:
    program = """
import os
with coconet.open_pairs(rig) as pairs:
    taken = iter(pairs)
    next(taken)
    if os.fork() == 0:
        sys.exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
    next(taken)
"""
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BEGINNING + program], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")
