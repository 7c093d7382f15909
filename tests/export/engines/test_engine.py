"""Engines, built with TensorRT for RTX on the processor: no GPU is needed to build, only to run."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest

from coconet.cards.engine_card import BuildOptions, DeviceIdentity, EngineCard, card_path, read_engine_card
from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.cards.model_card import CARD_KEY
from coconet.cards.precision import PrecisionName
from coconet.errors import CoconetError
from coconet.export.engines import engine_check
from coconet.export.engines.build_progress import NoProgress
from coconet.export.engines.engine import BuildAids, build_engine
from coconet.export.engines.input_ranges import input_ranges
from coconet.export.engines.tensorrt_flavour import set_compatibility
from coconet.export.engines.trtexec import trtexec_line
from coconet.export.warp_input import write_warped
from coconet.files import sha256_of
from coconet.media.pixels import Pixels
from coconet.runtime.backends.backend import WarpingBackend
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.preprocess.warp import Alignment
from tests.support.media.pair_folders import textured_pairs
from tests.support.models.conv_onnx import conv_card, write_conv_model
from tests.support.models.device_tensorrt import device_tensorrt
from tests.support.models.engines import build_file, device_job, job_of
from tests.support.models.tiny_onnx import averaging_card, write_averaging_model

SM86 = BuildOptions(gpus=("sm86",))
PROFILE = SizeProfile(FrameSize(32, 48), FrameSize(64, 80), FrameSize(96, 128))


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_every_precision_builds_with_its_card(tmp_path: Path, precision: PrecisionName) -> None:
    model = write_conv_model(tmp_path / "model.onnx", precision)
    card = build_file(model, tmp_path / "model.engine", SM86)
    assert card == read_engine_card(tmp_path / "model.engine")
    assert card.model == conv_card(precision, (32, 48))
    assert card.onnx_sha256 == sha256_of(model)
    assert (card.flavour, card.targets, card.device) == ("tensorrt_rtx", ("sm86",), None)


def test_one_engine_serves_several_gpus(tmp_path: Path) -> None:
    model = write_conv_model(tmp_path / "model.onnx")
    card = build_file(model, tmp_path / "model.engine", BuildOptions(gpus=("sm75", "sm86", "sm120")))
    assert card.targets == ("sm75", "sm86", "sm120")


def test_a_model_of_any_size_builds_for_a_range_of_sizes(tmp_path: Path) -> None:
    model = write_averaging_model(tmp_path / "model.onnx")
    options = replace(SM86, profile=PROFILE, workspace_mib=64, optimization_level=0)
    assert build_file(model, tmp_path / "model.engine", options).options == options


@pytest.mark.parametrize("size", [None, (32, 48)])
def test_a_model_that_aligns_by_itself_builds_for_every_thermal_sensor(
    tmp_path: Path, size: tuple[int, int] | None
) -> None:
    write_warped(write_averaging_model(tmp_path / "laying.onnx", size=size), tmp_path / "model.onnx")
    options = replace(SM86, profile=PROFILE if size is None else None)
    card = build_file(tmp_path / "model.onnx", tmp_path / "model.engine", options)
    assert (card.model.form, card.options) == ("warped", options)
    ranges = input_ranges(card.model, options.profile)
    smallest, largest = ((32, 48), (96, 128)) if size is None else (size, size)
    assert (ranges["warp"][0], ranges["warp"][-1]) == ((1, *smallest, 2), (1, *largest, 2))
    assert ranges["infrared"] == ((1, 24, 32, 1), (1, 512, 640, 1), (1, 1024, 1280, 1))
    line = trtexec_line(job_of(tmp_path / "model.onnx", options), tmp_path / "model.engine")
    assert f"--maxShapes=visible:1x{largest[0]}x{largest[1]}x3,infrared:1x1024x1280x1,warp:1x{largest[0]}" in line


def test_infrared_of_its_own_size_may_be_as_large_as_the_visible_picture() -> None:
    card = replace(averaging_card(), form="warped")
    large = SizeProfile(FrameSize(16, 16), FrameSize(1080, 1920), FrameSize(2160, 3840))
    smallest, _, largest = input_ranges(card, large)["infrared"]
    assert (smallest, largest) == ((1, 16, 16, 1), (1, 2160, 3840, 1))


def test_a_model_of_any_size_asks_for_sizes(tmp_path: Path) -> None:
    model = write_averaging_model(tmp_path / "model.onnx")
    with pytest.raises(CoconetError, match=r"takes frames of any size, .* --min 256x320 --opt 480x640 --max 1024x1280"):
        build_file(model, tmp_path / "model.engine", SM86)


def test_a_model_of_one_size_takes_no_range_of_sizes(tmp_path: Path) -> None:
    model = write_conv_model(tmp_path / "model.onnx")
    with pytest.raises(CoconetError, match="was exported for 32x48 alone"):
        build_file(model, tmp_path / "model.engine", replace(SM86, profile=PROFILE))


class Recorder(NoProgress):
    """Keeps the phases it is told of."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.steps: dict[str, int] = {}

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        assert parent is None or parent in self.open
        self.open.append(phase)
        self.steps[phase] = steps

    def step(self, phase: str, done: int) -> None:
        assert 0 < done <= self.steps[phase]

    def finish(self, phase: str) -> None:
        self.open.remove(phase)


