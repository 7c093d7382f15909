"""What a command is doing is told in plain lines in a pipe, and as bars on a terminal."""

from __future__ import annotations

import itertools
import os
import pty
import subprocess
import sys
import threading
import time

import pytest

from coconet.progress.board import SWITCH, Board, working
from coconet.progress.lines import ProgressLines
from coconet.progress.work import Work
from tests.support.rigs.live_rig import until

NOW = 1000.0
SLOW = "import time; from coconet.progress.board import working, command_under_way\n"


def line(**fields: object) -> str:
    begun, done = NOW - 30, float(str(fields.pop("reached", 0)))
    work = Work(**{"doing": "comparing", "begun_s": begun, **fields})  # type: ignore[arg-type]
    work.update(done=work.done + done)
    return work.line(NOW)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "comparing: 30 s so far"),
        ({"reached": 7}, "comparing: 7, 30 s so far"),
        ({"total": 40}, "comparing: 0 of 40, 30 s so far"),
        ({"total": 40, "reached": 10}, "comparing: 10 of 40, about 90 s left"),
        ({"total": 40, "done": 20, "reached": 10}, "comparing: 30 of 40, about 30 s left"),
        ({"total": 1, "reached": 0.25}, "comparing: 25%, about 90 s left"),
        ({"total": 40, "reached": 10, "share": True}, "comparing: 25%, about 90 s left"),
        ({"total": 40, "reached": 10, "uneven": True}, "comparing: 10 of 40, 30 s so far"),
        ({"total": 120, "by_clock": True}, "comparing: 30 s of 2 min"),
    ],
)
def test_a_line_says_how_far_it_is_and_what_is_left_by_the_pace_since_this_process_began(
    fields: dict[str, object], said: str
) -> None:
    assert line(**fields) == said


def told(code: str) -> list[str]:
    environment = {**os.environ, "COCONET_PROGRESS": "on"}
    run = subprocess.run(
        [sys.executable, "-c", SLOW + code], env=environment, capture_output=True, check=True, timeout=60
    )
    assert run.stdout == b""
    assert not set(run.stderr) & {0x1B, 0x0D}
    return run.stderr.decode().splitlines()


@pytest.mark.slow
def test_a_pipe_gets_plain_lines_even_while_one_long_step_is_under_way() -> None:
    lines = told("with working('a [red] step\\x1b[31m', 3) as work:\n  work.advance()\n  time.sleep(12)")
    assert len(lines) >= 2
    assert all(one.startswith("a [red] step\ufffd[31m: 1 of 3, about ") for one in lines), lines


@pytest.mark.slow
def test_a_command_that_says_nothing_of_itself_is_told_to_be_alive_and_the_innermost_work_comes_before_it() -> None:
    code = "with command_under_way('x', live=False):\n  time.sleep(4)\n  with working('inner'):\n    time.sleep(12)"
    lines = told(code)
    assert [one.partition(":")[0] for one in lines] == ["coconet x is starting", "inner"], lines
    assert lines[-1].startswith("inner: ")


def test_nothing_is_told_of_what_is_over_at_once_or_switched_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COCONET_PROGRESS", "")
    with working("quick", 3) as work:
        work.advance()
    assert capsys.readouterr().err == ""


def test_while_there_is_nothing_to_tell_no_thread_looks_again_and_again() -> None:
    looked, work = list[Work | None](), Work("fusing", begun_s=NOW)
    told: list[Work] = []

    def find_told() -> Work | None:
        looked.append(told[-1] if told else None)
        return looked[-1]

    lines = ProgressLines(find_told)
    assert until(lambda: looked)
    time.sleep(1.5)
    assert len(looked) <= 2
    told.append(work)
    lines.look()
    assert until(lambda: looked[-1] is work)
    told.clear()
    assert until(lambda: looked[-1] is None)
    lines.close()
    assert not any(thread.name == "progress" for thread in threading.enumerate())


def test_of_two_works_that_say_the_same_the_one_that_ends_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "")
    board, clock = Board(), itertools.repeat(NOW).__next__
    outer, inner = (Work("fusing", clock=clock) for _ in range(2))
    with board.showing(outer):
        with board.showing(inner):
            assert board.find_told() is inner
        assert board.find_told() is outer


def test_on_a_terminal_nested_works_are_bars_that_are_gone_at_the_end() -> None:
    outer = "with working('outer [b]', 2) as a:\n  a.advance()\n"
    code = f"{outer}  with working('inner', 1.0) as b:\n    b.update(done=0.5)\n    time.sleep(0.3)"
    main, terminal = pty.openpty()
    environment = {**os.environ, "COCONET_PROGRESS": "on", "TERM": "xterm", "COLUMNS": "100"}
    subprocess.run([sys.executable, "-c", SLOW + code], env=environment, stderr=terminal, check=True, timeout=60)
    os.close(terminal)
    shown = os.read(main, 65536).decode()
    os.close(main)
    assert "outer [b]" in shown
    assert "inner" in shown
    assert "1/2" in shown
