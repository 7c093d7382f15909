"""An engine is built once: a second build is a look, a copy, or a reason."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from coconet.cards.engine_card import BuildKey, BuildOptions, EngineCard, card_path, read_engine_card
from coconet.errors import CoconetError
from coconet.event_log import note_once
from coconet.export.engines.build_progress import NoProgress
from coconet.export.engines.engine import BuildAids
from coconet.export.engines.engine_cache import CachedBuild, EngineCache, build_cached, check_no_foreign_card
from coconet.runtime.cache_folder import default_cache_folder
from coconet.writing.outputs import AlreadyExists
from tests.support.models.conv_onnx import write_conv_model
from tests.support.models.engines import device_job, job_of

SM86 = BuildOptions(("sm86",))


class Forbidden(NoProgress):
    """Fails where anything is built."""

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        raise AssertionError("it was built again")


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "cache")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_conv_model(tmp_path / "model.onnx")


def build(model: Path, cache: EngineCache, options: BuildOptions = SM86, name: str = "model.engine") -> CachedBuild:
    return build_cached(job_of(model, options), model.with_name(name), cache)


def test_a_second_build_looks_and_leaves_it(model: Path, cache: EngineCache) -> None:
    first = build(model, cache)
    assert (first.built, first.because) == (True, "there was no such engine")
    again = build_cached(job_of(model, SM86), model.with_name("model.engine"), cache, BuildAids(Forbidden()))
    assert (again.built, again.card) == (False, first.card)


def test_the_same_model_under_another_name_comes_from_the_cache(model: Path, cache: EngineCache) -> None:
    first = build(model, cache)
    copy = model.with_name("copy.onnx")
    copy.write_bytes(model.read_bytes())
    again = build_cached(job_of(copy, SM86), model.with_name("copy.engine"), cache, BuildAids(Forbidden()))
    assert (again.built, again.because) == (False, f"taken from {cache.folder}")
    assert model.with_name("copy.engine").read_bytes() == model.with_name("model.engine").read_bytes()
    assert again.card == first.card


def test_it_says_what_made_another_build_necessary(model: Path, cache: EngineCache) -> None:
    build(model, cache)
    other = build(model, cache, BuildOptions(("sm86", "sm89"), optimization_level=1))
    assert other.because == "it was for sm86, now for sm86, sm89; optimization_level was None, now 1"
    write_conv_model(model, "int8")
    changed = build(model, cache, BuildOptions(("sm86", "sm89"), optimization_level=1))
    assert changed.because.startswith("the model has changed (")


def test_another_tensorrt_is_a_reason(model: Path, cache: EngineCache) -> None:
    key = BuildKey.of(build(model, cache).card)
    newer = replace(key, tensorrt_version="99.0")
    assert newer.changes_since(key) == f"tensorrt_rtx {key.tensorrt_version} built it, now it is tensorrt_rtx 99.0"
    assert newer.digest() != key.digest()
    assert "now for Orin, sm87" in device_job(model).key.changes_since(key)


def test_a_damaged_engine_is_built_again_and_a_damaged_cache_is_not_used(model: Path, cache: EngineCache) -> None:
    build(model, cache)
    for engine in (model.with_name("model.engine"), *cache.folder.glob("*.engine")):
        engine.write_bytes(b"half")
    again = build(model, cache)
    assert again.built
    assert "not whole: " in again.because
    assert read_engine_card(model.with_name("model.engine")) == again.card


def test_the_cache_keeps_the_engines_used_last(
    model: Path, cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coconet.export.engines.engine_cache.MOST_ENGINES", 2)
    build(model, cache)
    engine = model.with_name("model.engine")
    for level in range(3):
        card = json.loads(card_path(engine).read_text())
        card["options"]["optimization_level"] = level
        card_path(engine).write_text(json.dumps(card))
        cache.keep(engine, read_engine_card(engine))
    assert len(list(cache.folder.iterdir())) == 4


def test_an_engine_that_another_process_takes_out_meanwhile_is_built(
    model: Path, cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(model, cache)
    model.with_name("model.engine").unlink()

    def read_and_lose(engine: Path) -> EngineCard:
        card = read_engine_card(engine)
        if engine.parent == cache.folder:
            engine.unlink()
        return card

    monkeypatch.setattr("coconet.export.engines.engine_cache.read_engine_card", read_and_lose)
    assert build(model, cache).built
    assert [path.suffix for path in sorted(cache.folder.iterdir())] == [".engine", ".json"]


def test_a_process_that_builds_the_same_engine_is_waited_for(
    model: Path, cache: EngineCache, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = build(model, cache, name="other.engine")
    place = cache.place(BuildKey.of(other.card)).with_suffix(".lock")
    handle = os.open(place, os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)

    def note_and_finish(text: str) -> None:
        note_once(text)
        os.close(handle)

    monkeypatch.setattr("coconet.export.engines.engine_cache.note_once", note_and_finish)
    found = build_cached(job_of(model, SM86), model.with_name("model.engine"), cache, BuildAids(Forbidden()))
    assert not found.built
    assert "another process is building this engine" in capsys.readouterr().err


def test_a_cache_that_cannot_be_written_to_costs_a_warning(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = EngineCache(tmp_path / "file" / "cache")
    found = build_cached(device_job(model), model.with_name("model.engine"), cache)
    assert read_engine_card(model.with_name("model.engine")) == found.card
    assert "the engine is built, but not kept for the next time" in capsys.readouterr().err


def test_a_cache_that_can_only_be_read_is_read(
    model: Path, cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(model, cache)
    model.with_name("model.engine").unlink()

    def refused(*_: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(os, "utime", refused)
    assert not build(model, cache).built


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert not default_cache_folder({}).parent.is_dir()


def test_the_folder_follows_the_environment() -> None:
    assert default_cache_folder({"COCONET_CACHE": "/a"}) == Path("/a")
    assert default_cache_folder({"XDG_CACHE_HOME": "/b"}) == Path("/b/coconet-edge")
    assert default_cache_folder({}) == Path.home() / ".cache" / "coconet-edge"


def test_halves_of_a_build_that_was_killed_are_told_and_built_again(model: Path, cache: EngineCache) -> None:
    engine = model.with_name("model.engine")
    first = build(model, cache)
    card_path(engine).write_text(replace(first.card, engine_sha256="0" * 64).to_json())  # the card alone is new
    with pytest.raises(CoconetError, match="build the engine again with coconet build"):
        read_engine_card(engine)
    build(model, cache)
    assert read_engine_card(engine) == first.card
    engine.unlink()  # or there was no engine before
    check_no_foreign_card(engine)
    assert build(model, cache).card.engine_sha256 == first.card.engine_sha256


def test_a_file_of_the_user_in_the_place_of_a_card_is_not_written_over(model: Path) -> None:
    card_path(model.with_name("model.engine")).write_text("my notes")
    with pytest.raises(AlreadyExists):
        check_no_foreign_card(model.with_name("model.engine"))
