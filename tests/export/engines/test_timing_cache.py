"""The timing cache, with a builder configuration that stands in for one on a device."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coconet.export.engines.engine import store_timing_cache, use_timing_cache
from coconet.export.engines.tensorrt_flavour import open_tensorrt

DEVICE_TENSORRT = SimpleNamespace()


class Config:
    """What TensorRT 10 and 11 offer of timing caches; measurements that do not start with its name are refused."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.used: bytes | None = None

    def create_timing_cache(self, blob: bytes) -> bytes:
        return blob

    def set_timing_cache(self, cache: bytes, ignore_mismatch: bool) -> bool:
        fits = not cache or cache.startswith(self.name)
        assert not ignore_mismatch
        self.used = cache if fits else self.used
        return fits

    def get_timing_cache(self) -> Any:
        return SimpleNamespace(serialize=lambda: self.name + b" measured")


def test_measurements_go_from_one_build_to_the_next(tmp_path: Path) -> None:
    path, first, second = tmp_path / "new" / "orin.timing", Config(b"orin"), Config(b"orin")
    assert use_timing_cache(DEVICE_TENSORRT, first, path)
    assert first.used == b""
    store_timing_cache(first, path)
    use_timing_cache(DEVICE_TENSORRT, second, path)
    assert second.used == b"orin measured"


def test_measurements_of_another_device_are_left_out(tmp_path: Path) -> None:
    store_timing_cache(Config(b"orin"), tmp_path / "a.timing")
    config = Config(b"thor")
    assert use_timing_cache(DEVICE_TENSORRT, config, tmp_path / "a.timing")
    assert config.used == b""


def test_measurements_that_cannot_be_kept_cost_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("no folder")
    store_timing_cache(Config(b"orin"), tmp_path / "file" / "a.timing")
    assert "not kept for the next build" in capsys.readouterr().err


def test_tensorrt_for_rtx_is_not_asked(tmp_path: Path) -> None:
    config = Config(b"")
    assert not use_timing_cache(open_tensorrt(("sm86",)).module, config, tmp_path / "a.timing")
    assert config.used is None
