"""Errors, which say what is wrong and what to do, and the exit codes they end a command with."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from enum import IntEnum
from itertools import islice
from pathlib import Path

from coconet.redaction import redact, redact_text


class CoconetError(Exception):
    """The one error users see: it ends a command with no traceback, and with exit code 2 unless coconet.errors says.

    where: the file, option, camera or layer it is about.
    wanted: what would have been accepted.
    got: what was there instead.
    remedy: the next thing to do, as a sentence.
    says: what is wrong with `where`, as the rest of a sentence about it, such as `does not exist`. It is what users
    read in place of wanted and got, which stay for programs.
    Addresses in all five are redacted: a password that was given in the wrong place is not repeated.
    """

    exit_code = 2

    def __init__(self, where: object, *, wanted: str, got: str, remedy: str, says: str) -> None:
        self.where = redact(str(where)) if isinstance(where, Path) else redact_text(str(where))
        self.wanted, self.got, self.remedy = redact_text(wanted), redact_text(got), redact_text(remedy)
        self.says = redact_text(says if says.endswith("..") else says.removesuffix("."))  # foreign text may have one
        super().__init__(f"{self.where} {self.says}. {self.remedy}")

    def moved_to(self, where: object) -> Refused:
        """Say the same of another place, as of a file instead of a table in it, as Refused."""
        return Refused(where, wanted=self.wanted, got=self.got, remedy=self.remedy, says=self.says)

    def __reduce__(self) -> tuple[Callable[..., CoconetError], tuple[object, ...]]:
        """Let it pass from one process to another, as multiprocessing and concurrent.futures do with errors."""
        return _rebuilt, (type(self), self.args, self.__dict__)


@contextmanager
def named_as(scratch: Path, path: Path) -> Iterator[None]:
    """Let a CoconetError about `scratch`, which is to become `path`, name `path`: the user knows no other file."""

    def renamed(text: str) -> str:
        return text.replace(str(scratch), str(path)).replace(scratch.name, path.name)

    try:
        yield
    except CoconetError as error:
        for field in ("where", "wanted", "got", "remedy", "says"):
            setattr(error, field, renamed(getattr(error, field)))
        error.args = tuple(map(renamed, map(str, error.args)))
        raise


def _rebuilt(kind: type[CoconetError], args: tuple[object, ...], fields: Mapping[str, object]) -> CoconetError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


ESCAPE_CODES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
"""What colours text in a terminal: PyTorch's exporter puts it into its messages, whatever they are written to."""


ADVICE = re.compile(
    r"\s+Please |(?<=[.!?)])\s+(?:For more (?:debug )?info|To (?:fix|suppress|debug)|Try |Consider |You (?:can|may) |"
    r"If you |See (?:https?:|the )|Use `|Set |Run with )"
)
"""Where a sentence begins that tells a programmer of the other library what to do: a user has our remedy instead."""


ORIGIN = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : |Exception from \S+:\d+:\s*|Check '.*?' failed at \S+:\d+:\s*|"
    r"Load model from .*? failed:\s*|FrontEnd API failed with \w+:\s*|"
    r"\S+\.(?:h|hpp|cc|cpp|cu):\d+:? (?:[\w: <>*&]*::\w+\(.*?\) )?(?:.* was false\. |\w+Impl )?"
)
"""Which file, line and function of the other library an error comes from: it says nothing of what is wrong."""

NODE = re.compile(r"Non-zero status code returned while running (\w+) node\. Name:'(.*?)' Status Message: ")
"""How ONNX Runtime names the operation that failed."""


def first_line(error: BaseException) -> str:
    """The first line of what a foreign error says, without colours and advice, or its type where it says nothing.

    Source files of the other library, and what only announces the reason, are left out.

    A line that ends in a colon only announces what is wrong: the next one is part of it.
    """
    line, *others = (ESCAPE_CODES.sub("", str(error)).strip() or type(error).__name__).splitlines()
    for other in filter(None, map(str.strip, others)):
        if not line.rstrip().endswith(":"):
            break
        line = f"{line.rstrip()} {other}"
    line = NODE.sub(r"the operation \1 \2 failed: ", ORIGIN.sub("", line)).replace("  ", " ")
    return ADVICE.split(line, maxsplit=1)[0].strip() or type(error).__name__


def system_reason(error: BaseException, otherwise: str) -> str:
    """What the operating system says is wrong, such as `Connection refused`; `otherwise` for the words of a library.

    FFmpeg has numbers and words of its own, such as `Invalid data found when processing input`, in errors that look
    like those of the operating system.
    """
    number, words = getattr(error, "errno", None), getattr(error, "strerror", None)
    return str(words) if number in errno.errorcode and words else otherwise


class Refused(CoconetError):
    """What was written down does not fit: a word, an ending, an address, a file that is not there, a missing package.

    It stays as it is until it is changed by hand, so the exit code is ExitCode.REFUSED wherever it is found, and what
    watches over a run does not start it again.
    """


