"""The command `coconet`: gathers the commands of every part and turns our errors into one line and an exit code."""

from __future__ import annotations

import errno
import math
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import Annotated, Any, NoReturn, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from coconet import __version__
from coconet.errors import CoconetError, ExitCode, MissingPackage, first_line, nearest
from coconet.installation.catalogue import GROUPS, ORDER
from coconet.installation.extras import ROS_ARGS
from coconet.installation.garbage import look_for_garbage_again
from coconet.installation.option_groups import arrange_help, nearest_option
from coconet.redaction import redact_text
from coconet.terminal.notice import print_notice

COMMANDS_GROUP = "coconet.commands"
"""Each part announces its commands under this entry-point group in setup.py."""

_OURS = "coconet-edge"  # the distribution

TRACEBACK = "COCONET_TRACEBACK"
"""The environment variable that shows where an unexpected error came from."""

OPENCV_WORDS = "OPENCV_LOG_LEVEL"
"""The environment variable that lets OpenCV write to stderr, beside our one sentence about the same; set it to WARN."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk takes no more; temporary files lie on one too

_MOST_WORDS = 500  # of what a foreign error says


OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace results that already exist.")]
"""The option of every command that writes; what it may replace is checked by coconet.writing.outputs.check_outputs."""

DeviceOption = Annotated[int | None, typer.Option("--device", min=0, help="Use this GPU, by its number in nvidia-smi.")]
"""The option of commands that use one GPU; coconet.runtime.backends.tensorrt.cuda_device obeys it."""

ReserveOption = Annotated[
    float | None,
    typer.Option(
        "--reserve-mb",
        min=0,
        help="Keep this many megabytes of the disk free: a recording ends before, and is whole.",
        show_default="1000, or a twentieth of a small disk",
    ),
]
"""How much of a disk recordings leave, in megabytes, as coconet.files.spare_bytes takes it."""


def _cameras(metavar: str, text: str) -> Any:
    """The one argument of cameras; what it may name besides two cameras differs from command to command."""
    return typer.Argument(metavar=f"[{metavar} | VISIBLE INFRARED]", help=text, show_default=False)


CamerasArgument = Annotated[
    list[str] | None,
    _cameras(
        "RIG",
        "A rig.toml, a recording's folder or a bag; a folder with both sides; or both cameras, the visible one "
        "first: videos, folders, addresses, or numbers of devices.",
    ),
]
"""Of commands that take cameras; coconet.runtime.rig.naming.named_cameras sorts them, and the two options below."""

EditedCamerasArgument = Annotated[
    list[str] | None,
    _cameras(
        "RIG", "A rig.toml, of cameras or of a recording, which takes the result; or both cameras, visible first."
    ),
]
"""The same of commands that find something about a rig."""

NewCamerasArgument = Annotated[
    list[str] | None,
    _cameras(
        "SOURCE",
        "Both cameras, the visible one first; or a folder or a bag with both sides, or the visible channel of a "
        "network camera that has two.",
    ),
]
"""The same of the command that makes a rig file of cameras."""

VisibleOption = Annotated[
    str | None, typer.Option("--visible", help="Name the visible camera, video or folder here instead.")
]
"""In place of the words above, together with the next one."""

InfraredOption = Annotated[
    str | None, typer.Option("--infrared", help="Name the infrared camera, video or folder here instead.")
]
"""In place of a rig file, together with the one before."""

RateOption = Annotated[
    str | None,
    typer.Option(
        "--fps",
        metavar="RATE[,RATE]",
        help="Ask devices for this many frames per second, and take the pictures of folders as being of that rate; of "
        "both sides, or VISIBLE,INFRARED.",
        show_default="as in the rig",
    ),
]
"""In place of the key fps of a rig file; coconet.runtime.rig.naming.rates reads it."""

RigOutOption = Annotated[Path, typer.Option("--out", help="Write this rig file, if no rig was named.")]
"""Of commands that write what they find into a rig file."""

SaveOption = Annotated[bool, typer.Option("--save/--no-save", help="Write the result into the rig file.")]
"""Whether they do."""

_UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])


HELP = {"help_option_names": ["-h", "--help"]}
"""Settings of every command: what shows its help."""


class CommandGroup(TyperGroup):
    """Commands by name, each loaded only when it is called, so that one missing package disturbs no other command."""

    _listing = False

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Names in the order in which a model and a rig go through them; those of other packages last."""
        announced = self._announced
        return [*(word for word in ORDER if word in announced), *sorted(announced.keys() - set(ORDER))]

    def format_help(self, *words: Any) -> None:
        """Show every command by its line in the catalogue."""
        self._listing = True
        try:
            super().format_help(*words)
        finally:
            self._listing = False

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | None:  # type: ignore[override]
        """Load one command, or a group of them."""
        if self._listing and (listed := _listed(cmd_name)) is not None:
            return listed
        found = _own_command(cmd_name) or self._announced.get(cmd_name)
        if found is None:
            return None
        loaded = found.load()
        look_for_garbage_again()
        if isinstance(loaded, typer.Typer):
            for inner in loaded.registered_commands:
                inner.cls = FiniteCommand
            return arrange_help(get_command(loaded))  # type: ignore[no-any-return]
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(name=cmd_name, cls=FiniteCommand, context_settings=HELP)(loaded)
        return arrange_help(get_command(single))  # type: ignore[no-any-return]

    @cached_property
    def _announced(self) -> dict[str, EntryPoint]:
        """What every package announces: looking into all that are installed takes longer than all else of the help."""
        return {entry.name: entry for entry in entry_points(group=COMMANDS_GROUP)}

    def make_context(self, *words: Any, **more: Any) -> Any:
        """Read the options before the command."""
        with _usage_errors_in_words():
            return super().make_context(*words, **more)

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command; a mistake in its arguments is told without the secrets of an address among them."""
        with _usage_errors_in_words():
            return super().invoke(ctx)


class FiniteCommand(TyperCommand):
    """A command none of whose numbers is infinite or no number at all, which the limits of an option let through."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Read the words."""
        return super().parse_args(ctx, self.spell_out(args))

    def spell_out(self, args: list[str]) -> list[str]:
        """Name each word from --ros-args to -- as one that is for ROS, if the command hands such words on."""
        if not any(ROS_ARGS in one.opts for one in self.params) or ROS_ARGS not in args:
            return args
        begin = args.index(ROS_ARGS)
        end = args.index("--", begin) if "--" in args[begin:] else len(args)
        return [*args[:begin], *(f"{ROS_ARGS}={word}" for word in args[begin + 1 : end]), *args[end + 1 :]]

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Look at the numbers, and run the command."""
        for name, value in ctx.params.items():
            several = value if isinstance(value, (list, tuple)) else [value]
            odd = [one for one in several if isinstance(one, float) and not math.isfinite(one)]
            if odd:
                option = next(param.opts[0] for param in self.params if param.name == name)
                raise typer.BadParameter(f"{odd[0]} is no finite number.", ctx=ctx, param_hint=option)
        return super().invoke(ctx)


@contextmanager
def _usage_errors_in_words() -> Iterator[None]:
    """Say what is wrong with a command line as our own errors do, without the secrets of an address in it."""
    try:
        yield
    except _UsageError as error:
        words = _usage_in_words(error)
        if words is not None:
            raise _UsageError(redact_text(words), ctx=error.ctx) from None  # type: ignore[call-arg, attr-defined]
        error.message = redact_text(error.message)  # type: ignore[attr-defined]
        raise


_COUNTS = {
    r"Option '?(-.*?)'? requires an argument\.": "has no value behind it",
    r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)": "is more than the command takes",
}
"""Click's words for too little and too much, and ours."""

