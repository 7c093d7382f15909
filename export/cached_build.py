"""A build that is done only where no equal engine is there already, and says why where it is done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from coconet.build_key import BuildKey
from coconet.engine_card import BuildOptions, EngineCard, read_engine_card
from coconet.errors import CoconetError
from export.engine import BuildAids, build_engine, check_destination
from export.engine_cache import EngineCache
from export.engine_source import read_engine_source
from export.tensorrt_flavour import open_tensorrt


@dataclass(frozen=True)
class CachedBuild:
    """An engine's card, and how it came about. built: False where an equal engine was there. because: in words."""

    card: EngineCard
    built: bool
    because: str


def build_cached(
    onnx: Path, out: Path, options: BuildOptions, cache: EngineCache, aids: BuildAids | None = None
) -> CachedBuild:
    """Leave the engine of a model at `out`: the one that is there, or the one in the cache, or a new one.

    Raises CoconetError as build_engine does; the model is read and checked in every case.
    """
    check_destination(out)
    key = build_key(onnx, options)
    because = why_not(out, key)
    if not because:
        return CachedBuild(read_engine_card(out), built=False, because="the same model, TensorRT, GPU and options")
    if cache.fetch(key, out):
        return CachedBuild(read_engine_card(out), built=False, because=f"taken from {cache.folder}")
    timing = cache.timing(key.device, key.tensorrt_version) if key.device else None
    card = build_engine(onnx, out, options, replace(aids or BuildAids(), timing=timing))
    cache.keep(out)
    return CachedBuild(card, built=True, because=because)


def build_key(onnx: Path, options: BuildOptions) -> BuildKey:
    """What a build with these options would come from, here and now."""
    source, tensorrt = read_engine_source(onnx), open_tensorrt(options.gpus)
    return BuildKey(source.sha256, tensorrt.flavour, tensorrt.version, tensorrt.targets, tensorrt.device, options)


def why_not(engine: Path, key: BuildKey) -> str:
    """Why the engine at a path is not the one of a key; an empty text where it is."""
    if not engine.exists():
        return "there was no such engine"
    try:
        return key.changes_since(BuildKey.of(read_engine_card(engine)))
    except CoconetError as error:
        return f"the one that was there is not whole: {error}"
