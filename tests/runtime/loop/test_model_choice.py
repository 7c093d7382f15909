"""A model that comes as ONNX on a machine with TensorRT: its engine is built once, for the size of the frames."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from coconet.cards.engine_card import read_engine_card
from coconet.errors import CoconetError, ExitCode
from coconet.runtime.backends.tensorrt import own_engine, verdict
from coconet.runtime.backends.tensorrt.cuda_device import CudaDevice
from coconet.runtime.loop import model_choice
from coconet.runtime.loop.model_choice import choice_for
from coconet.runtime.loop.supervisor import START_S, Notifier
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.pair_folders import textured_pairs
from tests.support.models.tiny_onnx import write_averaging_model

ADA = CudaDevice("GPU", (8, 6), multiprocessors=28)
SYNTHETIC = "synthetic://?width=96&height=64&seed=1"


@pytest.fixture
def rig() -> Rig:
    return Rig.from_addresses(SYNTHETIC, SYNTHETIC)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_averaging_model(tmp_path / "model.onnx")


@pytest.fixture
def card_86(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a GPU and TensorRT for RTX, and the folder of its engines; only the GPU is a stand-in."""
    for module in (verdict, model_choice):
        monkeypatch.setattr(module, "first_cuda_device", lambda: ADA)
    monkeypatch.setattr(own_engine, "find_spec", lambda name: None if name == "tensorrt" else find_spec(name))
    monkeypatch.setenv("COCONET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def counting(monkeypatch: pytest.MonkeyPatch, result: int | None = None) -> list[list[str]]:
    """Note the builds; with a result they are not done."""
    calls: list[list[str]] = []
    run: Callable[..., int] = own_engine._run

    def noted(command: list[str], building: Callable[[], object]) -> int:
        calls.append(command)
        building()
        return run(command, building) if result is None else result

    monkeypatch.setattr(own_engine, "_run", noted)
    return calls


@pytest.mark.slow
def test_an_engine_is_built_for_the_size_of_the_frames_and_found_again(
    rig: Rig, model: Path, card_86: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counting(monkeypatch)
    first = choice_for(rig, model)
    card = read_engine_card(first.path)
    assert (first.kind, first.path.parent, card.targets) == ("tensorrt", card_86, ("sm86",))
    assert str(card.options.profile) == "64x96 to 64x96, best at 64x96"
    assert choice_for(rig, model).path == first.path
    assert len(calls) == 1


def test_the_build_is_the_command_that_a_user_would_call(
    rig: Rig, model: Path, card_86: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counting(monkeypatch, result=2)
    with pytest.raises(CoconetError, match=r"has no engine for this GPU: building one ended .* code 2") as it:
        choice_for(rig, model, "tensorrt")
    assert it.value.exit_code == ExitCode.MODEL
    words = ["build", str(model), "--gpu", "sm86", "--min=64x96", "--opt=64x96", "--max=64x96", "--out"]
    assert calls[0][3 : 3 + len(words)] == words


def test_systemd_is_asked_for_time_while_an_engine_is_built(
    rig: Rig, model: Path, card_86: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(Notifier, "tell", lambda _, *lines: told.append(lines))
    counting(monkeypatch, result=2)
    assert choice_for(rig, model).kind == "ort"
    assert told == [(f"EXTEND_TIMEOUT_USEC={START_S}000000", "STATUS=building an engine of model.onnx")]


def test_a_process_that_takes_long_is_said_to_go_on_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(own_engine, "LONGEST_BUILD_S", 0.75)
    os.mkfifo(tmp_path / "end")

    def say() -> None:
        said.append("building")
        if len(said) == 3:
            (tmp_path / "end").write_text("now")

    code = "import sys; from pathlib import Path; Path(sys.argv[1]).read_text(); sys.exit(3)"
    assert own_engine._run([sys.executable, "-c", code, str(tmp_path / "end")], say, every_s=0.25) == 3
    assert said == ["building"] * 3


def test_a_build_that_fails_is_a_warning_where_the_choice_is_ours(
    rig: Rig, model: Path, card_86: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counting(monkeypatch, result=2)
    assert choice_for(rig, model).kind == "ort"
    assert "TensorRT does not run the model, something else does" in capsys.readouterr().err


def test_a_folder_of_pictures_gets_no_engine(tmp_path: Path, model: Path, card_86: Path) -> None:
    pairs = textured_pairs(tmp_path / "pairs", 2)
    assert choice_for(Rig.from_addresses(pairs / "vis", pairs / "ir"), model).kind == "ort"


def test_a_cache_that_cannot_be_written_to_costs_a_warning(
    rig: Rig, model: Path, card_86: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card_86.write_text("a file in its place")
    calls = counting(monkeypatch, result=2)
    with pytest.raises(CoconetError):
        choice_for(rig, model, "tensorrt")
    out = Path(calls[0][calls[0].index("--out") + 1])
    assert out.parent.is_dir()
    assert out.parent != card_86
    assert "the engine is built for this run alone" in capsys.readouterr().err


def test_without_a_gpu_nothing_is_built(rig: Rig, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counting(monkeypatch, result=2)
    assert choice_for(rig, model).kind == "ort"
    assert calls == []


def test_the_engine_of_a_word_is_found_as_that_of_its_file(
    rig: Rig, card_86: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counting(monkeypatch, result=2)
    with pytest.raises(CoconetError, match=r"lite\.onnx has no engine"):
        choice_for(rig, "lite", "tensorrt")
    assert calls[0][4].endswith("lite.onnx")


def test_of_a_stream_on_a_processor_the_fastest_form_is_to_be_picked(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCONET_PICK", "")
    choice = choice_for(rig, "lite")
    assert (choice.kind, choice.label, choice.picked_from) == ("ort", "auto", "lite")
    assert choice_for(rig, "lite", "ort").picked_from is None
    assert choice_for(rig, "average").picked_from is None


def test_pictures_come_out_alike_on_every_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCONET_PICK", "")
    pairs = textured_pairs(tmp_path / "pairs", 1)
    (still,) = (pairs / "vis").iterdir()
    for sides in [(pairs / "vis", pairs / "ir"), (still, pairs / "ir" / still.name)]:
        choice = choice_for(Rig.from_addresses(*sides), "lite")
        assert choice.picked_from is None
        assert choice.reason.endswith(
            "; pictures come out alike on every machine, so that faster forms are not looked for"
        )


@pytest.mark.parametrize("word", ["off", "OFF", "0", "no", "False"])
def test_a_user_may_have_nothing_picked(rig: Rig, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("COCONET_PICK", word)
    choice = choice_for(rig, "lite")
    assert choice.picked_from is None
    assert choice.reason.endswith("; faster forms are not looked for, as COCONET_PICK is off")
