"""The manifest of a result: what it was made from and what it came to, written when everything else is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from coconet import __version__
from coconet.cards.onnx_weights import hashes_of_model
from coconet.errors import Refused
from coconet.files import UNFINISHED
from coconet.model_names import RULES, model_path
from coconet.runtime.fleet.job import BatchSettings, Job
from coconet.runtime.fleet.storage import Results

MANIFEST = "manifest.json"

MARK = f"{MANIFEST}{UNFINISHED}"
"""Lies beside a result while it is brought to its place, and names all that is replaced there: a kill in the middle
leaves files without a manifest, which are known by it as those of a batch."""


def model_hash(model: str) -> str:
    """The SHA-256 of a model's file and of the weights beside it; of a rule, its word.

    Raises OSError for a file that is not there, and Refused for weights that are not.
    """
    if model in RULES:
        return model
    return hashlib.sha256("".join(hashes_of_model(model_path(model))).encode()).hexdigest()


def settings_of(job: Job, settings: BatchSettings) -> dict[str, Any]:
    """All that changes what a result holds, apart from inputs and model."""
    reading = {name: value for name, value in vars(settings.reading).items() if value is not None}
    return {
        "form": settings.form,
        "score_every": settings.score_every,
        "backend": settings.backend,
        "encoder": settings.encoder,
        "reading": reading,
        "begin_s": job.span.begin_s,
        "end_s": job.span.end_s,
    }


def key_of(inputs: Mapping[str, Any], model_sha256: str, settings: Mapping[str, Any]) -> str:
    """64 hexadecimal digits for what a result is made from; the times of files do not count, their content does."""
    content = {name: {file: told["sha256"] for file, told in files.items()} for name, files in inputs.items()}
    parts = {"inputs": content, "model": model_sha256, "settings": settings, "version": __version__}
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()


_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "key": str,
    "files": dict,
    "frames": int,
    "passed_through": int,
    "counts": dict,
    "trouble": str,
    "backend": str,
    "model": dict,
    "scored": int,
    "figures": dict,
    "pictures": list,
    "seconds": (int, float),
}
"""What is read of a manifest, and what it has to be; lines that may be missing are lists."""

_LINES = ("left_out", "warnings")


def read_complete_manifest(results: Results, job: Job) -> dict[str, Any] | None:
    """The manifest of a result, if all of its files are there and as long as it says; otherwise None.

    So is one that was edited until it is none any more.
    """
    manifest = results.read_json(f"{job.name}/{MANIFEST}")
    if manifest is None or not all(isinstance(manifest.get(key), kind) for key, kind in _KINDS.items()):
        return None
    if not all(isinstance(manifest.get(key, []), list) for key in _LINES):
        return None
    whole = all(results.size_of(f"{job.name}/{name}") == size for name, size in manifest["files"].items())
    return manifest if whole else None


def names_of_batches(results: Results, name: str) -> set[str]:
    """The names in the folder of a result under which a batch wrote something, or was about to when it was killed."""
    manifest, mark = (results.read_json(f"{name}/{file}") or {} for file in (MANIFEST, MARK))
    found = set[str]()
    if "key" in manifest and isinstance(files := manifest.get("files"), dict):
        found |= {MANIFEST, *files}
    if isinstance(names := mark.get("files"), list):
        found |= {MARK, *map(str, names)}
    return found


def foreign(results: Results, name: str) -> Refused:
    """The error for what has the name of something that a batch writes, and was written by no batch."""
    return Refused(
        results.root,
        wanted="a name that is free, or what an earlier batch wrote",
        got=f"{name}, which no batch wrote",
        remedy="Move it away, or choose another --out.",
        says=f"has {name}, which no batch wrote and this one would replace",
    )


def check_own(results: Results, name: str, wanted: Iterable[str], ours: set[str]) -> None:
    """Raise Refused for what has one of the `wanted` names in the folder of a result and is none of `ours`."""
    for file in sorted(set(wanted) - ours):
        if results.is_taken(f"{name}/{file}"):
            raise foreign(results, f"{name}/{file}")
