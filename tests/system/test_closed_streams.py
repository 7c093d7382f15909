"""A command that was started without standard streams, as some daemons are, does what it was asked to all the same."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.media.recordings import flat, write_video

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="closes streams by a POSIX shell")

OUTPUT = 5


def run(folder: Path, out: str, closed: str) -> subprocess.CompletedProcess[bytes]:
    """Fuse two videos in a process of which the shell closes streams, such as `2>&-`."""
    sides = [write_video(folder / f"{side}.mkv", [flat(level)] * 3) for side, level in (("a", 40), ("b", 80))]
    code = "from coconet.commands.__main__ import main; main()"
    words = [sys.executable, "-c", code, "run", *map(str, sides), "--model", "average", "--out", out]
    return subprocess.run(["sh", "-c", f"{shlex.join(words)} {closed}"], capture_output=True, check=False, cwd=folder)


@pytest.mark.parametrize("closed", ["2>&-", "<&- 2>&-", "<&- >&- 2>&-"])
def test_a_video_is_written_without_the_streams(tmp_path: Path, closed: str) -> None:
    assert run(tmp_path, "fused.mkv", closed).returncode == 0
    assert (tmp_path / "fused.mkv").stat().st_size > 0


def test_a_pipe_is_written_without_stderr(tmp_path: Path) -> None:
    assert len(run(tmp_path, "raw:-", "2>&-").stdout) == 3 * flat(0).size


@pytest.mark.parametrize("out", ["raw:-", "h264:-"])
def test_a_pipe_that_is_closed_is_said_in_words(tmp_path: Path, out: str) -> None:
    done = run(tmp_path, out, ">&-")
    assert done.returncode == OUTPUT
    assert f"error: {out} writes to standard output, which is closed." in done.stderr.decode()
