from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest
import typer

from coconet.cli import TRACEBACK, main
from coconet.errors import ExitCode
from coconet.installation.catalogue import GROUPS, ORDER
from coconet.installation.remedy import remedy_for
from coconet.runtime.rig.rig_file import Rig
from tests.support.programs.command_line import command

COCONET = Path(sys.executable).with_name("coconet")


def coconet(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COCONET, *arguments], capture_output=True, text=True, check=False)


def test_help_lists_every_command() -> None:
    answer = coconet("--help")
    assert answer.returncode == 0
    assert all(entry.name in answer.stdout for entry in entry_points(group="coconet.commands"))


def test_the_help_has_every_command_in_a_group_and_a_line_for_it() -> None:
    assert sorted(ORDER) == sorted(entry.name for entry in entry_points(group="coconet.commands"))
    said = " ".join(coconet("-h").stdout.split())
    places = [said.index(f" {group} ") for group in GROUPS]
    assert places == sorted(places)
    for line in (line for commands in GROUPS.values() for line in commands.values()):
        assert line in said
        assert len(line) <= 58  # with the longest word beside it in a terminal of 80 columns


def test_the_help_loads_no_command() -> None:
    program = "import sys; sys.argv = ['coconet', '--help']\ntry:\n  from coconet.cli import main; main()\nfinally:\n"
    program += "  print([name for name in ('numpy', 'pydantic', 'coconet.reading') if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert answer.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("word", ["run", "record", "init", "align", "offset", "batch", "bench", "export", "score"])
def test_a_misspelt_option_is_refused_before_anything_for_pictures_is_imported(word: str) -> None:
    heavy = ("numpy", "cv2", "av", "onnxruntime", "openvino", "torch", "coconet.config", "coconet.runtime.rig.rig_file")
    program = (
        f"import sys; sys.argv = ['coconet', {word!r}, '--misspelt']\ntry:\n  from coconet.cli import main; main()\n"
    )
    program += f"finally:\n  print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert answer.stdout.splitlines()[-1] == "[]"


def test_every_file_of_a_command_is_announced() -> None:
    root = Path(__file__).resolve().parents[2]
    parts = [path.parts[-3] for path in root.glob("*/commands/*.py")]
    assert set(parts) == {"coconet", "runtime", "export", "calibration", "benchmarks"}
    files = {
        f"coconet.{path.parts[-3]}.commands.{path.stem}".replace("coconet.coconet", "coconet")
        for path in root.glob("*/commands/[!_]*.py")
    }
    assert files == {entry.module for entry in entry_points(group="coconet.commands")}


@pytest.mark.parametrize("entry", entry_points(group="coconet.commands"), ids=lambda entry: entry.name)
def test_every_command_has_a_help_page(
    entry: EntryPoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["coconet", entry.name, "--help"])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    first = capsys.readouterr().out.strip().splitlines()[0]
    assert first.startswith("Usage:")
    assert f"coconet {entry.name}" in first


@pytest.mark.parametrize("entry", entry_points(group="coconet.commands"), ids=lambda entry: entry.name)
def test_no_word_in_brackets_is_lost_from_a_help_page_as_markup(entry: EntryPoint) -> None:
    one = entry.load()
    if not isinstance(one, typer.Typer):
        one = typer.Typer()
        one.command()(entry.load())
    given = typer.main.get_command(one)
    pages = [given, *getattr(given, "commands", {}).values()]
    helps = [str(getattr(part, "help", None) or "") for page in pages for part in (page, *page.params)]
    assert [text for text in helps if re.search(r"(?<!\\)\[[a-z/]", text)] == []


def test_an_error_is_one_sentence_on_stderr_with_exit_code_2_and_no_traceback(tmp_path: Path) -> None:
    answer = coconet("export", tmp_path / "gone.safetensors")
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.strip() == (
        f"error: {tmp_path / 'gone.safetensors'} does not exist; expected a checkpoint. Check the path."
    )


def test_an_unknown_command_ends_with_exit_code_2() -> None:
    answer = coconet("fly")
    assert answer.returncode == 2
    assert "fly is not a command of coconet." in answer.stderr


def test_the_version_is_printed() -> None:
    assert coconet("--version").stdout.startswith("coconet-edge ")


@pytest.mark.parametrize("words", [["record", "rig.toml", "--out", "night", "--seconds"], ["demo", "--seconds"]])
@pytest.mark.parametrize("number", ["nan", "inf", "1e999"])
def test_a_number_that_is_none_is_refused_whatever_the_limits_of_its_option(words: list[str], number: str) -> None:
    ended = coconet(*words, number)
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    assert "--seconds" in ended.stderr


@pytest.mark.parametrize("shown", [False, True])
def test_a_fault_of_ours_is_one_sentence_and_its_traceback_only_where_it_is_asked_for(
    shown: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "rig.toml").touch()

    def fail(*_: object) -> None:
        raise ZeroDivisionError("rtsp://user:hidden@host\n[bold]x[/nope]")

    monkeypatch.setattr(Rig, "from_file", fail)
    monkeypatch.delenv(TRACEBACK, raising=False)
    if shown:
        monkeypatch.setenv(TRACEBACK, "1")
    ended = command("run", str(tmp_path / "rig.toml"), "--model", "average")
    assert ended.code == ExitCode.UNEXPECTED
    assert ended.err.count("error: the program failed unexpectedly: ZeroDivisionError: ") == 1
    assert f"{TRACEBACK}=1 shows where" in ended.err
    assert ("Traceback" in ended.err) == shown
    assert shown or "hidden" not in ended.err


def test_a_disk_that_is_full_anywhere_is_no_fault_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "rig.toml").touch()

    def fail(*_: object) -> None:
        Path("/dev/full").write_bytes(b"something")

    monkeypatch.setattr(Rig, "from_file", fail)
    ended = command("run", str(tmp_path / "rig.toml"), "--model", "average")
    assert ended.code == ExitCode.OUTPUT
    assert "cannot be written: No space left on device. Free space" in ended.err


@pytest.mark.parametrize(
    ("words", "hidden", "first", "extras"),
    [
        (("demo",), ("onnxruntime", "cv2"), "cv2", ("headless", "cpu")),
        (("export", "coconet"), ("onnx", "torch", "cv2", "onnxruntime"), "onnx", ("export", "cpu", "headless")),
        (("serve", "lite"), ("onnxruntime", "starlette"), "onnxruntime", ("cpu", "web")),
        (("serve", "lite"), ("starlette",), "starlette", ("web",)),
    ],
)
def test_a_package_that_is_missing_comes_with_all_that_the_command_would_miss_next(
    words: tuple[str, ...], hidden: tuple[str, ...], first: str, extras: tuple[str, ...]
) -> None:
    hiding = f"import sys; sys.modules.update(dict.fromkeys({hidden})); from coconet.cli import main; main()"
    answer = subprocess.run([sys.executable, "-c", hiding, *words], capture_output=True, text=True, check=False)
    assert answer.returncode == ExitCode.REFUSED
    assert f"error: {first} is not installed in this Python, and " in answer.stderr
    assert answer.stderr.endswith(f" needs it. {remedy_for(*extras)}\n")
    assert "live page" not in answer.stderr
