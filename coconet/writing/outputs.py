"""Outputs: what a command may write to, found out before it begins."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from coconet.errors import CoconetError, Refused
from coconet.files import Unwritable, check_place, check_replaceable, holds_something, unfinished, writing_to
from coconet.redaction import is_network_address
from coconet.writing.held import check_not_held
from coconet.writing.scratch import ScratchFile, scratch_files_of
from coconet.writing.sources import Sources, real_place


class AlreadyExists(Refused):
    """A result of that name is there already, and --overwrite was not given."""

    def __init__(self, path: Path, remedy: str = "Choose another name or pass --overwrite.") -> None:
        wanted, got = "a name that is free", "one that already exists"
        super().__init__(path, wanted=wanted, got=got, remedy=remedy, says="already exists")
        self.path = path


def check_outputs(
    outputs: Iterable[Path | None],
    *,
    inputs: Iterable[Path | str | None],
    overwrite: bool = False,
    made: Iterable[Path | None] = (),
) -> None:
    """Refuse, before anything is begun, what must not or cannot be written; every command that writes calls this first.

    outputs: files, and folders for pictures; None stands for an option that was not given. inputs: files, folders of
    pictures or of pairs, and addresses, of which those that are no paths do not count; what an input has beside itself,
    such as the weights of a model or the stamps of a recording, is an input too. made: the folders that the command
    makes, with those above them: outputs, or where these lie; all other outputs are files.
    Raises CoconetError for an output that is an input, by whatever name or link, or a folder that holds one, or would
    be a picture among the input pictures; for two outputs of one name; for one that another process is writing; and,
    unless `overwrite`, AlreadyExists for a file or folder that is there and not empty. Raises Unwritable for a place
    that takes no file, which is tried.
    """
    wanted = [path for path in outputs if path is not None]
    folders = [os.path.realpath(folder) for folder in made if folder is not None]
    for path in wanted:
        check_place(path)
        for begun in (unfinished(path), *scratch_files_of(real_place(path))):
            check_not_held(begun, path)
    check_no_input(wanted, inputs)
    places = [os.path.realpath(path) for path in wanted]
    for path, place in zip(wanted, places, strict=True):
        if places.count(place) > 1:
            raise CoconetError(
                path,
                wanted="another name for each output",
                got="the same one twice",
                remedy="Choose another name.",
                says="is named for two outputs",
            )
    if not overwrite:
        check_free(wanted)
    for path, place in zip(wanted, places, strict=True):
        below = any(Path(folder) in Path(place).parents for folder in folders) and not Path(place).is_file()
        check_writable(path, made=below or place in folders)  # a file that is there is replaced, as anywhere else


def check_free(outputs: Iterable[Path | None]) -> None:
    """Raise AlreadyExists for a file or folder that is there and not empty."""
    for path in outputs:
        if path is not None and holds_something(path):
            raise AlreadyExists(path)


def check_no_input(outputs: Iterable[Path], inputs: Iterable[Path | str | None]) -> None:
    """Raise CoconetError for an output that is one of the inputs; check_outputs says what counts as that."""
    sources = Sources()
    for source in inputs:
        if source is not None and not is_network_address(str(source)):
            sources.add(Path(source))
    for path in outputs:
        for written in (path, unfinished(path)):
            if (source := sources.harmed_by(written)) is not None:
                raise CoconetError(
                    path,
                    wanted="an output beside the inputs",
                    got=f"one that would write over or among the input {source}",
                    remedy="Choose another name.",
                    says=f"would write over or among the input {source}",
                )


def check_writable(path: Path, *, made: bool = False) -> None:
    """Try whether a file can be written at `path`, by writing one beside it and removing it again.

    made: whether the folders above it, or it itself as a folder, are made with it; then the nearest one that is there
    is tried. Rights alone do not tell: root has all of them on a disk that is read-only, and none of them on one that
    is full. Raises Unwritable, and Refused for a name that no file can have or take.
    """
    target = real_place(path)
    target = _nearest_folder(path, target) / target.name if made else check_replaceable(path)
    with writing_to(path):
        trial = ScratchFile(target)
        try:
            _write_through(trial.path, bytes(_TRIAL_BYTES))
        finally:
            trial.close()


def _nearest_folder(path: Path, target: Path) -> Path:
    there = next(one for one in (target, *target.parents) if os.path.lexists(one))
    if there.is_dir():
        return there
    wanted, got, remedy = "a path of folders", f"{there}, which is not a folder", "Choose another place."
    if there == target:
        raise Refused(path, wanted=wanted, got=got, remedy=remedy, says="is not a folder")
    raise Unwritable(path, wanted=wanted, got=got, remedy=remedy, says=f"cannot be written: {there} is not a folder")


_TRIAL_BYTES = 4096  # a block: an empty file has room on a full disk


def _write_through(path: Path, content: bytes) -> None:
    """Write, so that a disk that has no room says so now."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
