from __future__ import annotations

from pathlib import Path

import pytest

from coconet import model_names
from coconet.errors import CoconetError
from coconet.model_endings import CHECKPOINT_SUFFIXES
from coconet.model_names import CHECKPOINTS, MODELS, name_beside, shipped_checkpoint, shipped_model
from coconet.networks.checkpoint import load_checkpoint
from coconet.runtime.backends.open_backend import open_backend


@pytest.mark.parametrize("word", MODELS)
def test_every_shipped_model_opens_under_its_word(word: str) -> None:
    backend = open_backend(word)
    network, *precision = word.split("-")
    assert (backend.card.network, backend.card.precision) == (network, (precision or ["fp32"])[0])
    backend.close()


@pytest.mark.parametrize("word", CHECKPOINTS)
def test_every_shipped_checkpoint_is_the_network_it_says_and_has_a_card_to_read(word: str) -> None:
    path = shipped_checkpoint(word)
    assert load_checkpoint(path).network == word
    assert "trained on" in path.with_suffix(".md").read_text()


def test_shipped_models_come_from_the_shipped_weights() -> None:
    weights = load_checkpoint(shipped_checkpoint("lite")).sha256
    for word in ("lite", "lite-fp16", "lite-int8", "lite-int8-fp16"):
        backend = open_backend(shipped_model(word))
        assert backend.card.weights_sha256 == weights
        backend.close()


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(
        CoconetError, match="shipped model heavy does not exist; there are lite, lite-fp16, lite-int8, .*, coconet-fp16"
    ):
        shipped_model("heavy")


def test_a_package_without_the_file_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(model_names, "_WEIGHTS", tmp_path)
    with pytest.raises(CoconetError, match=r"lite\.onnx is part of the package, but does not exist"):
        shipped_model()


def test_the_remedy_for_a_missing_file_names_those_beside_it(tmp_path: Path) -> None:
    assert name_beside(tmp_path / "none" / "a.onnx", [".onnx"]) == "Check the path."
    assert name_beside(tmp_path / "a.onnx", [".onnx"]) == "Check the path."
    for name in ("make.safetensors", "make.best.safetensors", "state.pt", "log.csv"):
        (tmp_path / name).touch()
    assert name_beside(tmp_path / "Net.safetensors", CHECKPOINT_SUFFIXES) == (
        f"Check the path. In {tmp_path} there are make.best.safetensors, make.safetensors, state.pt."
    )
    for number in range(4):
        (tmp_path / f"{number}.pt").touch()
    assert name_beside(tmp_path / "Net.pt", CHECKPOINT_SUFFIXES).endswith("0.pt, 1.pt, 2.pt, 3.pt and 3 more.")
