"""The card beside an engine."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coconet.cards.engine_card import BuildKey, BuildOptions, DeviceIdentity, EngineCard, card_path, read_engine_card
from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.errors import CoconetError
from tests.support.models.engine_files import CARD, write_engine

NANO = DeviceIdentity("Orin", 8, "NVIDIA Jetson Orin Nano Developer Kit")


@pytest.mark.parametrize("card", [CARD, replace(CARD, device=NANO, options=BuildOptions())])
def test_a_card_comes_back_from_json_as_it_was(card: EngineCard) -> None:
    assert EngineCard.from_json(card.to_json(), "test") == card


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": 3}', CARD.to_json().replace("targets", "goals")])
def test_text_that_is_no_card_names_the_file(text: str) -> None:
    with pytest.raises(CoconetError, match=r"^x\.json is not an engine card: it .* coconet build"):
        EngineCard.from_json(text, "x.json")


def test_a_card_with_impossible_options_is_no_card() -> None:
    fields = json.loads(CARD.to_json())
    fields["options"]["optimization_level"] = 9
    with pytest.raises(CoconetError, match="optimisation level must be 0 to 5, not 9"):
        EngineCard.from_json(json.dumps(fields), "x.json")


def test_the_card_is_read_from_beside_its_engine(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    assert card_path(engine) == tmp_path / "model.engine.json"
    assert read_engine_card(engine).targets == ("sm86", "sm89")


def test_the_card_of_another_engine_is_refused(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    engine.write_bytes(b"another plan")
    with pytest.raises(CoconetError, match=r"model\.engine\.json belongs to another engine .* than model\.engine"):
        read_engine_card(engine)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is an empty file"), (b"hello\n", "is a text file"), (b"PK\3\4\0", "is a zip archive or")],
)
def test_what_lies_under_the_name_of_an_engine_is_said_to_be_what_it_is(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "m.engine").write_bytes(content)
    with pytest.raises(CoconetError, match=rf"m\.engine {said}.*; expected a TensorRT engine\. "):
        read_engine_card(tmp_path / "m.engine")


def test_an_engine_without_card_is_refused(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    engine.write_bytes(bytes(40))
    card_path(engine).unlink()
    with pytest.raises(
        CoconetError,
        match=r"does not exist; expected the card of model\.engine \(no TensorRT engine\), .* Copy engine and card",
    ):
        read_engine_card(engine)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b"ftrt" + bytes(20) + bytes([8, 6, 1, 6]), "TensorRT 8.6.1.6"),
        (b"vtrt" + bytes(20) + bytes([1, 7, 1, 116]), "TensorRT for RTX 1.7.1.116"),
        (b"ftrt" + bytes([1, 0, 0, 0]) + bytes(20), "TensorRT of a version that is not known here"),
        (b"ftrt" + bytes(20), "no TensorRT engine"),
        (b"\x08\x0aonnx" + bytes(40), "no TensorRT engine"),
    ],
)
def test_a_plan_without_card_says_in_its_header_what_built_it(tmp_path: Path, header: bytes, words: str) -> None:
    engine = write_engine(tmp_path)
    card_path(engine).unlink()
    engine.write_bytes(header)
    with pytest.raises(CoconetError, match=rf"the card of model\.engine \({re.escape(words)}\)"):
        read_engine_card(engine)


def test_boards_whose_gpus_share_a_name_have_engines_of_their_own() -> None:
    small, large = (replace(CARD, device=replace(NANO, multiprocessors=count)) for count in (8, 16))
    assert BuildKey.of(small).digest() != BuildKey.of(large).digest()
    assert BuildKey.of(small).changes_since(BuildKey.of(large)) == (
        "it was for Orin (16 SMs, NVIDIA Jetson Orin Nano Developer Kit), sm86, sm89, "
        "now for Orin (8 SMs, NVIDIA Jetson Orin Nano Developer Kit), sm86, sm89"
    )


@given(st.builds(FrameSize, st.integers(1, 99999), st.integers(1, 99999)))
def test_a_frame_size_is_read_as_it_is_written(size: FrameSize) -> None:
    assert FrameSize.parse(str(size)) == size


@pytest.mark.parametrize("text", ["", "480", "480 x 640", "480x640x3", "-480x640", "ax640"])
def test_a_frame_size_in_other_words_is_refused(text: str) -> None:
    with pytest.raises(CoconetError, match="expected HEIGHTxWIDTH in pixels, such as 480x640"):
        FrameSize.parse(text)


def test_a_frame_size_without_pixels_is_refused() -> None:
    with pytest.raises(CoconetError, match="frame size is 0x640; expected 1 or more pixels a side"):
        FrameSize.parse("0x640")


def test_a_profile_out_of_order_on_one_side_is_refused() -> None:
    with pytest.raises(CoconetError, match="expected minimum <= optimum <= maximum on both sides"):
        SizeProfile(FrameSize(256, 320), FrameSize(480, 2000), FrameSize(1024, 1280))


@pytest.mark.parametrize("gpu", ["86", "SM86", "sm8.6", "orin", "sm"])
def test_a_gpu_is_named_by_its_compute_capability(gpu: str) -> None:
    with pytest.raises(CoconetError, match="GPU must be sm and the compute capability, such as sm86"):
        BuildOptions(gpus=(gpu,))


def test_a_workspace_without_memory_is_refused() -> None:
    with pytest.raises(CoconetError, match="workspace must be 1 MiB or more, not 0 MiB"):
        BuildOptions(workspace_mib=0)