class FrameMisfit(CoconetError):
    """A frame that a model does not take, by its size, its channels or its type."""

    def name_picture(self, name: str) -> None:
        """Put the name of the picture before `where`."""
        self.where, self.args = f"{name}, {self.where}", (f"{name}, {self}",)


class MissingPackage(Refused, ImportError):
    """A package that only one job needs is not installed; the message ends with the command that installs it here.

    extra: the extra of setup.py that brings the package; empty if the base install does.
    lacking: that extra if it is to be installed; empty for the base, and for a package that is there and does not load,
    such as one whose system lacks a library: the message says that instead.
    It is an ImportError as well, so that tools which probe for optional imports understand it.
    """

    def __init__(self, package: str, *, job: str, extra: str = "") -> None:
        from coconet.installation.flavours import restore_command
        from coconet.installation.remedy import remedy_for

        cause = sys.exc_info()[1]
        broken = extra and type(cause) is ImportError
        said = first_line(cause) if cause else ""
        self.lacking = "" if broken else extra
        needs = f"and {job} needs it"
        super().__init__(
            package,
            wanted=f"the package {package} for {job}",
            got=f"one that does not load: {said}" if broken else "no such package in this Python",
            remedy=f"Install it again: {restore_command(extra, said)}" if broken else remedy_for(*(extra and [extra])),
            says=f"does not load, {needs}: {said}" if broken else f"is not installed in this Python, {needs}",
        )


class ExitCode(IntEnum):
    """FINISHED: the end was reached, or the command was asked to stop.

    REFUSED: an option, a file or a package does not fit; nothing was begun. CAMERA, MODEL, OUTPUT, PAGE: what could not
    be opened, or failed on the way, in every command and whether or not anything was begun: a camera that does not
    answer (CameraAbsent) and a place that takes no file (Unwritable) may be there another time. MISFITS: the end was
    reached, but some pairs were left out, as was asked for. UNPAIRED: the end was reached and the output is whole, but
    a large share of the frames found no partner.
    UNEXPECTED: an error of the program itself (EX_SOFTWARE of sysexits.h).
    """

    FINISHED = 0
    REFUSED = 2
    CAMERA = 3
    MODEL = 4
    OUTPUT = 5
    PAGE = 6
    MISFITS = 7
    UNPAIRED = 8
    UNEXPECTED = 70


@contextmanager
def ending_with(code: ExitCode, *, begun: bool = False) -> Iterator[None]:
    """Let a CoconetError out of the block end the command with `code`, unless it knows better, or is Refused.

    begun: whether there are results already. What is Refused then, such as a picture that has vanished meanwhile, ends
    with `code` too: the command itself was fit to begin. A package that is missing stays what it is.
    """
    try:
        yield
    except CoconetError as error:
        keeps = isinstance(error, Refused) and not (begun and not isinstance(error, MissingPackage))
        if error.exit_code == ExitCode.REFUSED and not keeps:
            error.exit_code = code
        raise


@contextmanager
def reading_from(path: Path, kind: str) -> Iterator[None]:
    """Turn what the operating system refuses inside the block into Refused; kind: what `path` should have been."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None)
        remedy = "Check the path, and give yourself the right to read it."
        says = f"cannot be read as {kind}: {reason}" if reason else f"is a name that no file can have; expected {kind}"
        got = reason or "a name that no file can have"
        raise Refused(path, wanted=kind, got=got, remedy=remedy, says=says) from error


_ALIKE = 0.66
"""How alike, of 1, words are if one is asked about: of three letters one may be wrong, or two may be swapped."""

_MOST_BESIDE = 2000
"""Names of a folder that are looked through: one of pictures may hold a hundred thousand."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Ask about the known word that a misspelt one resembles, before the rest of a remedy; empty if there is none."""
    near = nearest_of(word, known)
    return f"Did you mean {near}? " if near else ""


def nearest_of(word: str, known: Iterable[str]) -> str:
    """The known word that a misspelt one resembles; empty if there is none."""
    spelt = {_plain(one): one for one in known}
    near = get_close_matches(_plain(word), spelt, n=1, cutoff=_ALIKE)
    return spelt[near[0]] if near else ""


def nearest_path(path: Path) -> str:
    """Ask, as `nearest` does, about a file or folder beside a path at which nothing is; empty if no name is near.

    The names are compared without their endings first, as those alone make unlike names alike.
    """
    try:
        beside = [one for one in islice(path.parent.iterdir(), _MOST_BESIDE) if not one.name.startswith(".")]
    except (OSError, ValueError):  # ValueError: a name that no folder can have
        return ""
    alike = {one.name for one in beside if nearest(path.stem, [one.stem])} - {path.name}
    near = get_close_matches(path.name, sorted(alike), n=1, cutoff=0.0)
    return f"Did you mean {path.with_name(near[0])}? " if near else ""


def _plain(word: str) -> str:
    return word.strip().lower().replace("_", "-")


def counted(number: int, noun: str) -> str:
    """A number and its noun as messages say them: 1 frame, 2 frames, 1 patch, 2 patches."""
    ending = "" if number == 1 else "es" if noun.endswith(("ch", "sh", "s", "x")) else "s"
    return f"{number} {noun}{ending}"
