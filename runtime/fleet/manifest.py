"""The manifest of a result: what it was made from and what it came to, written when everything else is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from coconet import __version__
from coconet.cards.onnx_weights import hashes_of_model
from coconet.model_names import RULES, model_path
from coconet.runtime.fleet.job import BatchSettings, Job
from coconet.runtime.fleet.storage import Results

MANIFEST = "manifest.json"


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


def read_complete_manifest(results: Results, job: Job) -> dict[str, Any] | None:
    """The manifest of a result, if all of its files are there and as long as it says; otherwise None."""
    manifest = results.read_json(f"{job.name}/{MANIFEST}")
    if manifest is None or not isinstance(files := manifest.get("files"), dict):
        return None
    whole = all(results.size_of(f"{job.name}/{name}") == size for name, size in files.items())
    return manifest if whole else None
