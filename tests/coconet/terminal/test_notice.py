"""Sentences on stderr are said as they are, in colour where that shows, and to nobody if nobody reads."""

from __future__ import annotations

import re
import subprocess
import sys
from io import StringIO

import pytest

from coconet.progress.bars import ProgressBars
from coconet.progress.work import Work
from coconet.terminal.notice import print_line, print_notice

ODD = "[bold]x[/nope] :bomb: [link=http://x]"


class Screen(StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        if self.closed:
            raise ValueError("I/O operation on closed file")
        return True


def screen_for(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A terminal that stderr goes to, for one test; pytest puts its own in place of what a fixture sets."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    made = Screen()
    monkeypatch.setattr(sys, "stderr", made)
    return made


@pytest.mark.parametrize("kind", ["error", "warning", "note"])
def test_a_notice_may_quote_anything(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    print_notice(ODD, kind)
    print_line(ODD)
    assert capsys.readouterr().err == f"{kind}: {ODD}\n{ODD}\n"


def test_a_terminal_shows_the_word_in_colour_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_for(monkeypatch)
    print_notice("a\x1b[31mb")
    assert screen.getvalue() == "\x1b[33mwarning:\x1b[0m a\ufffd[31mb\n"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", "unknown")])
def test_a_user_may_want_no_colours(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    screen = screen_for(monkeypatch)
    monkeypatch.setenv(name, value)
    print_notice("cold", "error")
    assert screen.getvalue() == "error: cold\n"


def test_a_user_may_want_colours_in_a_pipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_notice("cold", "note")
    assert capsys.readouterr().err.startswith("\x1b[33m")


def test_a_notice_stands_above_the_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, work = screen_for(monkeypatch), Work("fusing", 10.0)
    bars = ProgressBars()
    bars.add(work)
    print_notice("cold")
    bars.remove(work)
    shown, _, rest = screen.getvalue().partition("cold\n")
    bar, _, told = shown.rpartition("\r\x1b[2K")  # the line of the bar is cleared
    assert "fusing" in bar
    assert re.sub(r"\x1b\[\d*m", "", told) == "warning: "
    assert "fusing" in rest


@pytest.mark.parametrize("closed", [True, False])
def test_a_notice_that_nobody_reads_ends_nothing(monkeypatch: pytest.MonkeyPatch, closed: bool) -> None:
    if closed:
        screen_for(monkeypatch).close()
    else:
        monkeypatch.setattr(sys, "stderr", None)
    print_notice("cold")
    print_line("cold")


def test_a_command_without_stderr_ends_with_its_own_exit_code() -> None:
    code = "import os, sys; os.close(2); sys.stderr = None; from coconet.commands.__main__ import main; main()"
    words = [sys.executable, "-c", code, "run", "nothing.mp4", "nothing2.mp4"]
    assert subprocess.run(words, check=False).returncode == 2


def test_letters_that_stderr_does_not_have_are_told_apart() -> None:
    code = "from coconet.terminal.notice import print_notice; print_notice('a\\udcff b\u00e4')"
    words = [sys.executable, "-X", "utf8=0", "-c", code]
    done = subprocess.run(words, env={"PYTHONIOENCODING": "ascii:backslashreplace"}, capture_output=True, check=True)
    assert done.stderr == rb"warning: a\udcff b\xe4" + b"\n"


def test_a_notice_needs_nothing_that_draws_tables() -> None:
    code = (
        "import sys; from coconet.terminal.notice import print_notice; print_notice('x'); print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("False\n", "warning: x\n")