_NOT_FINITE = re.compile(r"\s*([+-]?(?:nan|inf|infinity))\b", re.IGNORECASE)
"""A number that is none, or infinite, at the beginning of what is said of it."""

_PLAIN = {"integer": "a whole number", "float": "a number", "boolean": "true or false"}
"""Click's words for the same."""


def _usage_in_words(error: Any) -> str | None:
    """Say in a sentence what a UsageError of Typer is about; None for one that is a help page or already in words.

    Typer 0.20 and later keeps the error of pydantic as the cause; before, the message of Click has the same facts.
    """
    kind, message = type(error).__name__, str(error.message)
    if kind == "NoSuchOption":
        command = error.ctx.command if error.ctx else None
        known = [name for one in getattr(command, "params", ()) for name in one.opts if name.startswith("-")]
        path = error.ctx.command_path if error.ctx else "this command"
        return f"{error.option_name} is not an option of {path}. {nearest_option(error.option_name, known)}".strip()
    if kind == "MissingParameter":
        return f"{_named(error)} is missing."
    if kind == "BadParameter":
        return f"{_named(error)} {_fault(error, message)}".strip()
    if found := re.fullmatch(r"No such command '?(.*?)'?\.", message):
        known = error.ctx.command.list_commands(error.ctx) if error.ctx else []
        path = error.ctx.command_path if error.ctx else "coconet"
        return f"{found[1]} is not a command of {path}. {nearest(found[1], known)}".strip()
    counts = ((found[1], says) for pattern, says in _COUNTS.items() if (found := re.fullmatch(pattern, message)))
    return next((f"{subject} {says}." for subject, says in counts), None)