def test_the_build_reports_its_phases(tmp_path: Path) -> None:
    progress = Recorder()
    build_file(write_conv_model(tmp_path / "model.onnx"), tmp_path / "model.engine", SM86, BuildAids(progress))
    assert len(progress.steps) > 1
    assert progress.open == []


class Stopper(NoProgress):
    """Interrupts the build at its first step, as Ctrl-C would."""

    def step(self, phase: str, done: int) -> None:
        raise KeyboardInterrupt


def test_an_interrupted_build_leaves_no_file(tmp_path: Path) -> None:
    model = write_conv_model(tmp_path / "model.onnx")
    with pytest.raises(KeyboardInterrupt):
        build_file(model, tmp_path / "model.engine", SM86, BuildAids(Stopper()))
    assert list(tmp_path.iterdir()) == [model]


KILLED = """
import os, signal, sys
from pathlib import Path
from coconet.cards.engine_card import BuildOptions
from coconet.export.engines.build_progress import NoProgress
from coconet.export.engines.engine import BuildAids
from tests.support.models.engines import build_file

class Killer(NoProgress):
    def step(self, phase, done):
        os.kill(os.getpid(), signal.SIGKILL)

build_file(Path(sys.argv[1]), Path(sys.argv[2]), BuildOptions(gpus=("sm86",)), BuildAids(Killer()))
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_a_killed_build_leaves_no_file(tmp_path: Path) -> None:
    model = write_conv_model(tmp_path / "model.onnx")
    killed = subprocess.run([sys.executable, "-c", KILLED, model, tmp_path / "model.engine"], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == [model]


def test_a_failed_write_leaves_engine_and_card_of_the_last_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, out = write_conv_model(tmp_path / "model.onnx"), tmp_path / "model.engine"
    card = build_file(model, out, SM86)
    monkeypatch.setattr(EngineCard, "to_json", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        build_file(write_conv_model(model, "fp32"), out, SM86)
    assert read_engine_card(out) == card
    assert sorted(tmp_path.iterdir()) == sorted([model, out, card_path(out)])


def test_a_graph_that_the_parser_refuses_is_refused_in_its_words(tmp_path: Path) -> None:
    path = write_conv_model(tmp_path / "model.onnx")
    model = onnx.load(path)
    last = model.graph.node[-1]
    last.output[0] = "picture"  # the parser takes uint8 only as what a network gives, not inside it
    model.graph.node.append(onnx.helper.make_node("Identity", ["picture"], ["fused"], name="copy"))
    onnx.save(model, path)
    with pytest.raises(
        CoconetError, match=r"node fused_node is refused by TensorRT: .*TensorRT does not support UINT8 types"
    ):
        build_file(path, tmp_path / "model.engine", SM86)


def test_a_build_that_fails_gives_the_reason_of_the_builder(tmp_path: Path) -> None:
    model = write_conv_model(tmp_path / "model.onnx", size=(512, 512))
    with pytest.raises(
        CoconetError, match=r"cannot be built by TensorRT .* for sm86: .*workspace.* change --workspace-mib"
    ):
        build_file(model, tmp_path / "model.engine", replace(SM86, workspace_mib=1))
    assert list(tmp_path.iterdir()) == [model]


def test_a_model_that_is_not_camera_ready_is_refused(tmp_path: Path) -> None:
    path = write_conv_model(tmp_path / "model.onnx")
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {CARD_KEY: replace(conv_card("fp16"), visible_channels=1).to_json()})
    onnx.save(model, path)
    with pytest.raises(
        CoconetError, match=r"it has uint8 .* 3\), not visible as uint8 of shape \(1, height, width, 1\)"
    ):
        build_file(path, tmp_path / "model.engine", SM86)


def test_other_names_than_ours_are_refused(tmp_path: Path) -> None:
    path = write_conv_model(tmp_path / "model.onnx")
    model = onnx.compose.add_prefix(onnx.load(path), "my_")
    onnx.save(model, path)
    with pytest.raises(CoconetError, match=r"it has inputs my_visible, my_infrared .* not inputs visible and infrared"):
        build_file(path, tmp_path / "model.engine", SM86)


@pytest.mark.parametrize(("out", "words"), [("none/model.engine", "is no folder"), ("model.plan", r"ending \.plan")])
def test_a_bad_destination_is_refused_before_the_build(tmp_path: Path, out: str, words: str) -> None:
    job = job_of(write_conv_model(tmp_path / "model.onnx"), SM86)
    with pytest.raises(CoconetError, match=words):
        build_engine(job, tmp_path / out, BuildAids(Stopper()))


def test_an_engine_of_this_device_says_which_device(tmp_path: Path) -> None:
    card = build_engine(device_job(write_conv_model(tmp_path / "model.onnx")), tmp_path / "model.engine")
    assert (card.flavour, card.targets, card.device) == ("tensorrt", ("sm87",), DeviceIdentity("Orin"))


class Stand:
    """Stands in for the runner of an engine: what its model would do, or another thing; notes the sizes it is asked."""

    def __init__(self, model: Path, engine: Path, wrong: bool) -> None:
        self.card = read_engine_card(engine).model  # the card has to lie beside the engine by now
        self.name = "stand-in"
        self._model, self._wrong = open_backend(model), wrong
        self.sizes: list[tuple[int, ...]] = []

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        self.sizes.append(visible.shape[:2])
        return visible if self._wrong else self._model.fuse(visible, infrared)

    def close(self) -> None:
        self._model.close()


@pytest.mark.parametrize("wrong", [False, True])
def test_an_engine_of_this_device_gets_its_name_after_it_fused_like_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: bool
) -> None:
    model, out = write_averaging_model(tmp_path / "model.onnx", size=(96, 128)), tmp_path / "model.engine"

    def opened(path: Path) -> object:
        return Stand(model, path, wrong) if path.suffix == ".engine" else open_backend(path)

    monkeypatch.setattr(engine_check, "open_to_compare", opened)
    check = functools.partial(engine_check.require_agreement, onnx=model, frames=None, name=out)
    if not wrong:
        build_engine(device_job(model), out, BuildAids(check=check))
        assert sorted(tmp_path.iterdir()) == [out, card_path(out), model]
        return
    with pytest.raises(
        CoconetError, match=r"model\.engine, against model\.onnx is too far from its reference: .*55 dB or more"
    ):
        build_engine(device_job(model), out, BuildAids(check=check))
    assert list(tmp_path.iterdir()) == [model]


@pytest.mark.parametrize("real", [False, True])
def test_the_check_fuses_at_the_sizes_of_the_profile_and_at_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real: bool
) -> None:
    model, out = write_averaging_model(tmp_path / "model.onnx"), tmp_path / "model.engine"
    opened: list[Stand] = []

    def opens(path: Path) -> object:
        if path.suffix != ".engine":
            return open_backend(path)
        opened.append(Stand(model, path, wrong=False))
        return opened[-1]

    monkeypatch.setattr(engine_check, "open_to_compare", opens)
    frames = textured_pairs(tmp_path / "frames", 2) if real else None
    check = functools.partial(engine_check.require_agreement, onnx=model, frames=frames, name=out)
    profile = SizeProfile(FrameSize(17, 48), FrameSize(33, 81), FrameSize(96, 128))
    job = device_job(model)
    build_engine(replace(job, options=replace(job.options, profile=profile)), out, BuildAids(check=check))
    synthetic_or_real = 2 if real else engine_check.SYNTHETIC_FRAMES
    assert opened[0].sizes == [(33, 81)] * synthetic_or_real + [(17, 48), (96, 128)]


class LyingStraight(Stand):
    """An engine that aligns by itself; a straight one takes every table for that of pictures that lie right."""

    def __init__(self, model: Path, engine: Path, straight: bool) -> None:
        super().__init__(model, engine, wrong=False)
        self._straight = straight

    def align(self, alignment: Alignment | None) -> None:
        assert isinstance(self._model, WarpingBackend)
        self._model.align(None if self._straight else alignment)


@pytest.mark.parametrize("wrong", [False, True])
def test_an_engine_that_aligns_by_itself_has_to_turn_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: bool
) -> None:
    model, out = tmp_path / "model.onnx", tmp_path / "model.engine"
    write_warped(write_averaging_model(tmp_path / "laying.onnx", size=(96, 128)), model)

    def opened(path: Path) -> object:
        return LyingStraight(model, path, wrong) if path.suffix == ".engine" else open_backend(path)

    monkeypatch.setattr(engine_check, "open_to_compare", opened)
    check = functools.partial(engine_check.require_agreement, onnx=model, frames=None, name=out)
    if wrong:
        with pytest.raises(
            CoconetError, match=r"model\.engine, against model\.onnx is too far from its reference: .*55 dB or more"
        ):
            build_engine(device_job(model), out, BuildAids(check=check))
    else:
        build_engine(device_job(model), out, BuildAids(check=check))
    assert out.exists() == (not wrong)


def test_a_device_builds_and_checks_engines_without_pytorch() -> None:
    code = "import sys; sys.modules['torch'] = None; import coconet.export.engines.engine_check as check; print(check)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "engine_check" in run.stdout


@pytest.mark.parametrize(
    ("flavour", "device", "before"),
    [
        ("tensorrt", 1, "CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=1 trtexec "),
        ("tensorrt", None, "trtexec "),
        ("tensorrt_rtx", 1, "tensorrt_rtx "),
    ],
)
def test_the_same_without_coconet_is_built_on_the_same_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flavour: str, device: int | None, before: str
) -> None:
    for name, value in (("CUDA_DEVICE_ORDER", "PCI_BUS_ID"), ("CUDA_VISIBLE_DEVICES", "1")):
        monkeypatch.setenv(name, value)
    job = device_job(write_averaging_model(tmp_path / "model.onnx", size=(96, 128)), flavour=flavour)
    assert trtexec_line(job, tmp_path / "model.engine", device).startswith(f"{before}--onnx=")


def test_options_for_other_versions_and_layers_reach_the_builder(tmp_path: Path) -> None:
    options = BuildOptions(version_compatible=True, layers=True)
    tensorrt = device_tensorrt()
    flags: list[object] = []
    config = SimpleNamespace(set_flag=flags.append)
    set_compatibility(tensorrt, config, options)
    assert flags == [tensorrt.module.BuilderFlag.VERSION_COMPATIBLE]
    assert config.profiling_verbosity == tensorrt.module.ProfilingVerbosity.DETAILED


def test_an_engine_for_all_boards_needs_a_tensorrt_that_builds_one() -> None:
    levels = SimpleNamespace(HardwareCompatibilityLevel=SimpleNamespace(AMPERE_PLUS=1), __version__="10.3.0")
    old = replace(device_tensorrt(), module=levels)
    with pytest.raises(CoconetError, match=r"needs TensorRT 10\.9 or later; this is 10\.3\.0"):
        set_compatibility(old, SimpleNamespace(), BuildOptions(same_compute_capability=True))


def test_only_the_options_that_were_given_are_refused() -> None:
    rtx = replace(device_tensorrt(), flavour="tensorrt_rtx")
    said = r"does not take --version-compatible with --gpu\. Leave --version-compatible out"
    with pytest.raises(CoconetError, match=said):
        set_compatibility(rtx, SimpleNamespace(), BuildOptions(version_compatible=True))


def test_a_checkpoint_is_told_from_a_model(tmp_path: Path) -> None:
    (tmp_path / "lite.safetensors").write_bytes(b"weights")
    with pytest.raises(CoconetError, match=r"is a checkpoint; expected an ONNX model.* coconet export, .* lite"):
        build_file(tmp_path / "lite.safetensors", tmp_path / "model.engine", SM86)


def test_tensorrt_8_is_refused_for_what_it_would_build_otherwise(tmp_path: Path) -> None:
    old = SimpleNamespace(NetworkDefinitionCreationFlag=SimpleNamespace(EXPLICIT_BATCH=0), __version__="8.6.2")
    job = device_job(write_conv_model(tmp_path / "model.onnx"), module=old)
    with pytest.raises(CoconetError, match=r"is a model of precision fp16, which TensorRT 8\.6\.2 does not build"):
        build_engine(job, tmp_path / "model.engine")


def test_a_tensorrt_that_gives_no_builder_is_said_in_words(tmp_path: Path) -> None:
    def no_builder(_: object) -> None:
        raise TypeError("pybind11::init(): factory function returned nullptr")

    flags = device_tensorrt().module.NetworkDefinitionCreationFlag
    broken = SimpleNamespace(Builder=no_builder, NetworkDefinitionCreationFlag=flags, __version__="10.3")
    job = device_job(write_conv_model(tmp_path / "model.onnx"), module=broken)
    with pytest.raises(CoconetError, match=r"^TensorRT 10\.3 does not start on this machine: "):
        build_engine(job, tmp_path / "model.engine")


@pytest.mark.parametrize(
    ("name", "gpus", "wanted"),
    [
        ("lite.onnx", ("sm86",), "lite.fp16.sm86.engine"),
        ("lite.fp16.onnx", ("sm86", "sm89"), "lite.fp16.sm86-sm89.engine"),
    ],
)
def test_the_default_name_says_precision_and_gpus(
    tmp_path: Path, name: str, gpus: tuple[str, ...], wanted: str
) -> None:
    model = write_conv_model(tmp_path / name)
    assert job_of(model, BuildOptions(gpus)).default_path == tmp_path / wanted


def test_what_tensorrt_warns_of_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    build_file(write_conv_model(tmp_path / "model.onnx", "int8"), tmp_path / "model.engine", SM86)
    assert any("scales" in text for text in caplog.messages)
    assert len(caplog.messages) == len(set(caplog.messages))
