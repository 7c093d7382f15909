"""A test that waits for a program learns why it ended, and does not wait on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.programs.awaited import await_of


def test_a_program_that_ended_before_is_told_of_at_once_with_what_it_said() -> None:
    code = "import sys; print('begun'); sys.exit('no such camera')"
    with (
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
        pytest.raises(AssertionError, match=r"(?s)exit code 1, and said:.begun.no such camera"),
    ):
        await_of(process, lambda: False)