def _named(error: Any) -> str:
    """The option or the argument that an error is about."""
    if isinstance(error.param_hint, str):
        return error.param_hint
    if error.param is None:
        return "The command line"
    if error.param.param_type_name == "argument":
        return f"The argument {error.param.name}"
    return str(max(error.param.opts, key=len))


def _fault(error: Any, message: str) -> str:
    if found := re.search(r"'(.*)' is not one of (.*?)\.?$", message):
        choices = re.findall(r"'(.*?)'", found[2])
        return f"must be {', '.join(choices[:-1])} or {choices[-1]}, not {found[1]}. {nearest(found[1], choices)}"
    misfit = _misfit(error, message)
    if misfit is not None:
        return f"must be {misfit[0]}, not {misfit[1]}."
    return f"does not fit: {message.removeprefix('Value error, ')}"


def _misfit(error: Any, message: str) -> tuple[str, str] | None:
    """What a value should have been, and what it is; None if that cannot be told."""
    faults = getattr(error.__cause__, "errors", None)
    first: Any = faults(include_url=False)[0] if callable(faults) else {}
    given = str(first.get("input", message))
    if found := _NOT_FINITE.match(given):
        return "a finite number", found[1]
    if first.get("msg", "").startswith("Input should be "):
        from coconet.config import fitting

        return fitting(first), given
    if found := re.fullmatch(r"(.*) is not in the range (.*?)\.?", message):
        return f"in the range {found[2]}", found[1]
    if found := re.fullmatch(r"'(.*)' is not a valid (\w+)( range)?\.?", message):
        return _PLAIN.get(found[2], f"a {found[2]}"), found[1]
    return None


def _listed(word: str) -> TyperCommand | None:
    """What stands for a command in the list of all; None for one that the catalogue does not have."""
    for group, commands in GROUPS.items():
        if word in commands:
            return TyperCommand(word, help=commands[word], rich_help_panel=group)
    return None


def _own_command(word: str) -> EntryPoint | None:
    """A command of this package, found without a look into the others; None if it is of another one, or of none."""
    try:
        announced = distribution(_OURS).entry_points
    except PackageNotFoundError:
        return None
    return next((entry for entry in announced if (entry.group, entry.name) == (COMMANDS_GROUP, word)), None)


app = typer.Typer(
    cls=CommandGroup,
    name="coconet",
    help="Infrared and visible image fusion on the edge.",
    no_args_is_help=True,
    context_settings=HELP,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _options(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        typer.echo(f"coconet-edge {__version__}")
        raise typer.Exit


def main(stopping: Callable[[], bool] = lambda: False) -> None:
    """Run the command line; coconet.commands.__main__ calls it, with the signals that end it taken care of.

    stopping: whether one of them has come; no error is told then, since it may be what a library has made of that.
    """
    os.environ.setdefault(OPENCV_WORDS, "SILENT")
    try:
        app()
    except Exception as error:
        if stopping():
            raise
        _end_with(error)


def _end_with(error: Exception) -> NoReturn:
    """End the process with the sentence and the exit code of an error."""
    if isinstance(error, CoconetError):
        says = _with_all_extras(error) if isinstance(error, MissingPackage) and error.lacking else str(error)
        print_notice(says, "error")
        sys.exit(error.exit_code)
    if isinstance(error, OSError) and error.errno in _FULL:
        place = redact_text(str(error.filename or "standard output, or a temporary file,"))
        full = f"{place} cannot be written: {error.strerror}"
        print_notice(f"{full}. Free space, there and among the temporary files.", "error")
        sys.exit(ExitCode.OUTPUT)
    if isinstance(error, AttributeError):
        print_notice(_damaged(error), "error")
        sys.exit(ExitCode.REFUSED)
    _end_unexpected(error)


def _with_all_extras(error: MissingPackage) -> str:
    """Say which package was missed first, and install with it whatever else the command needs and would miss next."""
    from coconet.installation.extras import lacking_extras
    from coconet.installation.remedy import remedy_for

    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    return str(error).removesuffix(error.remedy) + remedy_for(*lacking_extras(command, error.lacking))


def _damaged(error: AttributeError) -> str:
    """Say which package is damaged; what is a fault of ours ends the program."""
    from coconet.installation.flavours import damaged_package, extra_of, restore_command

    package = damaged_package(error)
    if package is None:
        _end_unexpected(error)
    restore = restore_command(extra_of(package), str(error))
    return f"{package} is damaged: its folder holds no code. Install it again: {restore}"


def _end_unexpected(error: Exception) -> NoReturn:
    """End with a fault of ours, said in a sentence like all others."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    print_notice(
        f"the program failed unexpectedly: {type(error).__name__}: {redact_text(first_line(error))[:_MOST_WORDS]}. "
        f"This is a fault of coconet itself; {TRACEBACK}=1 shows where. Please report it.",
        "error",
    )
    sys.exit(ExitCode.UNEXPECTED)
