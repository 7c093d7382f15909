"""A model repository as Triton reads it: a folder for each model, with its configuration and numbered versions."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coconet.cards.engine_card import read_engine_card
from coconet.cards.model_card import ModelCard
from coconet.cards.onnx_metadata import read_onnx_card
from coconet.cards.onnx_weights import check_onnx_weights, files_beside
from coconet.errors import CoconetError, Refused
from coconet.files import disk_errors_of, make_folder, sha256_of, whole_file, writing_to
from coconet.model_endings import CHECKPOINT_SUFFIXES, ENGINE_SUFFIX
from coconet.model_names import MODELS, RULES
from coconet.runtime.backends.choice import model_file
from coconet.runtime.serving.model_config import MODEL_FILES, USUAL_PX, Instances, Kind, model_config, to_pbtxt
from coconet.writing.outputs import AlreadyExists, check_outputs
from coconet.writing.scratch import ScratchFolder

CONFIG = "config.pbtxt"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")  # what is good for a folder, an address and a bucket alike


@dataclass(frozen=True)
class ServedModel:
    """A model that can be served.

    name: in addresses. kind: of its file. beside: files that its graph points into. usual_px: height and width of the
    frames it is warmed up with.
    """

    name: str
    path: Path
    kind: Kind
    card: ModelCard
    beside: tuple[Path, ...] = ()
    usual_px: tuple[int, int] = USUAL_PX


def served_model(model: str) -> ServedModel:
    """Find a model, an ONNX file, a TensorRT engine or a word, and what it is called by a server.

    An engine has its GPU and its TensorRT in its name, since it runs on no other.
    Raises CoconetError for what no server of models runs: rules, checkpoints, engines of TensorRT for RTX.
    """
    if model in RULES:
        raise _unserved(model, "a rule without a network")
    path = model_file(model)
    if path.suffix in CHECKPOINT_SUFFIXES:
        raise _unserved(path, "a checkpoint", f"Export it first: coconet export {shlex.quote(str(model))}")
    if path.suffix == ENGINE_SUFFIX:
        engine = read_engine_card(path)
        if engine.flavour != "tensorrt":
            raise _unserved(path, "an engine of TensorRT for RTX", "Build it with the TensorRT of the server's GPU.")
        name = "-".join([path.stem, *engine.targets, f"tensorrt{engine.tensorrt_version}"])
        best = None if engine.options.profile is None else engine.options.profile.optimum
        usual_px = USUAL_PX if best is None else (best.height_px, best.width_px)
        return ServedModel(_checked(name, path), path, "engine", engine.model, usual_px=usual_px)
    name = model if model in MODELS else path.stem
    check_onnx_weights(path)
    return ServedModel(_checked(name, path), path, "onnx", read_onnx_card(path), files_beside(path))


def _unserved(where: object, got: str, remedy: str = "Name an .onnx or .engine file.") -> Refused:
    return Refused(
        where,
        wanted="a model that a server of models runs",
        got=got,
        remedy=remedy,
        says=f"is {got}, which a server of models does not run",
    )


def _checked(name: str, path: Path) -> str:
    if _NAME.fullmatch(name) is None:
        wanted = "a name of letters, digits, dots, dashes and underscores, which can stand in an address"
        raise Refused(
            path,
            wanted=wanted,
            got=repr(name),
            remedy="Use letters, digits, dots, dashes and underscores: rename the file.",
            says=f"would be called {name!r} on the server, which cannot stand in an address",
        )
    return name


def write_repository(
    models: Sequence[ServedModel], folder: Path, version: int, instances: Instances, *, overwrite: bool = False
) -> list[Path]:
    """Lay models into a repository, which may be there already, and give the folders of their versions.

    version: the number they get; a repository that has a higher one of a model is refused, as the configuration is
    that of the highest. Files are copied and then compared, and each version is whole before it has its name.
    """
    places = [folder / model.name / str(version) for model in models]
    inputs = [path for model in models for path in (model.path, *model.beside)]
    for model, place in zip(models, places, strict=True):
        _check_newest(place)
        if model.kind == "engine" and instances.processor == "cpu":
            raise Refused(
                model.path,
                wanted="a model for the CPU",
                got="an engine",
                remedy="Leave the processor out.",
                says="is an engine, which does not run on the processor",
            )
    outputs = [*places, *(place.parent / CONFIG for place in places)]
    check_outputs(outputs, inputs=inputs, overwrite=True, made=[folder, *places])
    for place in places if not overwrite else ():
        if place.exists():
            raise AlreadyExists(place)
    for model, place in zip(models, places, strict=True):
        _lay(model, place, instances)
    return places


def _check_newest(place: Path) -> None:
    there = [int(path.name) for path in place.parent.glob("*") if path.is_dir() and path.name.isdigit()]
    if there and max(there) > int(place.name):
        raise Refused(
            place,
            wanted=f"a version of {max(there)} or more, the newest that is there",
            got=place.name,
            remedy=f"Choose --version {max(there) + 1}.",
            says=f"is older than version {max(there)}, which is there already",
        )


def _lay(model: ServedModel, place: Path, instances: Instances) -> None:
    made = not place.parent.exists()
    try:
        with writing_to(place), disk_errors_of(place):
            make_folder(place.parent)
            with ScratchFolder(place.parent) as scratch:
                _fill(model, place, Path(scratch), instances)
    except CoconetError:
        if made:
            with suppress(OSError):  # another command may have laid a version there
                place.parent.rmdir()
        raise


def _fill(model: ServedModel, place: Path, scratch: Path, instances: Instances) -> None:
    """Copy a version into a scratch folder, and give it its name together with the configuration."""
    copy, before = scratch / "version", scratch / "before"
    copy.mkdir()
    names = {model.path: MODEL_FILES[model.kind]} | {path: path.name for path in model.beside}
    for source, name in names.items():
        shutil.copyfile(source, copy / name)
        if sha256_of(source) != sha256_of(copy / name):
            raise Refused(
                source,
                wanted="a file that stays as it is",
                got="one that changed",
                remedy="Try again.",
                says="changed while it was copied",
            )
    if model.kind == "engine":
        instances = Instances(instances.count, "gpu")
    with whole_file(place.parent / CONFIG) as config:
        fields = model_config(model.name, model.card, model.kind, instances, model.usual_px)
        config.write_text(to_pbtxt(fields), encoding="utf-8")
        if place.exists():
            place.rename(before)
        copy.rename(place)
