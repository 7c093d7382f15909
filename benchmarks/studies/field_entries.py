"""Field entries: what stands in the table of the field, found by the weights in a folder, and the graphs made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from coconet.benchmarks.studies.precision import command
from coconet.cards.onnx_card import read_onnx
from coconet.cards.precision import PRECISIONS, REFERENCE, Precision, PrecisionName
from coconet.errors import CoconetError, MissingPackage, nearest_path
from coconet.model_endings import ONNX_SUFFIX
from coconet.model_names import CHECKPOINTS, RULES, checkpoint_path
from coconet.networks.checkpoint import NETWORKS, Checkpoint, load_weights, save_checkpoint
from coconet.networks.tensors.weight_files import checkpoints_in
from coconet.runtime.backends.cuda_provider import cuda_verdict
from coconet.writing.outputs import AlreadyExists

try:
    import torch
    from torch import nn
except ImportError as error:
    raise MissingPackage("torch", job="reading checkpoints", extra="export") from error


Kind = Literal["published", "untrained", "ours", "classical"]
"""Untrained: a published network with random weights. How fast it is can be told, how good it is cannot."""


@dataclass(frozen=True)
class FieldEntry:
    """One line of the table. network: what it is an instance of; the name tells several of one network apart.

    weights: the file it was recognised by, or our word; empty for what needs none.
    parameters: learnt numbers of the network, counted once each. sha256: see Checkpoint.
    """

    name: str
    kind: Kind
    network: str = ""
    weights: str = ""
    parameters: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Forms:
    """What one entry runs as: a graph for every precision, or a word. notes: what there is not, and why."""

    models: dict[PrecisionName, str]
    notes: list[str] = field(default_factory=list)


def find_entries(folder: Path | None) -> tuple[list[FieldEntry], list[str]]:
    """The classical rules, our networks, and every published network whose weights lie in the folder.

    A network that comes in several files is found by any of them; weights that are there twice count once. The second
    list says which files were left out, and why.
    """
    entries = [FieldEntry(rule, "classical") for rule in RULES]
    entries += [_entry(load_weights([str(checkpoint_path(word))]), "ours", word) for word in CHECKPOINTS]
    found: dict[str, FieldEntry] = {}
    left_out = []
    for path in _weight_files(folder) if folder else ():
        try:
            loaded = load_weights([str(path)])
        except CoconetError as error:
            left_out.append(str(error))
            continue
        if loaded.publication is not None:
            found.setdefault(loaded.sha256, _entry(loaded, "published", str(path)))
        else:
            left_out.append(f"{path}: weights of {loaded.network}, which is in the table as it comes")
    return [*entries, *_distinguish(list(found.values()))], left_out


def untrained_entries(found: Sequence[FieldEntry], folder: Path) -> list[FieldEntry]:
    """Every published network that is not among those found, with random weights, which are written into `folder`.

    The weights are the same every time, so that graphs made of them can be kept.
    """
    there = {entry.network for entry in found}
    entries = []
    for network in NETWORKS:
        if network.publication is not None and network.name not in there:
            path = folder / f"{network.name}.untrained.safetensors"
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                save_checkpoint(path, network.name, network.build())
            entries.append(_entry(load_weights([str(path)]), "untrained", str(path)))
    return entries


def _weight_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise CoconetError(
            folder,
            wanted="a folder of weight files",
            got="no such folder",
            remedy=f"{nearest_path(folder)}Check --weights, or leave it out.",
            says="does not exist; expected a folder of weight files",
        )
    return checkpoints_in(folder)


def make_forms(entry: FieldEntry, frames: Path, folder: Path, size: str | None) -> Forms:
    """Export an entry and calibrate it in `folder`, by the commands themselves.

    Graphs of the same weights are taken: those in `folder`, and of our networks those that are shipped.
    size: the one size of all frames, if they have one. FP16 is made where a GPU computes in it.
    Raises CoconetError if it cannot be exported at all.
    """
    if not entry.weights:
        return Forms({REFERENCE: entry.name})
    made: dict[PrecisionName, str] = {}
    notes = []
    base = _graph(entry, folder)
    for record in _wanted():
        shipped = [record.onnx_beside(checkpoint_path(entry.weights))] if entry.kind == "ours" else []
        target = record.onnx_beside(base)
        taken = next((graph for graph in (*shipped, target) if _is_of(entry, graph)), None)
        try:
            if taken is None:
                _make(entry, record, base, frames, size)
        except CoconetError as error:
            if record.name == REFERENCE:
                raise
            notes.append(f"no {record.label}: {error.where} {error.says}")
            continue
        made[record.name] = str(taken or target)
    return Forms(made, notes)


def check_kept(entries: Sequence[FieldEntry], folder: Path) -> None:
    """Raise AlreadyExists for a file that lies where the graph of an entry is to be kept, and is of other weights."""
    for entry in entries:
        targets = [record.onnx_beside(_graph(entry, folder)) for record in _wanted()] if entry.weights else []
        for target in targets:
            if target.exists() and not _is_of(entry, target):
                raise AlreadyExists(target)


def _graph(entry: FieldEntry, folder: Path) -> Path:
    return folder / f"{_file_name(entry.name)}{ONNX_SUFFIX}"


def _is_of(entry: FieldEntry, graph: Path) -> bool:
    try:
        return graph.exists() and read_onnx(graph).card.weights_sha256 == entry.sha256
    except CoconetError:  # a graph that was not made here, or no graph
        return False


def _wanted() -> Iterator[Precision]:
    for record in PRECISIONS.values():
        # A processor computes a half-precision graph in single precision: its time would say nothing.
        if record.asked_by is None or cuda_verdict() is None:
            yield record


def _make(entry: FieldEntry, record: Precision, base: Path, frames: Path, size: str | None) -> None:
    target = record.onnx_beside(base)
    if record.calibrated:
        command("calibrate")(model=base, frames=frames, out=target, overwrite=True)
        return
    asked: dict[str, object] = {record.asked_by: True} if record.asked_by else {}
    command("export")(checkpoint=entry.weights, out=target, frames=frames, size=size, overwrite=True, **asked)


def _entry(loaded: Checkpoint, kind: Kind, weights: str) -> FieldEntry:
    return FieldEntry(loaded.network, kind, loaded.network, weights, _parameters(loaded.core), loaded.sha256)


def _parameters(core: nn.Module) -> int:
    return sum(parameter.numel() for parameter in core.parameters())


def _distinguish(entries: list[FieldEntry]) -> list[FieldEntry]:
    """Names of networks that are there with several weights get the file beside them."""
    names = [entry.name for entry in entries]
    return [
        entry if names.count(entry.name) == 1 else replace(entry, name=f"{entry.name} ({Path(entry.weights).stem})")
        for entry in entries
    ]


def _file_name(name: str) -> str:
    return name.replace(" (", "-").rstrip(")")
