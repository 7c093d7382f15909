"""The one systemd unit: what the documents show is the file, what it starts exists, and it can write what it writes."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
import typer

from coconet.errors import ExitCode
from coconet.runtime.commands.run import run
from coconet.runtime.loop.liveness import STALLED_S, STARTING_S
from coconet.runtime.loop.supervisor import START_S

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "docs" / "coconet.service"


def keys() -> dict[str, list[str]]:
    """The values of each key; a line that ends in a backslash goes on in the next one."""
    found = defaultdict(list)
    for line in UNIT.read_text().replace("\\\n", " ").splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.startswith("#"):
            found[name].append(value)
    return found


def words() -> list[str]:
    return shlex.split(keys()["ExecStart"][0])


def test_there_is_one_unit_and_the_documents_show_it_letter_for_letter() -> None:
    inside = [
        path for path in ROOT.rglob("*.service") if not path.relative_to(ROOT).parts[0].startswith((".", "build"))
    ]
    assert inside == [UNIT]
    shown = [
        block for path in ROOT.glob("docs/**/*.md") for block in re.findall(r"```ini\n(.*?)```", path.read_text(), re.S)
    ]
    assert [block for block in shown if "[Service]" in block] == [UNIT.read_text()]


def test_it_is_installed_from_where_it_is_and_starts_what_is_installed() -> None:
    told = (ROOT / "docs" / "live.md").read_text()
    assert "install -m 644 docs/coconet.service /etc/systemd/system/" in told
    assert f"venv {Path(words()[0]).parents[1]} " in told
    assert keys()["EnvironmentFile"][0] in told
    assert keys()["User"][0] == "coconet"


def test_its_command_line_is_one_that_run_takes() -> None:
    program = typer.Typer()
    program.command()(run)
    known = {option for one in typer.main.get_command(program).params for option in one.opts}
    assert words()[1] == "run"
    assert {word for word in words() if word.startswith("--")} <= known


def test_all_that_it_writes_lies_where_it_may_write() -> None:
    place = Path(keys()["WorkingDirectory"][0])
    folders = {Path("/var/lib") / name for name in keys()["StateDirectory"][0].split()}
    assert place in folders
    given = words()
    written = [given[2], *(given[given.index(option) + 1] for option in ("--captures", "--out"))]
    assert {(place / name).parent for name in written} <= folders
    assert int(given[given.index("--keep") + 1]) > 0  # its recordings do not fill the disk
    assert float(given[given.index("--rotate-mb") + 1]) > 0


def test_it_waits_as_long_as_a_run_may_take_and_starts_again_what_may_go_better() -> None:
    assert float(keys()["TimeoutStartSec"][0]) > STARTING_S
    assert float(keys()["TimeoutStartSec"][0]) == START_S  # and as long again after every word of a build that goes on
    assert float(keys()["WatchdogSec"][0]) > STALLED_S
    assert (keys()["Type"], keys()["Restart"], keys()["StartLimitIntervalSec"]) == (["notify"], ["on-failure"], ["0"])
    assert keys()["RestartPreventExitStatus"] == [str(int(ExitCode.REFUSED))]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_finds_nothing_to_say_about_it(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace(words()[0], "/bin/true"))
    looked = subprocess.run(
        ["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=60, check=False
    )
    assert (looked.returncode, [line for line in looked.stderr.splitlines() if UNIT.name in line]) == (0, [])
